"""Whether a file is what its signatures are of, found out while its content passes by: read once, with each hash in a thread of its own.

Specification: tool-conventions, Signatures.md.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import BinaryIO, cast

from wasm_oci.digest import Checked, Digest, checked, chunks
from wasm_oci.errors import SignatureError, WasmOciError
from wasm_oci.files import open_input
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign.parts import Part, Stretch, fits, read_parts

_AHEAD = 4
"""Pieces that the reading may be ahead of the hashing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What a signature says of the content from `start` on."""

    start: int
    detached: bool
    hashes: tuple[bytes, ...]
    where: str
    """The signature, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The bytes in which a signature was found, or that there is none: what is sent has to begin with them."""

    size: int
    sha256: bytes

    @staticmethod
    def of(data: bytes) -> Beginning:
        return Beginning(size=len(data), sha256=hashlib.sha256(data).digest())


def not_of_this(where: str) -> SignatureError:
    """Returns the error for a signature of another component."""
    return SignatureError(
        "the signature is not of this component",
        where=where,
        hint="give the signature that was written when this component was signed",
        reason="content_changed",
    )


_ANY = Beginning.of(b"")


class ContentCheck:
    """Compares a file with its digest and with what its signatures cover."""

    def __init__(
        self, path: Path, digest: Digest, size: int, covered: Sequence[Covered], *, where: str, beginning: Beginning = _ANY
    ) -> None:
        """`where` names the component in messages."""
        self._path, self._digest, self._size, self._covered, self._where = path, digest, size, covered, where
        self._beginning = beginning
        self._done = False
        """Whether a content of this digest was seen to be what is signed: then each content of the same digest is."""

    def finish(self) -> None:
        """Reads the file, unless what is sought is known; raises DigestError, FormatError, LimitError or SignatureError."""
        if not self._done:
            for _ in self.pieces():
                pass

    def pieces(self) -> Iterator[bytes]:
        """Yields the file; raises as `finish` before its last piece, so that nobody is given the whole of anything else.

        Once a content was compared, what follows is what the file holds then: its digest is for the consumer to check.
        """
        return self._passing() if self._done else Checked(self._proved(), self._digest, self._size)

    def _passing(self) -> Iterator[bytes]:
        with open_input(self._path, what="component") as stream:
            yield from chunks(stream)

    def _proved(self) -> Iterator[bytes]:
        with ExitStack() as stack:
            readers = {
                (start, detached): stack.enter_context(_Reader(self._size, start, detached=detached, where=self._where))
                for start, detached in {(each.start, each.detached) for each in self._covered}
            }

            beginning = _BeginningReader(self._beginning)

            def compare() -> None:
                beginning.check(where=self._where)
                for each in self._covered:
                    if not fits(each.hashes, readers[each.start, each.detached].parts()):
                        raise not_of_this(each.where)
                self._done = True

            shown = _shown_to([beginning, *readers.values()], self._passing())
            yield from checked(shown, self._digest, self._size, where=str(self._path), proof=compare)


def _shown_to(readers: Sequence[_BeginningReader | _Reader], pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for reader in readers:
            reader.take(piece)
        yield piece


class _BeginningReader:
    """Compares the beginning of a content that it is given in pieces."""

    def __init__(self, wanted: Beginning) -> None:
        self._wanted, self._left, self._sha = wanted, wanted.size, hashlib.sha256()

    def take(self, piece: bytes) -> None:
        if self._left:
            self._sha.update(piece[: self._left])
            self._left -= min(self._left, len(piece))

    def check(self, *, where: str) -> None:
        if self._sha.digest() != self._wanted.sha256:
            raise SignatureError(
                "the component changed after its signatures were read",
                where=where,
                hint="leave the file as it is until it is published, and run again",
                reason="content_changed",
            )


class _Reader:
    """Reads the parts of a content that it is given in pieces, in a thread that ends with the block."""

    def __init__(self, size: int, start: int, *, detached: bool, where: str) -> None:
        self._pieces: Queue[bytes] = Queue(_AHEAD)
        self._stream = _Piped(self._pieces, size)
        self._stretch = Stretch(stream=cast(BinaryIO, self._stream), start=start, detached=detached, where=where)
        self._found: tuple[Part, ...] = ()
        self._error: WasmOciError | None = None
        self._ended = False
        large = size > LIMITS.chunk  # what is one piece only is read by who asks
        self._thread = threading.Thread(target=self._read, name="content-check", daemon=True) if large else None

    def __enter__(self) -> _Reader:
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._end()
        if self._thread:
            self._thread.join()

    def take(self, piece: bytes) -> None:
        self._pieces.put(piece)

    def parts(self) -> tuple[Part, ...]:
        """Returns the parts once all pieces were taken; raises what reading them raised."""
        first = not self._ended
        self._end()
        if self._thread:
            self._thread.join()
        elif first:
            self._read()
        if self._error:
            raise self._error
        return self._found

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._pieces.put(b"")

    def _read(self) -> None:
        """However the reading ends, whoever gives the pieces does not wait for it; without a result nothing fits."""
        try:
            self._found = read_parts(self._stretch, None)
        except WasmOciError as err:
            self._error = err
        finally:
            self._stream.drain()


class _Piped:
    """A stream of known size whose content comes in pieces from another thread; it is read forwards only."""

    def __init__(self, pieces: Queue[bytes], size: int) -> None:
        self._pieces, self._size = pieces, size
        self._piece, self._position, self._over = memoryview(b""), 0, False

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Tells the end without going there."""
        if whence == os.SEEK_END:
            return self._size + offset
        while self._position < offset and self._take(offset - self._position):
            pass
        return self._position

    def read(self, size: int) -> bytes:
        parts = []
        while size and (part := self._take(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readinto(self, buffer: memoryview) -> int:
        part = self._take(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def drain(self) -> None:
        """Lets pass what is still to come: whoever gives it must not wait."""
        while self._take(self._size):
            pass

    def _take(self, most: int) -> memoryview:
        if not self._piece and not self._over:
            self._piece = memoryview(self._pieces.get())
            self._over = not self._piece
        part, self._piece = self._piece[:most], self._piece[most:]
        self._position += len(part)
        return part
