"""What has to be in the predicates that decide something.

Any other type is carried as it is: provenance, a bill of materials, and whatever somebody defines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import member
from wasm_oci.trust.predicate_types import NAMES, SIGN, VSA

_RESULTS = ("PASSED", "FAILED")


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
