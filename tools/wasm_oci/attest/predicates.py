"""The types of predicates: their names, and what has to be in those that decide something.

Any other type is carried as it is: provenance, a bill of materials, and whatever somebody defines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import member
from wasm_oci.wording import did_you_mean

SIGN = "https://sigstore.dev/cosign/sign/v1"
"""The predicate of `cosign sign`, which says nothing beyond its subject (sigstore/cosign, specs/BUNDLE_SPEC.md)."""
VSA = "https://slsa.dev/verification_summary/v1"
"""A verdict about a policy (slsa-framework/slsa, spec/verification_summary.md)."""
_SPDX, _CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
NAMES: Mapping[str, str] = {
    "sign": SIGN,
    "vsa": VSA,
    "slsaprovenance1": "https://slsa.dev/provenance/v1",
    "spdxjson": _SPDX,
    "cyclonedx": _CYCLONEDX,
    "openvex": "https://openvex.dev/ns",
    "custom": "https://cosign.sigstore.dev/attestation/v1",
}
"""The names of cosign's option --type for these types, and two of ours."""
_VERSIONED = (_SPDX, _CYCLONEDX)
_RESULTS = ("PASSED", "FAILED")
_LONGEST = 1024


def predicate_type(text: str, *, where: str) -> str:
    """Returns the type that a name stands for, or the URI that is given; raises UsageError for anything else."""
    if text in NAMES:
        return NAMES[text]
    scheme, colon, rest = text.partition(":")
    if not (colon and rest and scheme.isascii() and scheme.isalnum() and text.isascii() and text.isprintable()) or " " in text:
        remedy = did_you_mean(text, NAMES) or f"use a URI, or one of {', '.join(NAMES)}"
        raise UsageError(f"{text[:100]!r} is not a predicate type", where=where, hint=remedy)
    if len(text) > _LONGEST:
        raise UsageError(f"the predicate type has more than {_LONGEST} characters", where=where, hint="use a shorter URI")
    return text


def is_of_type(found: str, wanted: str) -> bool:
    """Tells whether a predicate type is the wanted one; types of bills of materials may have a version at their end."""
    return found == wanted or (wanted in _VERSIONED and found.startswith(f"{wanted}/v"))


def check_predicate(kind: str, predicate: JsonObject, *, where: str) -> None:
    """Raises FormatError for a predicate that lacks what its type requires, as far as that is known here."""
    if check := _CHECKS.get(kind):
        check(predicate, where)


def _check_sign(predicate: JsonObject, where: str) -> None:
    if predicate:
        raise FormatError("the predicate of a sign statement is empty", where=where, hint="use a predicate type that says something")


def _check_vsa(predicate: JsonObject, where: str) -> None:
    member(member(predicate, "verifier", dict, where=where), "id", str, where=f"{where}.verifier")
    member(predicate, "resourceUri", str, where=where)
    policy = member(predicate, "policy", dict, where=where)
    member(policy, "uri", str, where=f"{where}.policy")
    member(policy, "digest", dict, where=f"{where}.policy")
    member(predicate, "verifiedLevels", list, where=where)
    result = member(predicate, "verificationResult", str, where=where)
    if result not in _RESULTS:
        raise FormatError(f"unknown value {result[:40]!r}", where=f"{where}.verificationResult", hint=f"write {' or '.join(_RESULTS)}")


def _check_provenance(predicate: JsonObject, where: str) -> None:
    definition = member(predicate, "buildDefinition", dict, where=where)
    member(definition, "buildType", str, where=f"{where}.buildDefinition")
    member(definition, "externalParameters", dict, where=f"{where}.buildDefinition")
    details = member(predicate, "runDetails", dict, where=where)
    builder = member(details, "builder", dict, where=f"{where}.runDetails")
    member(builder, "id", str, where=f"{where}.runDetails.builder")


_CHECKS: Mapping[str, Callable[[JsonObject, str], None]] = {
    SIGN: _check_sign,
    VSA: _check_vsa,
    NAMES["slsaprovenance1"]: _check_provenance,
}
