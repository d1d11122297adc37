"""The outer framing of WebAssembly modules and components (core specification "Modules"; Component Model "Binary").

After a preamble of 8 bytes: `id (1 byte) ‖ LEB128(size) ‖ payload`. A custom section has id 0 and its payload
begins with a length-prefixed UTF-8 name. Nested modules and components are opaque payload.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import KIB, LIMITS
from wasm_oci.wasm.varint import MAX_BYTES, encode_u32, read_u32

CUSTOM_ID = 0
PREAMBLE_SIZE = 8
_MAGIC = b"\0asm"
SIGNATURE_NAME = b"signature"
DELIMITER_NAME = b"signature_delimiter"

_HEADER = 1 + MAX_BYTES + MAX_BYTES
"""Most bytes from a section's id to its name."""
_PLAIN_NAME = 0x7F
"""Longest name that `_pass_plain` looks at: one byte for its size."""
_PLAIN_HEADER = _HEADER + _PLAIN_NAME
_SPECIAL_SIZES = (len(SIGNATURE_NAME), len(DELIMITER_NAME))
_FIRST_WINDOW = 4 * KIB
WINDOW = 64 * KIB


class Kind(enum.Enum):
    """What the preamble announces."""

    MODULE = "module"
    COMPONENT = "component"


PREAMBLES = {
    bytes.fromhex("0061736d01000000"): Kind.MODULE,
    bytes.fromhex("0061736d0d000100"): Kind.COMPONENT,
}


class Section(NamedTuple):
    """Where one section lies in its file. `payload` counts a custom section's name in; `data` does not."""

    id: int
    name: str | None
    """The name of a custom section, else None."""
    offset: int
    """Of the id byte, from the start of the file."""
    header_size: int
    payload_offset: int
    payload_size: int
    data_offset: int

    @property
    def end(self) -> int:
        return self.payload_offset + self.payload_size

    @property
    def data_size(self) -> int:
        return self.end - self.data_offset


class Header(NamedTuple):
    """One section as `walk` sees it: offsets from the start of the file, and the name's bytes."""

    id: int
    offset: int
    payload: int
    end: int
    name: bytes | None
    data: int

    def minimal(self) -> bytes | None:
        """Returns the shortest header up to `name_or_payload`, or None where the file's own is the shortest."""
        size = self.end - self.payload
        if self.name is None:
            short = bytes((self.id,)) + encode_u32(size)
            return None if len(short) == self.payload - self.offset else short
        name_size = encode_u32(len(self.name))
        short = bytes((self.id,)) + encode_u32(self.end - self.name_or_payload + len(name_size)) + name_size
        return None if len(short) == self.name_or_payload - self.offset else short

    @property
    def name_or_payload(self) -> int:
        """Where the bytes begin that are never rewritten: the name of a custom section, else the payload."""
        return self.payload if self.name is None else self.data - len(self.name)


class SectionSource(Protocol):
    """A file that `walk` goes through from its start to its end."""

    @property
    def total(self) -> int: ...

    def window(self, offset: int, need: int) -> tuple[bytes, int]:
        """Returns bytes of the file and the offset of their first one.

        They hold `offset` to `offset + need`, or all up to the end of the file. Offsets never go back.
        """


class SeekingSource:
    """Reads headers only: jumps over what lies between the windows that are asked for."""

    def __init__(self, stream: BinaryIO, end: int | None = None) -> None:
        self._stream = stream
        self.total = stream.seek(0, os.SEEK_END) if end is None else end
        self._data, self._base, self._size = b"", 0, _FIRST_WINDOW

    def window(self, offset: int, need: int) -> tuple[bytes, int]:
        end = self._base + len(self._data)
        if self._data and (offset + need <= end or end == self.total):
            return self._data, self._base
        self._size = min(2 * self._size, WINDOW) if offset <= end else _FIRST_WINDOW
        wanted = min(max(need, self._size), self.total - offset)
        self._stream.seek(offset)
        self._data, self._base = self._stream.read(wanted), offset
        if len(self._data) != wanted:
            raise FormatError("the file became shorter while it was read")
        return self._data, self._base


def read_preamble(stream: BinaryIO, *, where: str = "") -> Kind:
    """Reads 8 bytes; raises FormatError (reason `not_wasm` or `truncated`) unless they begin a module or component."""
    preamble = stream.read(PREAMBLE_SIZE)
    kind = PREAMBLES.get(preamble)
    if kind is None and len(preamble) == PREAMBLE_SIZE and preamble.startswith(_MAGIC):
        version, layer = (int.from_bytes(preamble[start : start + 2], "little") for start in (4, 6))
        what = f"this is neither a WebAssembly module nor a component of a known version: it has version {version:#x} of layer {layer}"
        raise FormatError(what, where=where, hint="build it again with current tools", reason="not_wasm")
    if kind is None:
        raise FormatError(
            "this is neither a WebAssembly module nor a component",
            where=where,
            hint="a binary .wasm file is needed; build or convert it again",
            reason="not_wasm" if len(preamble) == PREAMBLE_SIZE else "truncated",
        )
    return kind


def iter_sections(stream: BinaryIO, *, where: str = "", end: int | None = None) -> Iterator[Section]:
    """Yields every section from where `stream` is, after its preamble, to `end` or its end; payloads are jumped over, not read.

    The stream may be moved between two sections. Raises FormatError, with the byte offset, for a section that
    is cut off or malformed, and LimitError beyond a limit.
    """
    start = stream.tell()
    source = SeekingSource(stream, end)
    for head in walk(source, start, every=True, where=where):
        name = None if head.name is None else head.name.decode()
        yield Section(head.id, name, head.offset, head.payload - head.offset, head.payload, head.end - head.payload, head.data)


