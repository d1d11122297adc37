"""Content digests (OCI image specification, descriptor.md, section "Digests"): both registered algorithms are read, SHA-256 is written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from wasm_oci.errors import DigestError, FormatError
from wasm_oci.limits import LIMITS

SHA256, SHA512 = "sha256", "sha512"
ALGORITHMS = {SHA256: hashlib.sha256, SHA512: hashlib.sha512}

_ANY = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):[A-Za-z0-9=_-]+")
_KNOWN = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest in its canonical text form: the algorithm, `:` and lower-case hexadecimal digits."""

    text: str

    @staticmethod
    def parse(text: object, *, where: str = "") -> Digest:
        """Raises FormatError for anything but a canonical SHA-256 or SHA-512 digest."""
        if not isinstance(text, str) or not _KNOWN.fullmatch(text):
            raise FormatError(
                f"{str(text)[:100]!r} is not a digest",
                where=where,
                hint="write sha256: and 64 lower-case hexadecimal digits, or sha512: and 128",
            )
        return Digest(text)

    @staticmethod
    def of(data: bytes, algorithm: str = SHA256) -> Digest:
        return Digest(f"{algorithm}:{ALGORITHMS[algorithm](data).hexdigest()}")

    @staticmethod
    def all_of(data: bytes) -> frozenset[Digest]:
        """Returns the digests of `data` by every algorithm that is read here."""
        return frozenset(Digest.of(data, algorithm) for algorithm in ALGORITHMS)

    @property
    def algorithm(self) -> str:
        return self.text.partition(":")[0]

    @property
    def hex(self) -> str:
        return self.text.partition(":")[2]

    def hasher(self) -> Any:
        """Returns a new hash object of the digest's algorithm."""
        return ALGORITHMS[self.algorithm]()

    def is_of(self, data: bytes) -> bool:
        return Digest.of(data, self.algorithm) == self

    def contradicts(self, other: Digest) -> bool:
        """Returns whether no content can have both digests. Those of two algorithms cannot be compared."""
        return self.algorithm == other.algorithm and self != other

    def __str__(self) -> str:
        return self.text


def is_of_other_algorithm(text: object) -> bool:
    """Returns whether this is a digest, but of an algorithm that is not supported."""
    found = _ANY.fullmatch(text) if isinstance(text, str) else None
    return found is not None and found[1] not in ALGORITHMS


def chunks(stream: BinaryIO, size: int = LIMITS.chunk) -> Iterator[bytes]:
    """Yields the rest of `stream` in pieces of at most `size` bytes."""
    while chunk := stream.read(size):
        yield chunk


def digest_of(stream: BinaryIO, algorithm: str = SHA256) -> tuple[Digest, int]:
    """Returns the digest and the length of the rest of `stream`, which is read in chunks."""
    sha, size = ALGORITHMS[algorithm](), 0
    for chunk in chunks(stream):
        sha.update(chunk)
        size += len(chunk)
    return Digest(f"{algorithm}:{sha.hexdigest()}"), size


class Checked(Iterator[bytes]):
    """The pieces of what has `digest` and `size`, whose last one is passed on only once all of that is known.

    Whoever may stop before the end closes it: what it reads from, such as a file or a thread, is let go at the end of a `with` block.
    """

    def __init__(self, pieces: Iterator[bytes], digest: Digest, size: int) -> None:
        self._pieces, self.digest, self.size = pieces, digest, size

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        if isinstance(self._pieces, Generator | Checked):
            self._pieces.close()

    def __enter__(self) -> Checked:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def through(self, step: Callable[[Iterator[bytes]], Iterator[bytes]]) -> Checked:
        """Returns the same pieces by way of an iterator that passes each of them on."""
        return Checked(step(self._pieces), self.digest, self.size)


def checked(pieces: Iterator[bytes], digest: Digest, size: int, *, where: str, proof: Callable[[], None] = lambda: None) -> Checked:
    """Passes `pieces` on; raises DigestError before the last of them, or as soon as they are more than `size` bytes.

    `proof` is called at that point too, and may raise. What was passed through this already is not hashed once more. The consumer
    must throw away what it got when this raises.
    """
    if isinstance(pieces, Checked) and (pieces.digest, pieces.size) == (digest, size):
        return pieces
    return Checked(_checked(pieces, digest, size, where, proof), digest, size)


def _checked(pieces: Iterator[bytes], digest: Digest, size: int, where: str, proof: Callable[[], None]) -> Iterator[bytes]:
    sha, seen, held = digest.hasher(), 0, b""
    for piece in pieces:
        if held:
            yield held
        seen += len(piece)
        if seen > size:
            raise DigestError(f"received more than the expected {size} bytes", where=where)
        sha.update(piece)
        held = piece
    if seen != size:
        raise DigestError(f"received {seen} of {size} bytes", where=where)
    if sha.hexdigest() != digest.hex:
        raise DigestError(f"content has digest {digest.algorithm}:{sha.hexdigest()}, not {digest}", where=where)
    proof()
    if held:
        yield held
