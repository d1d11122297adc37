"""Everything that a file can reach: its own imports, and those of the modules and components inside it, at any depth.

A nested module or component gets its imports from what is around it, so they tell what the file's own imports are used for. A
policy judges the file's own imports, and must deny where the list may not be whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from wasm_oci.errors import LimitError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.component import ExternReader, NameBudget
from wasm_oci.wasm.externs import Extern
from wasm_oci.wasm.sections import PREAMBLE_SIZE, Kind, Section, iter_sections, read_preamble

_MODULE, _COMPONENT = 1, 4
"""The ids of sections that hold a module or a component (Binary.md, "Component Definitions")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A module or component inside a component."""

    path: tuple[int, ...]
    """The numbers, from 0, of the modules and components that lead to it, each counted among those of the one around it."""
    kind: Kind
    imported: tuple[Extern, ...]
    exported: tuple[Extern, ...]
    unknown: tuple[str, ...]
    """As in `WasmFile`."""

    def to_json(self) -> JsonObject:
        document: JsonObject = {
            "path": "/".join(map(str, self.path)),
            "kind": self.kind.value,
            "imports": [extern.to_json() for extern in self.imported],
        }
        if self.kind is Kind.COMPONENT:
            document["exports"] = [extern.to_json() for extern in self.exported]
        return document | ({"unknown": list(self.unknown)} if self.unknown else {})


def read_nested(stream: BinaryIO, *, where: str) -> tuple[Nested, ...]:
    """Returns all modules and components in an open component, each before what is inside it; none for a module.

    Raises FormatError or LimitError for a malformed file, and for more of them, or more deeply nested, than the limits allow.
    """
    stream.seek(0)
    if read_preamble(stream, where=where) is Kind.MODULE:
        return ()
    return tuple(_Walk(stream, where).inside((), PREAMBLE_SIZE, None))


class _Walk:
    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream, self._where = stream, where
        self._count = 0
        self._names = NameBudget()

    def inside(self, path: tuple[int, ...], start: int, end: int | None) -> Iterator[Nested]:
        """Yields what is in the sections from `start` to `end` of the file."""
        sections = [section for section in self._sections(start, end) if section.id in (_MODULE, _COMPONENT)]
        for number, section in enumerate(sections):
            yield from self._one((*path, number), section)

    def _one(self, path: tuple[int, ...], section: Section) -> Iterator[Nested]:
        self._count += 1
        place = f"{self._where}: nested {'/'.join(map(str, path))}"
        if self._count > LIMITS.wasm_nested or len(path) > LIMITS.wasm_depth:
            raise LimitError(f"more than {LIMITS.wasm_nested} nested modules, or deeper than {LIMITS.wasm_depth}", where=self._where)
        self._stream.seek(section.payload_offset)
        kind = read_preamble(self._stream, where=place)
        names = ExternReader(kind, place, self._names)
        start = section.payload_offset + PREAMBLE_SIZE
        for inner in self._sections(start, section.end):
            names.read(self._stream, inner)
        yield Nested(path=path, kind=kind, imported=tuple(names.imported), exported=tuple(names.exported), unknown=tuple(names.unknown))
        if kind is Kind.COMPONENT:
            yield from self.inside(path, start, section.end)

    def _sections(self, start: int, end: int | None) -> Iterator[Section]:
        self._stream.seek(start)
        return iter_sections(self._stream, where=self._where, end=end)
