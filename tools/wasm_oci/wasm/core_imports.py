"""The import section of a core module (core specification, "Import Section"), with the forms of standard proposals."""

from __future__ import annotations

from wasm_oci.wasm.cursor import Cursor
from wasm_oci.wasm.externs import Extern

IMPORT = 2
_FUNC, _TABLE, _MEMORY, _GLOBAL, _TAG = range(5)
_KINDS = {_FUNC: "func", _TABLE: "table", _MEMORY: "memory", _GLOBAL: "global", _TAG: "tag", 0x20: "func"}
_FUNC_EXACT = 0x20
_MANY_TYPES, _ONE_TYPE = 0x7F, 0x7E
"""One module's name and many items, each with a type or all of one (compact import section)."""
_REFERENCES = (0x63, 0x64)
_PREFIXES = (0x62, 0x65)
"""Of heap types: exact, shared."""
_LIMITS_WITH_MAXIMUM, _LIMITS_WITH_PAGE_SIZE, _ALL_LIMITS = 0x01, 0x08, 0x0F


def read_core_imports(payload: bytes, *, base: int, where: str) -> list[Extern]:
    """Returns the imports of a module's import section, which begins at `base` of the file.

    Raises FormatError, LimitError, or UnknownForm for a type that is not known here.
    """
    cursor, found = Cursor(payload, base, where), list[Extern]()
    for _ in range(cursor.count("entries")):
        module, name = cursor.string("a module's name"), cursor.string("a name")
        form = cursor.peek()
        if name or form not in (_MANY_TYPES, _ONE_TYPE):
            found.append(Extern(name=f"{module}/{name}", kind=_skip_type(cursor)))
            continue
        cursor.byte("a form")
        kind = _skip_type(cursor) if form == _ONE_TYPE else ""
        for _ in range(cursor.count("items")):
            name = cursor.string("a name")
            found.append(Extern(name=f"{module}/{name}", kind=kind or _skip_type(cursor)))
    cursor.end()
    return found


def _skip_type(cursor: Cursor) -> str:
    kind = cursor.byte("a kind of import")
    if kind in (_FUNC, _FUNC_EXACT):
        cursor.u32("a type index")
    elif kind == _TABLE:
        _skip_value_type(cursor)
        _skip_limits(cursor)
    elif kind == _MEMORY:
        _skip_limits(cursor)
    elif kind == _GLOBAL:
        _skip_value_type(cursor)
        cursor.choice("mutability", 0x03)
    elif kind == _TAG:
        cursor.choice("attribute of a tag", 0)
        cursor.u32("a type index")
    else:
        raise cursor.unknown("kind of import", kind)
    return _KINDS[kind]


def _skip_value_type(cursor: Cursor) -> None:
    first = cursor.byte("a value type")
    if first in _REFERENCES:
        if cursor.peek() in _PREFIXES:
            cursor.byte("a heap type")
        cursor.skip_number("a heap type")
    elif first in _PREFIXES:
        cursor.byte("a reference type")
    elif not 0x40 <= first <= 0x7F:
        raise cursor.unknown("value type", first)


def _skip_limits(cursor: Cursor) -> None:
    flags = cursor.choice("flags of limits", _ALL_LIMITS)
    cursor.skip_long("a limit")
    if flags & _LIMITS_WITH_MAXIMUM:
        cursor.skip_long("a limit")
    if flags & _LIMITS_WITH_PAGE_SIZE:
        cursor.u32("a page size")
