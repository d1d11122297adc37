"""OpenSSH key files (openssh PROTOCOL.key, and the public key lines of sshd(8)): Ed25519, without a passphrase."""

from __future__ import annotations

import base64
import binascii
import secrets

from wasm_oci.errors import KeyFormatError
from wasm_oci.wasmsign.ed25519 import KEY_SIZE, SEED_SIZE

BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
END = "-----END OPENSSH PRIVATE KEY-----"
KEY_TYPE = "ssh-ed25519"
_MAGIC = b"openssh-key-v1\0"
_BLOCK = 8
_LINE = 70
_HINT = "make an Ed25519 key with `wasm_oci keygen --format openssh` or `ssh-keygen -t ed25519 -N ''`"


def public_line(raw: bytes, comment: str = "") -> bytes:
    """Returns the line of a .pub file, with its line end."""
    line = f"{KEY_TYPE} {base64.b64encode(_public_blob(raw)).decode()}"
    return f"{line} {comment}".rstrip().encode() + b"\n"


def parse_public_lines(text: str, *, where: str, skip_malformed: bool = False) -> list[tuple[bytes, str]]:
    """Returns key and comment of every Ed25519 line; comments and lines of other key types are passed over.

    Raises KeyFormatError for a malformed Ed25519 line (unless skipped), and where no Ed25519 key is left.
    """
    found, others = [], []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split(maxsplit=2)
        if not fields or fields[0].startswith("#"):
            continue
        if fields[0] != KEY_TYPE:
            others.append(fields[0])
            continue
        raw = _key_of_blob(fields[1]) if len(fields) > 1 else None
        if raw is not None:
            found.append((raw, fields[2].strip() if len(fields) > 2 else ""))
        elif not skip_malformed:
            raise KeyFormatError(f"line {number} is not a whole {KEY_TYPE} key", where=where, hint="copy the .pub file again")
    if not found:
        other = f" (found {others[0][:40]!r})" if others else ""
        raise KeyFormatError(f"there is no Ed25519 key in it{other}", where=where, hint=_HINT)
    return found


def private_text(seed: bytes, raw: bytes, comment: str = "") -> bytes:
    """Returns an unencrypted private key file as ssh-keygen writes it."""
    check = secrets.token_bytes(4)
    private = check + check + _string(KEY_TYPE.encode()) + _string(raw) + _string(seed + raw) + _string(comment.encode())
    private += bytes(range(1, 1 + -len(private) % _BLOCK))
    blob = _MAGIC + _string(b"none") + _string(b"none") + _string(b"") + (1).to_bytes(4, "big")
    body = base64.b64encode(blob + _string(_public_blob(raw)) + _string(private)).decode()
    lines = [body[at : at + _LINE] for at in range(0, len(body), _LINE)]
    return "\n".join((BEGIN, *lines, END, "")).encode()


def parse_private(text: str, *, where: str) -> tuple[bytes, bytes, str]:
    """Returns seed, public half and comment; raises KeyFormatError for any other key or form.

    The caller must compare the public half with the one that belongs to the seed.
    """
    end = text.find(END)
    if not text.startswith(BEGIN) or end < 0:
        raise KeyFormatError("the private key file is cut off", where=where, hint="copy it again, from its first line to its last")
    blob = _decode("".join(text[len(BEGIN) : end].split()))
    if blob is None or not blob.startswith(_MAGIC):
        raise _malformed(where)
    outer = _Strings(blob, len(_MAGIC), where)
    cipher, kdf, options = outer.string(), outer.string(), outer.string()
    if (cipher, kdf, options) != (b"none", b"none", b""):
        raise KeyFormatError(
            "the private key is encrypted with a passphrase",
            where=where,
            hint="remove the passphrase from a copy of it with `ssh-keygen -p -N '' -f COPY`, or make a key for signing only",
            reason="key_encrypted",
        )
    if outer.number() != 1:
        raise KeyFormatError("the file must hold exactly one key", where=where, hint=_HINT)
    public, private = outer.string(), outer.string()
    outer.finish()
    return _parse_private_part(public, private, where)


def _parse_private_part(public: bytes, private: bytes, where: str) -> tuple[bytes, bytes, str]:
    reader = _Strings(private, 0, where)
    if reader.number() != reader.number():
        raise _malformed(where)
    kind = reader.string()
    if kind != KEY_TYPE.encode():
        name = kind[:40].decode("ascii", "replace")
        raise KeyFormatError(
            f"the key is of type {name!r}; Ed25519 is needed", where=where, hint=_HINT, reason="key_rsa" if name == "ssh-rsa" else ""
        )
    raw, pair, comment = reader.string(), reader.string(), reader.string()
    padding = private[reader.pos :]
    if len(pair) != SEED_SIZE + KEY_SIZE or padding != bytes(range(1, 1 + len(padding))) or len(padding) >= 256:
        raise _malformed(where)
    if not public == _public_blob(raw) == _public_blob(pair[SEED_SIZE:]):
        raise KeyFormatError(
            "the copies of the public half differ",
            where=where,
            hint="the file is damaged; restore it or make a new key pair",
            reason="key_mismatch",
        )
    return pair[:SEED_SIZE], raw, comment.decode("utf-8", "replace")


class _Strings:
    """Reads the length-prefixed strings of SSH; raises KeyFormatError where the data is not so."""

    def __init__(self, data: bytes, pos: int, where: str) -> None:
        self._data = data
        self.pos = pos
        self._where = where

    def _take(self, size: int) -> bytes:
        taken = self._data[self.pos : self.pos + size]
        if len(taken) != size:
            raise _malformed(self._where)
        self.pos += size
        return taken

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def finish(self) -> None:
        if self.pos != len(self._data):
            raise _malformed(self._where)


def _public_blob(raw: bytes) -> bytes:
    return _string(KEY_TYPE.encode()) + _string(raw)


def _key_of_blob(text: str) -> bytes | None:
    blob = _decode(text)
    if blob is None or len(blob) < KEY_SIZE or blob != _public_blob(blob[-KEY_SIZE:]):
        return None
    return blob[-KEY_SIZE:]


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _malformed(where: str) -> KeyFormatError:
    return KeyFormatError("the OpenSSH private key is malformed", where=where, hint="restore the file or make a new key pair")
