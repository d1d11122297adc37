"""Content digests (OCI image specification, descriptor.md, section "Digests"): SHA-256 only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from wasm_oci.errors import DigestError, FormatError
from wasm_oci.limits import LIMITS

_ALGORITHM = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):[A-Za-z0-9=_-]+")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest in its canonical text form, `sha256:` and 64 lower-case hexadecimal digits."""

    text: str

    @staticmethod
    def parse(text: object, *, where: str = "") -> Digest:
        """Raises FormatError for anything but a canonical SHA-256 digest."""
        if not isinstance(text, str) or not _SHA256.fullmatch(text):
            raise FormatError(
                f"{str(text)[:100]!r} is not a digest",
                where=where,
                hint="write sha256: and 64 lower-case hexadecimal digits",
            )
        return Digest(text)

    @staticmethod
    def of(data: bytes) -> Digest:
        return Digest("sha256:" + hashlib.sha256(data).hexdigest())

    @property
    def hex(self) -> str:
        return self.text.removeprefix("sha256:")

    def __str__(self) -> str:
        return self.text


def is_of_other_algorithm(text: object) -> bool:
    """Returns whether this is a digest, but not a SHA-256 one."""
    found = _ALGORITHM.fullmatch(text) if isinstance(text, str) else None
    return found is not None and found[1] != "sha256"


def chunks(stream: BinaryIO, size: int = LIMITS.chunk) -> Iterator[bytes]:
    """Yields the rest of `stream` in pieces of at most `size` bytes."""
    while chunk := stream.read(size):
        yield chunk


def digest_of(stream: BinaryIO) -> tuple[Digest, int]:
    """Returns the digest and the length of the rest of `stream`, which is read in chunks."""
    sha, size = hashlib.sha256(), 0
    for chunk in chunks(stream):
        sha.update(chunk)
        size += len(chunk)
    return Digest("sha256:" + sha.hexdigest()), size


def checked(pieces: Iterator[bytes], digest: Digest, size: int, *, where: str) -> Iterator[bytes]:
    """Passes `pieces` on; raises DigestError at their end, or as soon as they are more than `size` bytes.

    The consumer must throw away what it got when this raises.
    """
    sha, seen = hashlib.sha256(), 0
    for piece in pieces:
        seen += len(piece)
        if seen > size:
            raise DigestError(f"more than the promised {size} bytes arrived", where=where)
        sha.update(piece)
        yield piece
    if seen != size:
        raise DigestError(f"{seen} of {size} bytes arrived", where=where)
    if sha.hexdigest() != digest.hex:
        raise DigestError(f"content has digest sha256:{sha.hexdigest()}, not {digest}", where=where)
