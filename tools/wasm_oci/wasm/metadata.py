"""Metadata that a WebAssembly file carries in custom sections.

Format: wasm-tools, crates/wasm-metadata: the data of a section is bare UTF-8, top level only, the last one wins. What is not
UTF-8 is no reason to refuse a file (core specification, "Custom Sections"): it is passed over, and shown escaped.
The name is subsection 0 of `name` (core specification, "Name Section") or `component-name`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import BinaryIO

from wasm_oci.errors import FormatError, LimitError, one_line
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.sections import Section
from wasm_oci.wasm.varint import read_u32

_NAME_SECTIONS = frozenset({"name", "component-name"})
_SHOWN = 60
"""Bytes that are shown of what is not text."""
_NAME_WINDOW = LIMITS.wasm_name + 16
"""Enough for the heads of a name section and its first name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The texts of the sections of the same names; None where there is none."""

    name: str | None = None
    authors: str | None = None
    description: str | None = None
    licenses: str | None = None
    source: str | None = None
    homepage: str | None = None
    revision: str | None = None
    version: str | None = None

    def to_json(self) -> dict[str, str]:
        """Returns what there is."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}


_TEXT_SECTIONS = frozenset(field.name for field in fields(Metadata)) - {"name"}


class MetadataReader:
    """Collects metadata from the custom sections that it is shown, in the order of the file."""

    def __init__(self, where: str) -> None:
        self._found: dict[str, str] = {}
        self._where = where
        self.unreadable: dict[str, str] = {}
        """What is not text, in words, by the name of its section."""

    def read(self, stream: BinaryIO, section: Section) -> None:
        """Takes the value of a custom section, if it is one of metadata; raises FormatError or LimitError."""
        if section.name in _NAME_SECTIONS:
            stream.seek(section.data_offset)
            name = _own_name(stream.read(min(section.data_size, _NAME_WINDOW)))
            if name is not None:
                self._found["name"] = name
        elif section.name in _TEXT_SECTIONS and (value := self._text(stream, section)) is not None:
            self._found[section.name] = value

    def _text(self, stream: BinaryIO, section: Section) -> str | None:
        place = f"byte {section.offset}: section {section.name!r}"
        if section.data_size > LIMITS.metadata_section:
            raise LimitError(f"{place} has {section.data_size} bytes, more than {LIMITS.metadata_section}", where=self._where)
        stream.seek(section.data_offset)
        data = stream.read(section.data_size)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            shown = one_line(data[:_SHOWN].decode("utf-8", "backslashreplace"))
            self.unreadable[section.name or ""] = f"{place} is not UTF-8 and is passed over: {shown}"
            return None

    def result(self) -> Metadata:
        return Metadata(**self._found)


def _own_name(data: bytes) -> str | None:
    """Returns the name in subsection 0, or None: a malformed name section is to be ignored (core specification, "Custom Sections")."""
    if not data or data[0] != 0:
        return None
    try:
        _, position = read_u32(data, 1)
        length, position = read_u32(data, position)
        name = data[position : position + length]
        return name.decode("utf-8") if len(name) == length else None
    except (FormatError, UnicodeDecodeError):
        return None
