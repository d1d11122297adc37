"""Writing the sections of one file to another, each header in its shortest form, as every wasmsign2 writer does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from wasm_oci.errors import UsageError
from wasm_oci.files import real_path
from wasm_oci.limits import KIB
from wasm_oci.wasm.sections import CUSTOM_ID, DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, Header
from wasm_oci.wasm.varint import encode_u32

_BUFFER = 256 * KIB


class Target(Protocol):
    """What sections are written to."""

    def write(self, data: bytes | bytearray | memoryview, /) -> object: ...


class _Nowhere:
    """Takes all, keeps nothing."""

    def write(self, data: bytes | bytearray | memoryview, /) -> None:
        pass


NOWHERE: Target = _Nowhere()
"""For a `SectionWriter` that only hashes."""


def custom_section(name: bytes, data: bytes) -> bytes:
    """Returns a whole custom section."""
    named = encode_u32(len(name)) + name
    return bytes((CUSTOM_ID,)) + encode_u32(len(named) + len(data)) + named + data


def require_other_file(path: Path, others: Sequence[Path], *, what: str) -> None:
    """Raises UsageError where `path` is one of `others`, which are read or written at the same time."""
    if real_path(path) in [real_path(other) for other in others]:
        raise UsageError(f"the {what} is also the input or output", where=str(path), hint="name another file")


class SectionWriter:
    """Copies sections to `target`, after a preamble; `hashes` grows at each delimiter.

    `copy` and `skip` take sections as `walk` yields them; what lies between two of them, because `walk` was not asked for
    every section, is copied as it is. Signature sections are copied but not hashed, unless `with_signatures` says that
    they are content like others.
    """

    def __init__(self, stream: BinaryIO, target: Target, where: str, *, start: int = PREAMBLE_SIZE, with_signatures: bool = False) -> None:
        self._stream, self._target, self._where = stream, target, where
        self._with_signatures = with_signatures
        self._sha = hashlib.sha256()
        self._start = self._end = self._seen = start
        self.hashes: list[bytes] = []
        self.rewritten = False
        """Whether a header was not in its shortest form."""
        self._open_end = True
        stream.seek(0)
        target.write(stream.read(PREAMBLE_SIZE))

    def copy(self, head: Header) -> None:
        """Copies a section as it is, but for its header."""
        self.skip(head)
        short = head.minimal()
        start = head.offset if short is None else head.name_or_payload
        self.rewritten = self.rewritten or short is not None
        if head.name == SIGNATURE_NAME and not self._with_signatures:
            self._flush()
            self._target.write(short or b"")
            self._copy_range(start, head.end, hashed=False)
            return
        if short is not None:
            self._put(short)
        self._extend(start, head.end)
        self._note(delimiter=head.name == DELIMITER_NAME)

    def skip(self, head: Header) -> None:
        """Leaves a section out."""
        self._copy_gap(head.offset)
        self._seen = head.end

    def add_delimiter(self, data: bytes) -> None:
        self._put(custom_section(DELIMITER_NAME, data))
        self._note(delimiter=True)

    def add_signature(self, payload: bytes) -> None:
        self._flush()
        self._target.write(custom_section(SIGNATURE_NAME, payload))

    def digest(self) -> bytes:
        """Returns the hash of all content so far."""
        self._flush()
        return self._sha.digest()

    def finish(self, total: int) -> tuple[bytes, ...]:
        """Writes what is left up to the end of the file; returns the rolling hashes as signing takes them."""
        self._copy_gap(total)
        end = self.digest()
        return (*self.hashes, end) if self._open_end else tuple(self.hashes)

    def _copy_gap(self, offset: int) -> None:
        if self._seen < offset:
            self._extend(self._seen, offset)
            self._note(delimiter=False)

    def _extend(self, start: int, end: int) -> None:
        if start != self._end:
            self._flush()
            self._start = start
        self._end = end

    def _note(self, *, delimiter: bool) -> None:
        self._open_end = not delimiter
        if delimiter:
            self.hashes.append(self.digest())

    def _put(self, data: bytes) -> None:
        self._flush()
        self._sha.update(data)
        self._target.write(data)

    def _flush(self) -> None:
        self._copy_range(self._start, self._end, hashed=True)
        self._start = self._end

    def _copy_range(self, start: int, end: int, *, hashed: bool) -> None:
        if start == end:
            return
        self._stream.seek(start)
        buffer = memoryview(bytearray(min(_BUFFER, end - start)))
        while start < end:
            count = cast(BufferedIOBase, self._stream).readinto(buffer[: end - start])
            if not count:
                raise UsageError("the input file became shorter while it was read", where=self._where, hint="try again")
            if hashed:
                self._sha.update(buffer[:count])
            self._target.write(buffer[:count])
            start += count