def walk(source: SectionSource, start: int, *, every: bool, where: str = "") -> Iterator[Header]:
    """Checks all sections from `start` to the end of the file, and yields them.

    Without `every` only those that signing must look at: with padded numbers, or named as signature or delimiter.

    Raises FormatError (reasons `truncated`, `leb128`, `leb128_overflow`, `utf8`, `section_id`, `joined`) or LimitError.
    """
    total, offset, count = source.total, start, 0
    window = _Window(b"")
    if total > LIMITS.wasm_file:
        raise LimitError(f"the file is larger than {LIMITS.wasm_file} bytes", where=where)
    while offset < total:
        data, base = source.window(offset, _PLAIN_HEADER)
        if not every:
            if data is not window.data:
                window = _Window(data)
            passed, last, offset = _pass_plain(window, offset - base)
            count, offset = count + passed, offset + base
            if offset > total:
                raise _cut_off(base + last, offset, total, where)
            if passed and count <= LIMITS.wasm_sections:
                continue
        head = _read_header(source, offset, where)
        offset, count = head.end, count + 1
        if count > LIMITS.wasm_sections:
            raise LimitError(f"there are more than {LIMITS.wasm_sections} sections", where=where)
        if every or head.name in (SIGNATURE_NAME, DELIMITER_NAME) or head.minimal() is not None:
            yield head


class _Window:
    """Bytes of a file, searched once, so that no section is examined for what they do not contain."""

    __slots__ = ("ascii", "data", "special")

    def __init__(self, data: bytes) -> None:
        self.data, self.special, self.ascii = data, SIGNATURE_NAME in data, data.isascii()


def _pass_plain(window: _Window, pos: int) -> tuple[int, int, int]:
    """Passes over small sections that need no closer look: about twenty times as fast as `_read_header`.

    Returns how many, where the last of them began, and where the next section begins, maybe after the data.
    """
    data, special, plain = window.data, window.special, window.ascii
    passed, last, limit = 0, pos, len(data) - _PLAIN_HEADER
    if plain and not special:  # then every number is of one byte, and every name is fine
        while pos < limit:
            size = data[pos + 1]
            if data[pos + 2] >= size and not data[pos]:
                break
            last = pos
            pos += size + 2
            passed += 1
    while pos < limit:
        size, payload = data[pos + 1], pos + 2
        if size > 0x7F:
            high = data[payload]
            if not 0 < high <= 0x7F:
                break
            size += (high - 1) << 7
            payload += 1
        if data[pos]:
            if data[pos] > 0x7F:
                break
        else:
            length = data[payload]
            if length >= size or length > _PLAIN_NAME or (special and length in _SPECIAL_SIZES):
                break
            if not plain and not _is_utf8(data[payload + 1 : payload + 1 + length]):
                break
        last = pos
        pos = payload + size
        passed += 1
    return passed, last, pos


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_header(source: SectionSource, offset: int, where: str) -> Header:
    data, base = source.window(offset, _HEADER)
    section_id = data[offset - base]
    if data.startswith(_MAGIC, offset - base):  # as a section its name would be longer than itself
        what = f"byte {offset}: another WebAssembly file begins here: this is several files, one behind the other"
        raise FormatError(what, where=where, hint="build it again, or take it apart", reason="joined")
    if section_id > 0x7F:
        raise FormatError(f"byte {offset}: 0x{section_id:02x} is not a section id", where=where, reason="section_id")
    pos = offset + 1 - base
    size, payload = (data[pos], offset + 2) if pos < len(data) and data[pos] < 0x80 else _number(data, pos, base, where)
    end = payload + size
    if end > source.total:
        raise _cut_off(offset, end, source.total, where)
    if section_id != CUSTOM_ID:
        return Header(section_id, offset, payload, end, None, payload)
    pos = payload - base
    if size and data[pos] < 0x80:
        length, name = data[pos], payload + 1
    else:
        length, name = _number(data[pos : min(payload + MAX_BYTES, end) - base], 0, payload, where)
    if name + length > end:
        raise FormatError(f"byte {offset}: the section's name is longer than the section", where=where, reason="truncated")
    if length > LIMITS.wasm_name:
        raise LimitError(f"byte {offset}: the section's name is longer than {LIMITS.wasm_name} bytes", where=where)
    if name + length - base > len(data):
        data, base = source.window(offset, name + length - offset)
    text = data[name - base : name + length - base]
    try:
        text.decode()
    except UnicodeDecodeError as err:
        raise FormatError(f"byte {offset}: the section's name is not UTF-8", where=where, reason="utf8") from err
    return Header(section_id, offset, payload, end, text, name + length)


def _number(data: bytes, pos: int, base: int, where: str) -> tuple[int, int]:
    """Reads a number at `pos` of `data`; returns it and the file offset after it."""
    try:
        number, end = read_u32(data, pos)
    except FormatError as err:
        raise FormatError(f"byte {base + pos}: {err.what}", where=where, reason=err.reason) from err
    return number, base + end


def _cut_off(offset: int, end: int, total: int, where: str) -> FormatError:
    return FormatError(
        f"byte {offset}: a section goes on to byte {end}, but the file ends at byte {total}",
        where=where,
        hint="the file is cut off or malformed; fetch or build it again",
        reason="truncated",
    )
