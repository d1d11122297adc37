"""The data types of SSH (RFC 4251, section 5), and an Ed25519 public key in them (RFC 8709, section 4)."""

from __future__ import annotations

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.ed25519 import KEY_SIZE

KEY_TYPE = "ssh-ed25519"


class Strings:
    """Reads the length-prefixed strings of SSH; raises KeyFormatError for malformed data."""

    def __init__(self, data: bytes, pos: int, where: str) -> None:
        self._data = data
        self.pos = pos
        self._where = where

    def _take(self, size: int) -> bytes:
        taken = self._data[self.pos : self.pos + size]
        if len(taken) != size:
            raise self.error()
        self.pos += size
        return taken

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def finish(self) -> None:
        if self.pos != len(self._data):
            raise self.error()

    def error(self) -> KeyFormatError:
        return malformed(self._where)


def public_blob(raw: bytes) -> bytes:
    """Returns a public key in the encoding of the SSH protocol."""
    return ssh_string(KEY_TYPE.encode()) + ssh_string(raw)


def key_of_blob(blob: bytes | None) -> bytes | None:
    """Returns the raw key of what `public_blob` makes; None for anything else."""
    if blob is None or len(blob) < KEY_SIZE or blob != public_blob(blob[-KEY_SIZE:]):
        return None
    return blob[-KEY_SIZE:]


def ssh_string(data: bytes) -> bytes:
    """Returns `data` with its length in front (RFC 4251, section 5)."""
    return len(data).to_bytes(4, "big") + data


def malformed(where: str) -> KeyFormatError:
    return KeyFormatError("the OpenSSH private key is malformed", where=where, hint="restore the file or make a new key pair")
