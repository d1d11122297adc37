"""What a WebAssembly file offers and needs: its kind, a component's imports and exports, and its metadata.

Format: component-model, design/mvp/Binary.md, "Import and Export Definitions". Only the top level is read, and
of that only the import, export and metadata sections; nested modules and components are never looked into.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.files import open_input
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.metadata import Metadata, MetadataReader
from wasm_oci.wasm.sections import CUSTOM_ID, Kind, Section, iter_sections, read_preamble
from wasm_oci.wasm.varint import read_u32

_IMPORT, _EXPORT = 10, 11
_CORE, _FUNC, _VALUE, _TYPE, _COMPONENT, _INSTANCE = range(6)
_CORE_MODULE = 0x11


@dataclass(frozen=True, slots=True, kw_only=True)
class WasmFile:
    """The facts about a WebAssembly file; `imports` and `exports` are a component's, in binary order."""

    kind: Kind
    imports: tuple[str, ...]
    exports: tuple[str, ...]
    metadata: Metadata

    @property
    def is_component(self) -> bool:
        return self.kind is Kind.COMPONENT


def read_wasm(path: Path) -> WasmFile:
    """Reads the facts about the file at `path`; raises UsageError, FormatError or LimitError."""
    with open_input(path, what="WebAssembly file") as stream:
        return read_wasm_stream(stream, where=str(path))


def read_wasm_stream(stream: BinaryIO, *, where: str) -> WasmFile:
    """Like `read_wasm`, for an open file at its beginning that can seek."""
    kind = read_preamble(stream, where=where)
    names: dict[int, list[str]] = {_IMPORT: [], _EXPORT: []}
    metadata, size = MetadataReader(where), 0
    for section in iter_sections(stream, where=where):
        if section.id == CUSTOM_ID:
            metadata.read(stream, section)
        elif kind is Kind.COMPONENT and section.id in names:
            found = _names(_payload(stream, section, where), section, where)
            names[section.id] += found
            size += sum(len(name.encode()) for name in found)
            if size > LIMITS.wasm_name_bytes:
                raise LimitError(f"the names of imports and exports have more than {LIMITS.wasm_name_bytes} bytes", where=where)
            if sum(map(len, names.values())) > LIMITS.wasm_imports:
                raise LimitError(f"more than {LIMITS.wasm_imports} imports and exports", where=where)
    return WasmFile(kind=kind, imports=tuple(names[_IMPORT]), exports=tuple(names[_EXPORT]), metadata=metadata.result())


def _payload(stream: BinaryIO, section: Section, where: str) -> bytes:
    if section.payload_size > LIMITS.config_blob:
        raise LimitError(
            f"byte {section.offset}: an import or export section has {section.payload_size} bytes, more than {LIMITS.config_blob}",
            where=where,
        )
    stream.seek(section.payload_offset)
    return stream.read(section.payload_size)


def _names(payload: bytes, section: Section, where: str) -> list[str]:
    """Returns the names in an import or export section; every entry is parsed to its end."""
    cursor = _Cursor(payload, section.payload_offset, where)
    skip = cursor.skip_extern_type if section.id == _IMPORT else cursor.skip_export_item
    count = cursor.u32("the number of entries")
    if count > LIMITS.wasm_imports:
        raise LimitError(f"byte {section.offset}: {count} entries are more than {LIMITS.wasm_imports}", where=where)
    names = []
    for _ in range(count):
        names.append(cursor.extern_name())
        skip()
    cursor.end()
    return names


@dataclass(slots=True)
class _Cursor:
    """Walks through a section's payload, which begins at `base` of the file."""

    data: bytes
    base: int
    where: str
    position: int = 0

    def u32(self, what: str) -> int:
        try:
            value, self.position = read_u32(self.data, self.position)
        except FormatError as err:
            raise self._error(f"{what} is not a 32-bit number ({err.what})") from err
        return value

    def byte(self, what: str) -> int:
        if self.position >= len(self.data):
            raise self._error(f"the section ends where {what} should be")
        self.position += 1
        return self.data[self.position - 1]

    def string(self, what: str) -> str:
        length = self.u32(f"the length of {what}")
        if length > LIMITS.wasm_name:
            raise LimitError(f"byte {self.base + self.position}: {what} has {length} bytes, more than {LIMITS.wasm_name}", where=self.where)
        raw = self.data[self.position : self.position + length]
        if len(raw) < length:
            raise self._error(f"the section ends inside {what}")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as err:
            raise self._error(f"{what} is not UTF-8") from err
        self.position += length
        return text

    def extern_name(self) -> str:
        """Binary.md `nameattributes`; the attributes of form 02 are skipped."""
        form = self.byte("a name")
        if form > 0x02:
            raise self._unknown("form of name", form)
        name = self.string("a name")
        if form == 0x02:
            for _ in range(self.u32("the number of attributes")):
                attribute = self.byte("an attribute")
                if attribute > 0x02:
                    raise self._unknown("attribute", attribute)
                self.string("an attribute")
        return name

    def skip_extern_type(self) -> None:
        """Binary.md `externtype`."""
        sort = self._sort()
        if sort == _VALUE:
            if self._choice("value bound"):
                self._skip_value_type()
            else:
                self.u32("a value index")
        elif sort != _TYPE or self._choice("type bound") == 0:
            self.u32("a type index")

    def skip_export_item(self) -> None:
        """Binary.md `export` after its name: `sortidx externtype?`."""
        self._sort()
        self.u32("an index")
        if self._choice("mark of an optional type"):
            self.skip_extern_type()

    def end(self) -> None:
        if self.position != len(self.data):
            raise self._error(f"{len(self.data) - self.position} bytes follow the last entry of the section")

    def _sort(self) -> int:
        sort = self.byte("a sort")
        if sort > _INSTANCE:
            raise self._unknown("sort", sort)
        if sort == _CORE and (core := self.byte("a core sort")) != _CORE_MODULE:
            raise self._unknown("core sort", core)
        return sort

    def _choice(self, what: str) -> int:
        value = self.byte(f"the {what}")
        if value > 1:
            raise self._unknown(what, value)
        return value

    def _skip_value_type(self) -> None:
        """A type index, or a primitive type: one byte with bit 6 set and bit 7 clear (a negative number)."""
        first = self.byte("a value type")
        if first & 0xC0 != 0x40:
            self.position -= 1
            self.u32("a type index")

    def _unknown(self, what: str, value: int) -> FormatError:
        self.position -= 1
        return self._error(f"unknown {what} 0x{value:02x} in an import or export")

    def _error(self, what: str) -> FormatError:
        hint = "check the file with `wasm-tools validate`"
        return FormatError(f"byte {self.base + self.position}: {what}", where=self.where, hint=hint)
