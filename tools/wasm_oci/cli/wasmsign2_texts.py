"""What `wasmsign2` says for each error: the published program's words wherever it refuses too."""

from __future__ import annotations

from pathlib import Path

from wasm_oci.errors import FormatError, KeyFormatError, SignatureError, UsageError, WasmOciError
from wasm_oci.files import open_input
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign.ed25519 import SIGNATURE_SIZE
from wasm_oci.wasmsign.keys import PublicKey
from wasm_oci.wasmsign.sections import PREAMBLE_SIZE, SIGNATURE_NAME, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.signature import SHA256, parse_as_reference

IO_ERROR = "I/O error"
PARSE_ERROR = "Parse error"
CRYPTO_ERROR = "Ed25519 signature function error"
UNSUPPORTED_KEY = "Unsupported key type"
NOT_SIGNED = "No signatures found"
NOT_VALID = "No valid signatures"

_FORMAT_TEXTS = {
    "not_wasm": "Unsupported module type",
    "truncated": IO_ERROR,
    "leb128_overflow": IO_ERROR,
    "utf8": "UTF-8 error",
    "duplicate": "Duplicate signature",
    "incompatible": "Incompatible signature version",
    "signed": "Signature already attached",
    "too_many_hashes": f"Too many hashes (max: {LIMITS.signature_hashes})",
    "too_many_sets": f"Too many hashes (max: {LIMITS.signature_sets})",
    "too_many_signatures": f"Too many signatures (max: {LIMITS.signatures})",
}


class Refusal(Exception):
    """Exit code 1 with this line, in the published program's words."""


def text_of(error: WasmOciError) -> str:
    """Returns the line for any error but a refused verification."""
    if isinstance(error, KeyFormatError) or error.reason == "limit":
        return f"Usage error: {error}"
    if isinstance(error, FormatError):
        return _FORMAT_TEXTS.get(error.reason, PARSE_ERROR)
    return IO_ERROR


def verification_text(error: SignatureError, path: Path, key: PublicKey, signature: bytes | None) -> str:
    """Returns the line for a file that did not verify: what the published program finds first in it."""
    try:
        with open_input(path) as stream:
            read_preamble(stream)
            payload = signature
            if payload is None:
                first = next(walk(SeekingSource(stream), PREAMBLE_SIZE, every=True), None)
                if first is None:
                    return PARSE_ERROR
                if first.name != SIGNATURE_NAME:
                    return NOT_SIGNED
                stream.seek(first.data)
                payload = stream.read(min(first.end - first.data, LIMITS.signature_section))
    except (FormatError, UsageError) as err:
        return text_of(err)
    return _payload_text(payload, key) if error.reason in ("malformed_signature", "unsupported_version") else NOT_VALID


def _payload_text(payload: bytes, key: PublicKey) -> str:
    try:
        data = parse_as_reference(payload)
    except FormatError:
        return PARSE_ERROR
    if data.hash_function != SHA256:
        return PARSE_ERROR
    tried = (record for record in data.records if record.key_id in (b"", key.key_id))
    return CRYPTO_ERROR if any(len(record.signature) != SIGNATURE_SIZE for record in tried) else NOT_VALID
