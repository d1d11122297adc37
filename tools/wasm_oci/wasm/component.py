"""What a WebAssembly file offers and needs: its kind, its imports and exports, and its metadata.

Format: component-model, design/mvp/Binary.md. Only the top level is read here; `reach` lists what is nested, too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.files import open_input
from wasm_oci.limits import LIMITS
from wasm_oci.wasm import core_imports
from wasm_oci.wasm.cursor import UnknownForm
from wasm_oci.wasm.externs import EXPORT, IMPORT, Extern, read_externs
from wasm_oci.wasm.metadata import Metadata, MetadataReader
from wasm_oci.wasm.sections import CUSTOM_ID, Kind, Section, iter_sections, read_preamble

_log = logging.getLogger(__name__)
_LAST_OF_COMPONENT, _LAST_OF_MODULE = 12, 13
"""The greatest ids of sections that are known: of values (Binary.md), and of tags (WebAssembly 3.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WasmFile:
    """The facts about a WebAssembly file; imports and exports are in binary order."""

    kind: Kind
    imported: tuple[Extern, ...] = ()
    """All imports: of a component, or of a core module."""
    exported: tuple[Extern, ...] = ()
    """All exports of a component."""
    metadata: Metadata
    unknown: tuple[str, ...] = ()
    """Why there may be more imports or exports: sections of a form that is not known here. Where there is one, a policy must deny."""
    passed_over: tuple[str, ...] = ()
    """Metadata that is not text, escaped."""

    @property
    def is_component(self) -> bool:
        return self.kind is Kind.COMPONENT

    @property
    def imports(self) -> tuple[str, ...]:
        """The names that a component imports, as its config lists them."""
        return tuple(extern.name for extern in self.imported) if self.is_component else ()

    @property
    def exports(self) -> tuple[str, ...]:
        return tuple(extern.name for extern in self.exported)


def read_wasm(path: Path) -> WasmFile:
    """Reads the facts about the file at `path`; raises UsageError, FormatError or LimitError."""
    with open_input(path, what="WebAssembly file") as stream:
        return read_wasm_stream(stream, where=str(path))


def read_wasm_stream(stream: BinaryIO, *, where: str) -> WasmFile:
    """Like `read_wasm`, for an open file at its beginning that can seek.

    A section of an unknown form and metadata that is not text are passed over with a warning.
    """
    kind = read_preamble(stream, where=where)
    metadata, names = MetadataReader(where), ExternReader(kind, where, NameBudget())
    for section in iter_sections(stream, where=where):
        if section.id == CUSTOM_ID:
            metadata.read(stream, section)
        else:
            names.read(stream, section)
    for warning in (*names.unknown, *metadata.unreadable.values()):
        _log.warning("%s: %s", where, warning)
    return WasmFile(
        kind=kind,
        imported=tuple(names.imported),
        exported=tuple(names.exported),
        metadata=metadata.result(),
        unknown=tuple(names.unknown),
        passed_over=tuple(metadata.unreadable.values()),
    )


class NameBudget:
    """How many imports and exports may be listed, and bytes of their names; all readers of one file share it."""

    def __init__(self) -> None:
        self._count = self._size = 0

    def spend(self, found: Sequence[Extern], where: str) -> None:
        """Raises LimitError where they are too many."""
        self._count += len(found)
        self._size += sum(each.size for each in found)
        if self._size > LIMITS.wasm_name_bytes:
            raise LimitError(f"the names of imports and exports have more than {LIMITS.wasm_name_bytes} bytes", where=where)
        if self._count > LIMITS.wasm_imports:
            raise LimitError(f"more than {LIMITS.wasm_imports} imports and exports", where=where)


class ExternReader:
    """Collects imports and exports from the sections that it is shown, in the order of the file."""

    def __init__(self, kind: Kind, where: str, budget: NameBudget) -> None:
        self._kind, self._where, self._budget = kind, where, budget
        self.imported: list[Extern] = []
        self.exported: list[Extern] = []
        self.unknown: list[str] = []

    def read(self, stream: BinaryIO, section: Section) -> None:
        """Takes the entries of an import or export section; raises FormatError for a malformed one, or LimitError."""
        is_module = self._kind is Kind.MODULE
        if section.id > (_LAST_OF_MODULE if is_module else _LAST_OF_COMPONENT):
            self._is_unknown(f"byte {section.offset}: unknown section {section.id}, which may have names too")
        if section.id not in ((core_imports.IMPORT,) if is_module else (IMPORT, EXPORT)):
            return
        payload = self._payload(stream, section)
        try:
            if is_module:
                found = core_imports.read_core_imports(payload, base=section.payload_offset, where=self._where)
            else:
                found = read_externs(payload, section.id, base=section.payload_offset, where=self._where)
        except UnknownForm as err:
            self._is_unknown(f"{err.what}; the names of this section are left out")
            return
        (self.exported if section.id == EXPORT else self.imported).extend(found)
        self._budget.spend(found, self._where)

    def _is_unknown(self, what: str) -> None:
        if len(self.unknown) < LIMITS.wasm_warnings:
            self.unknown.append(what)

    def _payload(self, stream: BinaryIO, section: Section) -> bytes:
        if section.payload_size > LIMITS.config_blob:
            raise LimitError(
                f"byte {section.offset}: an import or export section has {section.payload_size} bytes, more than {LIMITS.config_blob}",
                where=self._where,
            )
        stream.seek(section.payload_offset)
        payload = stream.read(section.payload_size)
        if len(payload) != section.payload_size:
            raise FormatError("the file became shorter while it was read", where=self._where)
        return payload
