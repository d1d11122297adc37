"""The signed part of a file: which bytes are copied, what is rewritten, and where hashes are taken (FORMATS 1 and 2)."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from io import BufferedIOBase
from typing import BinaryIO, cast

from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.limits import KIB, LIMITS
from wasm_oci.wasm.sections import DELIMITER_NAME, PREAMBLE_SIZE, PREAMBLES, SIGNATURE_NAME, Header, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.signature import ED25519, SHA256, SignatureData, parse_as_reference, parse_signature

_BUFFER = 256 * KIB
_SMALL = 64 * KIB


class Content:
    """An input's sections apart from signatures: ranges of the file, each after a rewritten header (mostly none).

    Raises FormatError or LimitError for an input that is malformed or could not be verified once signed.
    """

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self.where = where
        self._stream = stream
        self.kind = read_preamble(stream, where=where)
        self._ranges = array("Q")
        """Three numbers for each: start, end, and twice the size of its header plus 1 where a hash is taken after it."""
        self._headers = bytearray()
        self._first: Header | None = None
        self.signature_sections = 0
        delimiters, self._open_end = self._scan()
        self.hash_count = delimiters + self._open_end
        if self.hash_count > LIMITS.signature_hashes:
            raise FormatError(
                f"{delimiters} delimiters cut the file into more than the {LIMITS.signature_hashes} parts that a reader accepts",
                where=where,
                hint="split it into fewer parts",
                reason="too_many_hashes",
            )

    def _scan(self) -> tuple[int, bool]:
        delimiters, begin, last_delimiter, source = 0, PREAMBLE_SIZE, 0, SeekingSource(self._stream)
        for head in walk(source, PREAMBLE_SIZE, every=False, where=self.where):
            if head.offset > begin:
                self._add(begin, head.offset)
                last_delimiter = 0
            begin = head.end
            if head.name == SIGNATURE_NAME:
                self.signature_sections += 1
                if head.offset == PREAMBLE_SIZE:
                    self._first = head
                continue
            last_delimiter = head.name == DELIMITER_NAME
            delimiters += last_delimiter
            short = head.minimal()
            self._add(head.offset if short is None else head.name_or_payload, head.end, short or b"", cut=last_delimiter)
        if source.total > begin:
            self._add(begin, source.total)
            last_delimiter = 0
        return delimiters, not last_delimiter

    def _add(self, start: int, end: int, header: bytes = b"", *, cut: bool = False) -> None:
        if not header and not cut and self._ranges and self._ranges[-2] == start and not self._ranges[-1] & 1:
            self._ranges[-2] = end
            return
        self._headers += header
        self._ranges.extend((start, end, 2 * len(header) + cut))

    @property
    def signed(self) -> bool:
        """Whether a signature section is the file's first."""
        return self._first is not None

    def previous_signature(self, *, as_reference: bool) -> SignatureData:
        """Returns the file's signatures; raises FormatError where none could be added to them that verifies.

        `as_reference` tells apart what the published wasmsign2 refuses, in its words; no more is taken with it.
        """
        if self._first is None:
            return SignatureData()
        size = self._first.end - self._first.data
        if size > LIMITS.signature_section:
            raise FormatError(f"its signature section is larger than {LIMITS.signature_section} bytes", where=self.where)
        self._stream.seek(self._first.data)
        payload = self._stream.read(size)
        hint = "sign the file from before it was signed"
        if as_reference:
            try:
                hash_function = parse_as_reference(payload).hash_function
            except FormatError as err:
                raise FormatError(f"its signature section is malformed: {err.what}", where=self.where, hint=hint) from err
            if hash_function != SHA256:
                raise FormatError("its signatures use another hash function", where=self.where, hint=hint, reason="incompatible")
        try:
            data = parse_signature(payload)
        except SignatureError as err:
            raise FormatError(f"no signature can be added: {err.what}", where=self.where, hint=hint, reason=err.reason) from err
        if any(record.algorithm != ED25519 for record in data.records):
            raise FormatError("it is also signed with an unknown algorithm", where=self.where, hint=hint, reason="unsupported_version")
        return data

    def copy(self, target: BinaryIO, offset: int) -> tuple[bytes, ...]:
        """Writes the preamble, and from `offset` on the content without signatures; returns its rolling hashes."""
        target.seek(0)
        target.write(next(preamble for preamble, kind in PREAMBLES.items() if kind is self.kind))
        target.seek(offset)
        sha, hashes = hashlib.sha256(), []
        for piece in self._pieces():
            if piece is None:
                hashes.append(sha.digest())
            else:
                sha.update(piece)
                target.write(piece)
        if self._open_end:
            hashes.append(sha.digest())
        return tuple(hashes)

    def _pieces(self) -> Iterator[bytearray | memoryview | None]:
        """Yields the content in pieces that must be used at once, and None where a hash is taken."""
        pending, large = bytearray(), memoryview(bytearray(_BUFFER))
        position = header_at = 0
        for index in range(0, len(self._ranges), 3):
            start, end, shape = self._ranges[index : index + 3]
            pending += self._headers[header_at : header_at + shape // 2]
            header_at += shape // 2
            if start != position:
                self._stream.seek(start)
            position = end
            if end - start <= _SMALL:
                pending += self._read(end - start)
            else:
                yield pending
                pending = bytearray()
                yield from self._large(large, end - start)
            if shape & 1 or len(pending) > _BUFFER:
                yield pending
                pending = bytearray()
            if shape & 1:
                yield None
        yield pending

    def _large(self, buffer: memoryview, size: int) -> Iterator[memoryview]:
        while size:
            count = cast(BufferedIOBase, self._stream).readinto(buffer[: min(size, _BUFFER)])
            if not count:
                raise self._shorter()
            yield buffer[:count]
            size -= count

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise self._shorter()
        return data

    def _shorter(self) -> UsageError:
        return UsageError("the input file became shorter while it was read", where=self.where, hint="sign it again")
