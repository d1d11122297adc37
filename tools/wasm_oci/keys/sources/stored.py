"""Secret keys that are kept as text: in a variable, on stdin, in a keychain."""

from __future__ import annotations

import base64
import binascii
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wasm_oci.errors import KeyFormatError, LimitError, UsageError
from wasm_oci.keys.ed25519 import SEED_SIZE
from wasm_oci.keys.key import of_seed
from wasm_oci.keys.keytext import unwrapped
from wasm_oci.keys.ssh_wire import KEY_TYPE
from wasm_oci.limits import LIMITS

if TYPE_CHECKING:
    from wasm_oci.keys.sources.source import KeySource

_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]+={0,2}", re.ASCII)
_URL_SAFE = re.compile("[_-]")


def key_file_of(data: bytes, *, where: str) -> bytes:
    """Returns the content of a key file: `data` itself, or that of which it is base64; of a seed of 32 bytes a compact key.

    Raises KeyFormatError or LimitError, which never show the data.
    """
    if len(data) > LIMITS.key_file:
        raise LimitError(f"the secret key is larger than {LIMITS.key_file} bytes", where=where)
    text = _text(data)
    if "-----" in text or text.startswith(f"{KEY_TYPE} ") or not _BASE64.fullmatch(text):
        return data
    try:
        decoded = base64.b64decode(_padded("".join(text.split())), altchars="-_" if _URL_SAFE.search(text) else None, validate=True)
    except (binascii.Error, ValueError):
        hint = "store a PEM or OpenSSH key, or base64 of a key file"
        raise KeyFormatError("this is not a secret key", where=where, hint=hint) from None
    return of_seed(decoded).compact() if len(decoded) == SEED_SIZE else decoded


def _text(data: bytes) -> str:
    """Returns what may be base64, without quotation marks and escaped line ends; empty for what is not ASCII."""
    return unwrapped(data.decode()) if data.isascii() else ""


def _padded(text: str) -> str:
    """Returns base64 with the padding that some programs leave out."""
    return text if text.endswith("=") else text + "=" * (-len(text) % 4)


def of_variable(source: KeySource, environ: Mapping[str, str]) -> bytes:
    """Returns the key file in a variable of the environment; raises UsageError where it is not set."""
    text = environ.get(source.ref, "")
    if not text.strip():
        raise UsageError(f"the variable {source.ref} is not set", where=source.where, hint="set it to the secret key", reason="no_key")
    return key_file_of(text.encode("utf-8", "surrogateescape"), where=source.where)


def of_stdin(source: KeySource) -> bytes:
    """Returns the key file that is piped in; raises UsageError where stdin is a terminal or closed."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("no secret key is piped in", where=source.where, hint="pipe it from the program that holds it", reason="no_key")
    try:
        data = sys.stdin.buffer.read(LIMITS.key_file + 1)
    except (OSError, ValueError) as err:
        raise UsageError("stdin cannot be read", where=source.where, hint="pipe the secret key in", reason="no_key") from err
    if not data.strip():
        raise UsageError("stdin is empty", where=source.where, hint="pipe the secret key in", reason="no_key")
    return key_file_of(data, where=source.where)


def of_keychain(source: KeySource) -> bytes:
    """Returns the key file in the keychain of the user who is logged in; raises UsageError where there is none."""
    from wasm_oci.keys.sources.keychain import password_of

    return key_file_of(password_of(source).encode("utf-8", "surrogateescape"), where=source.where)
