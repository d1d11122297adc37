"""What `wasm_oci statements` says of the statements about a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wasm_oci.attest.bundle import hint_of
from wasm_oci.attest.find import FoundStatement, find_statements, missing_statement
from wasm_oci.attest.legacy import find_legacy_signatures
from wasm_oci.cli.publishing.attesting import algorithm_of
from wasm_oci.errors import WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.target import Target
from wasm_oci.outcome import GREEN, YELLOW, Outcome, Painted, error_document, report_error
from wasm_oci.trust.predicate_types import SIGN, VSA
from wasm_oci.trust.trust import Trust
from wasm_oci.wording import counted

_SHOWN = 20
"""Statements that do not verify and are shown."""


def listed(target: Target, *, trust: Trust | None, predicate_type: str | None, cosign_legacy: bool) -> Outcome:
    """Lists and verifies the statements about a manifest. What could not be read is an error unless enough was verified without it."""
    subject = target.fetch()
    reference = f"{target.store.name}@{subject.descriptor.digest}"
    statements, failure = [], None
    try:
        for found in find_statements(target.store, subject, trust=trust, predicate_type=predicate_type):
            statements.append(found)
        if cosign_legacy and predicate_type in (None, SIGN):
            statements += find_legacy_signatures(target.store, subject.descriptor.digest, trust=trust)
    except WasmOciError as err:
        failure = err
    verified = [found for found in statements if found.key]
    error = failure
    if trust and len({found.key for found in verified}) >= trust.threshold:
        error = None
    elif trust and failure is None:
        error = missing_statement(reference, predicate_type, verified, [found.error for found in statements if found.error], trust)
    for each in dict.fromkeys(filter(None, (failure, error))):
        report_error("wasm_oci", each, "text")
    document: JsonObject = {
        "reference": reference,
        "digest": str(subject.descriptor.digest),
        "pinned": target.pinned,
        "verified": None if trust is None else error is None,
        "statements": [statement_document(found, trust) for found in statements],
    }
    if error:
        document |= error_document(error)
    lines = list(statement_lines(reference, statements, trust))
    return Outcome(lines=lines, document=document, exit_code=error.exit_code if error else 0)


def statement_document(found: FoundStatement, trust: Trust | None) -> JsonObject:
    """Returns one statement as JSON; its predicate only where it is verified."""
    document: JsonObject = {
        "referrer": str(found.referrer),
        "bundle": str(found.bundle) if found.bundle else None,
        "predicateType": found.statement.predicate_type if found.statement else None,
        "verified": None if trust is None and not found.error else found.key is not None,
    }
    if trust and found.key and found.statement:
        document |= {
            "keyId": found.key.key_id.hex(),
            "algorithm": algorithm_of(found.key),
            "publicKeyHint": hint_of(found.key),
            "predicate": found.statement.predicate,
        }
        if trust.known:
            document["keyName"] = trust.name_of(found.key)
    if found.error:
        document["error"] = found.error.to_json()
    return document


def statement_lines(reference: str, statements: Sequence[FoundStatement], trust: Trust | None) -> Iterator[str]:
    """Yields lines for people: what is verified first."""
    verified = [found for found in statements if found.key]
    others = [found for found in statements if not found.key]
    count = counted(len(statements), "statement")
    yield reference
    yield f"  {count}, {f'{len(verified)} verified' if trust else 'not verified: give -K or --trusted-keys'}"
    for found in (*verified, *others[:_SHOWN]):
        yield f"  {found.statement.predicate_type if found.statement else 'unreadable'}"
        if trust and found.key:
            yield Painted(f"    verified, signed with key {trust.describe(found.key)} ({algorithm_of(found.key)})", GREEN)
            yield from _verdict(found)
        elif found.error:
            yield Painted(f"    not verified: {found.error.what}", YELLOW)
        yield f"    statement {found.bundle or found.referrer}"
    if len(others) > _SHOWN:
        yield f"  {len(others) - _SHOWN} more that {'do not verify' if trust else 'are not shown'}: list them with --output json"


def _verdict(found: FoundStatement) -> Iterator[str]:
    """Yields what a verified verdict says."""
    if found.statement and found.statement.predicate_type == VSA:
        predicate = found.statement.predicate
        yield f"    {predicate['verificationResult']}: policy {predicate['policy']['uri']}, by {predicate['verifier']['id']}"
