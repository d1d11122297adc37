"""The types of the predicates of statements: their names, and which is meant by which. Commands and policies take the same."""

from __future__ import annotations

from collections.abc import Mapping

from wasm_oci.errors import UsageError
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
_LONGEST = 1024


def predicate_type(text: str, *, where: str) -> str:
    """Returns the type that a name stands for, or the URI that is given; raises UsageError for anything else.

    What begins with a host is taken as it is: cosign before version 2 wrote `cosign.sigstore.dev/attestation/v1`.
    """
    if text in NAMES:
        return NAMES[text]
    scheme, colon, rest = text.partition(":")
    host, slash, path = text.partition("/")
    has_form = (colon and rest and scheme.isalnum()) or (slash and path and "." in host and ":" not in host)
    if not (has_form and text.isascii() and text.isprintable()) or " " in text:
        remedy = did_you_mean(text, NAMES) or f"use a URI, or one of {', '.join(NAMES)}"
        raise UsageError(f"{text[:100]!r} is not a predicate type", where=where, hint=remedy)
    if len(text) > _LONGEST:
        raise UsageError(f"the predicate type has more than {_LONGEST} characters", where=where, hint="use a shorter URI")
    return text


def is_of_type(found: str, wanted: str) -> bool:
    """Tells whether a predicate type is the wanted one; types of bills of materials may have a version at their end."""
    return found == wanted or (wanted in _VERSIONED and found.startswith(f"{wanted}/v"))
