"""The one key of a log, or of a witness."""

from __future__ import annotations

from collections.abc import Sequence

from wasm_oci.errors import UsageError
from wasm_oci.keys.sources.signing_keys import SigningKey


def only_key(keys: Sequence[SigningKey], *, whose: str, where: str) -> SigningKey:
    """Raises UsageError unless exactly one is given."""
    if len(keys) != 1:
        what = f"{whose} has one key, not {len(keys)}"
        raise UsageError(what, where=where, hint="give -k FILE, or --key-source and --key-ref")
    return keys[0]
