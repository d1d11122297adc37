"""Verifies bundles: the one verifier of statements, fail-closed.

A statement is verified if a trusted key signed its bytes, they are a statement about this manifest, and its predicate is of the
wanted type and has what that type requires. Nothing beside the signed bytes is believed: no annotation, hint or log entry.
"""

from __future__ import annotations

from dataclasses import dataclass

from wasm_oci.attest.bundle import Bundle, hint_of, parse_bundle
from wasm_oci.attest.predicates import check_predicate
from wasm_oci.attest.statement import Statement, parse_statement
from wasm_oci.errors import FormatError, LimitError, SignatureError
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.trust.predicate_types import is_of_type
from wasm_oci.trust.trust import Trust

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatement:
    """A statement that a trusted key signed, and that key, which is valid."""

    statement: Statement
    key: AnyPublicKey


class Budget:
    """How many signatures a run may still try, whatever it is given to verify."""

    def __init__(self, left: int = LIMITS.all_verifications) -> None:
        self._left = left

    @property
    def spent(self) -> bool:
        return self._left < 1

    def spend(self, where: str) -> None:
        """Raises SignatureError where nothing is left."""
        if self.spent:
            what = f"more than {LIMITS.all_verifications} signatures may be of the given keys"
            hint = "give fewer keys, or remove statements that are not needed"
            raise SignatureError(what, where=where, hint=hint, reason="limit")
        self._left -= 1


def verify_bundle(
    data: bytes, *, manifest: bytes, trust: Trust, where: str, predicate_type: str | None = None, budget: Budget | None = None
) -> VerifiedStatement:
    """Returns the statement in a bundle, verified; with `predicate_type`, only one of that type.

    Raises SignatureError with reason `malformed_statement` (also `keyless` and `limit`), `no_trusted_key`, `bad_signature`,
    `other_subject`, `other_predicate`, or the reason for which the key that signed is not valid.
    """
    try:
        bundle = parse_bundle(data, where=where)
    except FormatError as err:
        raise _malformed(err) from err
    key = _signed_by(bundle, trust, budget or Budget(), where)
    try:
        statement = parse_statement(bundle.envelope.payload, where=f"{where}: statement")
        statement.require_subject(manifest, where=where)
        if predicate_type is not None and not is_of_type(statement.predicate_type, predicate_type):
            what = f"the statement is of type {statement.predicate_type[:100]!r}, not {predicate_type[:100]!r}"
            raise SignatureError(
                what, where=where, hint="verify it as what it is, or make one of the wanted type", reason="other_predicate"
            )
        check_predicate(statement.predicate_type, statement.predicate, where=f"{where}: predicate")
    except FormatError as err:
        raise _malformed(err) from err
    if refusal := trust.refusal(key):
        raise SignatureError(refusal[1], where=where, hint="have it signed with a current key", reason=refusal[0])
    return VerifiedStatement(statement=statement, key=key)


def _malformed(err: FormatError) -> SignatureError:
    reason = err.reason if isinstance(err, LimitError) or err.reason == "keyless" else "malformed_statement"
    return SignatureError(err.what, where=err.where, hint=err.hint, reason=reason)


def _signed_by(bundle: Bundle, trust: Trust, budget: Budget, where: str) -> AnyPublicKey:
    """Returns the trusted key that signed. The key that the hint names is tried alone; where it names none of them, all are."""
    hinted = tuple(key for key in trust.keys if hint_of(key) == bundle.hint)
    message, signature = bundle.envelope.message(), bundle.envelope.signature
    for key in hinted or trust.keys:
        budget.spend(where)
        if key.verifies(message, signature):
            return key
    if hinted:
        what = f"the signature does not verify with the key {trust.describe(hinted[0])}: it was changed, or another key made it"
        raise SignatureError(what, where=where, hint="do not use it; fetch or sign it again", reason="bad_signature")
    given = ", ".join(trust.describe(key) for key in trust.keys[:_SHOWN])
    named = f"its bundle names {bundle.hint[:60]!r}; " if bundle.hint else ""
    raise SignatureError(
        f"none of the given keys signed it ({named}given {given})",
        where=where,
        hint="give the signer's public key if you trust it",
        reason="no_trusted_key",
    )
