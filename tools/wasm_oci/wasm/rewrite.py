"""Writing the sections of one file to another, each header in its shortest form, as every wasmsign2 writer does."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterator, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from wasm_oci.errors import UsageError
from wasm_oci.files import real_path
from wasm_oci.limits import KIB
from wasm_oci.wasm.sections import CUSTOM_ID, DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, Header
from wasm_oci.wasm.varint import encode_u32

_BUFFER = 256 * KIB
_SMALL = 64 * KIB
_SPECIAL = (SIGNATURE_NAME, DELIMITER_NAME)
_MANY = 4096
"""Ranges that a `SectionWriter` keeps before it copies them."""


def custom_section(name: bytes, data: bytes) -> bytes:
    """Returns a whole custom section."""
    named = encode_u32(len(name)) + name
    return bytes((CUSTOM_ID,)) + encode_u32(len(named) + len(data)) + named + data


def require_other_file(path: Path, others: Sequence[Path], *, what: str) -> None:
    """Raises UsageError where `path` is one of `others`, which are read or written at the same time."""
    if real_path(path) in [real_path(other) for other in others]:
        raise UsageError(f"the {what} is also the input or output", where=str(path), hint="name another file")


class Range(NamedTuple):
    """Bytes of a file that are copied."""

    start: int
    end: int
    header: bytes
    """Written before them in place of the file's own; mostly empty."""
    hashed: bool
    cut: bool
    """Whether a hash is taken after them."""


class Ranges:
    """What is copied of a file after its preamble, in order.

    `copy` and `skip` take sections as `walk` yields them; what lies between two of them, because `walk` was not asked for
    every section, is copied as it is.
    """

    def __init__(self) -> None:
        self._numbers = array("Q")
        """Three for each range: start, end, and its header's size, shifted by 2 bits: not hashed (2), and cut (1)."""
        self._headers = bytearray()
        self._seen = PREAMBLE_SIZE
        self.delimiters = 0
        self.open_end = True
        """Whether there is no delimiter, or content after the last one."""
        self.rewritten = False
        """Whether a header was not in its shortest form."""

    def __len__(self) -> int:
        return len(self._numbers) // 3

    def __iter__(self) -> Iterator[Range]:
        header_at = 0
        for index in range(0, len(self._numbers), 3):
            start, end, shape = self._numbers[index : index + 3]
            header = bytes(self._headers[header_at : header_at + (shape >> 2)])
            header_at += len(header)
            yield Range(start, end, header, not shape & 2, bool(shape & 1))

    def copy(self, head: Header) -> None:
        """Copies a section, with the shortest header; signature sections are not hashed."""
        short = head.minimal()
        if short is None and head.name not in _SPECIAL:
            self.copy_up_to(head.end)
            return
        self.skip(head)
        self.rewritten = self.rewritten or short is not None
        start = head.offset if short is None else head.name_or_payload
        if head.name == SIGNATURE_NAME:
            self._add(start, head.end, short or b"", 2)
            return
        cut = head.name == DELIMITER_NAME
        self._add(start, head.end, short or b"", int(cut))
        if cut:
            self.count_delimiter()
        else:
            self.open_end = True

    def skip(self, head: Header) -> None:
        """Leaves a section out."""
        self.copy_up_to(head.offset)
        self._seen = head.end

    def copy_up_to(self, offset: int) -> None:
        """Copies all between the last section and `offset`, at the end the file's size."""
        if self._seen < offset:
            self._add(self._seen, offset, b"", 0)
            self._seen, self.open_end = offset, True

    def count_delimiter(self) -> None:
        """Counts a delimiter as copied, which is not in the file."""
        self.delimiters, self.open_end = self.delimiters + 1, False

    def clear(self) -> None:
        """Forgets the ranges so far, once they are copied."""
        del self._numbers[:], self._headers[:]

    def _add(self, start: int, end: int, header: bytes, flags: int) -> None:
        if not (header or flags) and self._numbers and self._numbers[-2] == start and not self._numbers[-1] & 3:
            self._numbers[-2] = end
            return
        self._headers += header
        self._numbers.extend((start, end, len(header) << 2 | flags))


