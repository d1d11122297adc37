"""What `wasmsign2` says for each error: the published program's words wherever it refuses too."""

from __future__ import annotations

from wasm_oci.errors import FormatError, KeyFormatError, WasmOciError
from wasm_oci.limits import LIMITS

IO_ERROR = "I/O error"
PARSE_ERROR = "Parse error"
CRYPTO_ERROR = "Ed25519 signature function error"
UNSUPPORTED_KEY = "Unsupported key type"
NOT_SIGNED = "No signatures found"
NOT_VALID = "No valid signatures"
NOT_VALID_IN_PART = "No valid signatures for the given predicates"

_FORMAT_TEXTS = {
    "not_wasm": "Unsupported module type",
    "truncated": IO_ERROR,
    "leb128_overflow": IO_ERROR,
    "utf8": "UTF-8 error",
    "duplicate": "Duplicate signature",
    "incompatible": "Incompatible signature version",
    "signed": "Signature already attached",
    "unsigned": NOT_SIGNED,
    "too_many_hashes": f"Too many hashes (max: {LIMITS.signature_hashes})",
    "too_many_sets": f"Too many hashes (max: {LIMITS.signature_sets})",
    "too_many_signatures": f"Too many signatures (max: {LIMITS.signatures})",
}


_OURS = frozenset({"limit", "unfit", "would_not_fit"})
"""What only we refuse, and in our own words."""


class Refusal(Exception):
    """Exit code 1 with this line, in the published program's words."""


def text_of(error: WasmOciError) -> str:
    """Returns the line for any error but a refused verification."""
    if error.reason == "pattern":
        return "Invalid argument"
    if isinstance(error, KeyFormatError) or error.reason in _OURS:
        return f"Usage error: {error}"
    if isinstance(error, FormatError):
        return _FORMAT_TEXTS.get(error.reason, PARSE_ERROR)
    return IO_ERROR
