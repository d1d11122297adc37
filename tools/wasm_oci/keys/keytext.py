"""The text of a key, as editors, shells and CI services leave it, and the names of other programs' keys."""

from __future__ import annotations

import base64
import binascii
import string

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.ed25519 import KEY_SIZE
from wasm_oci.keys.key_errors import NEW_KEY, bare_key

_WASM = b"\0asm"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_START = 32
"""Characters that show the encoding."""
_BEGIN = "-----BEGIN "
_OTHERS = (
    ("PuTTY-User-Key-File-", "a PuTTY key", "convert it with `puttygen KEY -O private-openssh -o COPY`"),
    ("---- BEGIN SSH2 PUBLIC KEY", "a public key in SSH2 form", "convert it with `ssh-keygen -i -f KEY > COPY`"),
    ("untrusted comment:", "a key of minisign or signify", NEW_KEY),
    ("AGE-SECRET-KEY-", "a key of age, which signs nothing", NEW_KEY),
)


def text_of(data: bytes, kind: str, *, where: str) -> str:
    """Returns the text in `data`, UTF-8 or with a mark UTF-16, without marks and blanks around it.

    Bytes of a public key that are not UTF-8 are escaped: they can be in a comment only, as of another encoding. Raises
    KeyFormatError for what is not text, and for keys of other programs, with the command that converts them; `kind` is public or
    secret.
    """
    if data.startswith(_WASM):
        what = f"this is a WebAssembly file; the {kind} key is needed here"
        raise KeyFormatError(what, where=where, hint=f"give the {kind} file of the key pair")
    text = _decoded(data, kind, where).strip(string.whitespace)
    if not text:
        raise _not_a_key(kind, where)
    for first, encoding in enumerate(("UTF-16BE", "UTF-16LE")):
        if set(text[first:_START:2]) == {"\0"}:
            what = f"the {kind} key is UTF-16 without a byte order mark"
            raise KeyFormatError(what, where=where, hint=f"convert it with `iconv -f {encoding} -t UTF-8 KEY > COPY`")
    if "\0" in text:
        raise _not_a_key(kind, where)
    for beginning, name, hint in _OTHERS:
        if text.startswith(beginning):
            raise KeyFormatError(f"this is {name}", where=where, hint=hint)
    return text


def _decoded(data: bytes, kind: str, where: str) -> str:
    try:
        return data.decode("utf-16") if data[:2] in _UTF16 else data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        if kind != "public" or data[:2] in _UTF16 or b"ssh-ed25519 " not in data:
            raise _not_a_key(kind, where) from err
    return data.decode("ascii", "backslashreplace")


def _not_a_key(kind: str, where: str) -> KeyFormatError:
    hint = f"give the {kind} file of an Ed25519 key pair; `wasm_oci keygen` makes one"
    return KeyFormatError(f"this is not a {kind} key", where=where, hint=hint)


def base64_bytes(text: str) -> bytes:
    """Returns what a text is in base64, padded or not, also as in URLs; empty where it is not base64."""
    compact = unwrapped(text).translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def require_format(data: bytes, *, where: str, reader: str) -> None:
    """Raises KeyFormatError for the bytes of a key alone; `reader` is the command that writes them to stdout."""
    if len(data) == KEY_SIZE:
        raise bare_key(where, reader=reader)


def unwrapped(text: str) -> str:
    r"""Returns a key without quotation marks around it, and with line ends for the `\n` that some services write for them.

    Not for OpenSSH public keys: there `\n` may be part of a comment, and a line more would be a key more.
    """
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if "\n" not in text and "\r" not in text:
        text = text.replace("\\r", "").replace("\\n", "\n").strip()
    return text


def unwrapped_block(text: str) -> str:
    """Returns `unwrapped` text where that begins a PEM block, else the text."""
    return found if (found := unwrapped(text)).startswith(_BEGIN) else text