class SectionWriter:
    """Writes a file's preamble and then sections to `target`, and hashes them; `hashes` grows at each delimiter."""

    def __init__(self, stream: BinaryIO, target: BinaryIO, where: str) -> None:
        self._stream, self._target, self._where = stream, target, where
        self._sha = hashlib.sha256()
        self._ranges = Ranges()
        self.hashes: list[bytes] = []
        stream.seek(0)
        target.write(stream.read(PREAMBLE_SIZE))

    @property
    def delimiters(self) -> int:
        """How many were copied and added so far."""
        return self._ranges.delimiters

    @property
    def rewritten(self) -> bool:
        """Whether a header was not in its shortest form."""
        return self._ranges.rewritten

    def copy(self, head: Header) -> None:
        self._ranges.copy(head)
        if len(self._ranges) > _MANY:
            self._flush()

    def skip(self, head: Header) -> None:
        self._ranges.skip(head)

    def add_delimiter(self, data: bytes) -> None:
        self._flush()
        self._put(custom_section(DELIMITER_NAME, data))
        self._cut()
        self._ranges.count_delimiter()

    def add_signature(self, payload: bytes) -> None:
        self._flush()
        self._target.write(custom_section(SIGNATURE_NAME, payload))

    def leave_gap(self, size: int) -> None:
        """Skips that many bytes of the output, which the caller writes."""
        self._target.seek(size, os.SEEK_CUR)

    def digest(self) -> bytes:
        """Returns the hash of all content so far."""
        self._flush()
        return self._sha.digest()

    def finish(self, total: int) -> tuple[bytes, ...]:
        """Writes what is left up to the end of the file; returns the rolling hashes as signing takes them."""
        self._ranges.copy_up_to(total)
        return self.write(self._ranges)

    def write(self, ranges: Ranges) -> tuple[bytes, ...]:
        """Writes all of `ranges`, which end at the end of the file; returns the rolling hashes as signing takes them.

        Raises UsageError where the file became shorter since they were noted.
        """
        self._write(ranges)
        return (*self.hashes, self._sha.digest()) if ranges.open_end else tuple(self.hashes)

    def _flush(self) -> None:
        self._write(self._ranges)
        self._ranges.clear()

    def _write(self, ranges: Ranges) -> None:
        """Reads large ranges piece by piece, and puts small ones together."""
        pending, position = bytearray(), -1
        for start, end, header, hashed, cut in ranges:
            if start != position:
                self._stream.seek(start)
            position = end
            if hashed and end - start <= _SMALL:
                pending += header
                pending += self._read(end - start)
            elif hashed:
                self._put(pending + header)
                pending = bytearray()
                self._copy_large(end - start)
            else:
                self._put(pending)
                self._target.write(header)
                pending = bytearray()
                self._copy_large(end - start, hashed=False)
            if cut or len(pending) > _BUFFER:
                self._put(pending)
                pending = bytearray()
            if cut:
                self._cut()
        self._put(pending)

    def _cut(self) -> None:
        self.hashes.append(self._sha.digest())

    def _put(self, data: bytes | bytearray | memoryview) -> None:
        self._sha.update(data)
        self._target.write(data)

    def _copy_large(self, size: int, *, hashed: bool = True) -> None:
        buffer = memoryview(bytearray(min(_BUFFER, size)))
        while size:
            count = cast(BufferedIOBase, self._stream).readinto(buffer[: min(size, _BUFFER)])
            if not count:
                raise self._shorter()
            if hashed:
                self._sha.update(buffer[:count])
            self._target.write(buffer[:count])
            size -= count

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise self._shorter()
        return data

    def _shorter(self) -> UsageError:
        return UsageError("the input file became shorter while it was read", where=self._where, hint="try again")
