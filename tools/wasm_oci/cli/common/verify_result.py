"""What a verification says, in words and as JSON."""

from __future__ import annotations

from pathlib import Path

from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.trust.trust import Trust
from wasm_oci.wasmsign.signature import parse_signature
from wasm_oci.wasmsign.verify import VerifyResult


def text_of(source: Path, result: VerifyResult, trust: Trust) -> str:
    keys = ", ".join(trust.describe(key) for key in result.keys)
    parts = f"; {result.skipped_parts} of {result.parts} parts not looked at" if result.skipped_parts else ""
    return f"Verified: {source} ({result.kind.value}), signed with key{'s' * (len(result.keys) > 1)} {keys}{parts}"


def document_of(result: VerifyResult, trust: Trust) -> dict[str, object]:
    """Returns the result as JSON; it names no path."""
    document: dict[str, object] = {
        "verified": True,
        "kind": result.kind.value,
        "signature": "detached" if result.detached else "embedded",
        "keyId": result.key.key_id.hex(),
        "publicKey": result.key.raw.hex(),
        "keyIds": [key.key_id.hex() for key in result.keys],
        "keyIdsSeen": list(result.key_ids_seen),
        "contentHash": result.module_hash,
        "parts": result.parts,
        "skippedParts": result.skipped_parts,
    }
    if trust.known:
        document["keyNames"] = [trust.name_of(key) for key in result.keys]
    return document


def detached_signature(path: Path) -> bytes:
    """Returns the content of a signature file; raises SignatureError where it cannot be read or is not a signature."""
    try:
        data = read_bounded(path, LIMITS.signature_section, what="signature file")
    except (FormatError, UsageError) as err:
        raise SignatureError(err.what, where=err.where, hint=err.hint, reason="malformed_signature") from err
    parse_signature(data, where=str(path))
    return data
