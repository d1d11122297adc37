"""The facts that a component itself holds: size, digests, version, imports and exports of everything in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasm_oci.digest import ALGORITHMS, chunks
from wasm_oci.errors import FormatError
from wasm_oci.files import open_input
from wasm_oci.policy.interfaces import Import
from wasm_oci.wasm.component import read_wasm_stream
from wasm_oci.wasm.externs import Extern
from wasm_oci.wasm.reach import Nested, read_nested
from wasm_oci.wasm.sections import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentFacts:
    """What is in a .wasm file."""

    digests: tuple[str, ...]
    size: int
    version: str
    imports: tuple[Import, ...]
    exports: tuple[Import, ...]
    unlisted: tuple[str, ...]
    """Why the lists may not be whole."""


def read_component(path: Path) -> ComponentFacts:
    """Returns the facts about a file; raises UsageError, FormatError or LimitError for one that is not WebAssembly."""
    where = str(path)
    with open_input(path) as stream:
        wasm = read_wasm_stream(stream, where=where)
        nested, unlisted = _nested(stream, where)
        stream.seek(0)
        hashers = {name: hashlib.new(name) for name in ALGORITHMS}
        size = 0
        for chunk in chunks(stream):
            size += len(chunk)
            for hasher in hashers.values():
                hasher.update(chunk)
    return ComponentFacts(
        digests=tuple(f"{name}:{hasher.hexdigest()}" for name, hasher in hashers.items()),
        size=size,
        version=wasm.metadata.version or "",
        imports=(
            *_imports(wasm.imported, core=not wasm.is_component),
            *(item for each in nested for item in _imports(each.imported, core=each.kind is Kind.MODULE, inside=each.path)),
        ),
        exports=tuple(_imports(wasm.exported, core=not wasm.is_component)),
        unlisted=(
            *wasm.unknown,
            *(f"nested {'/'.join(map(str, each.path))}: {text}" for each in nested for text in each.unknown),
            *unlisted,
        ),
    )


def _nested(stream: BinaryIO, where: str) -> tuple[tuple[Nested, ...], tuple[str, ...]]:
    try:
        return read_nested(stream, where=where), ()
    except FormatError as err:
        return (), (f"what is nested cannot be listed: {err}",)


def _imports(externs: Iterable[Extern], *, core: bool, inside: tuple[int, ...] = ()) -> Iterable[Import]:
    place = "/".join(map(str, inside))
    for extern in externs:
        reached = "" if extern.interface == extern.name else extern.interface
        yield Import(name=extern.name, interface=reached, core=core, inside=place)
