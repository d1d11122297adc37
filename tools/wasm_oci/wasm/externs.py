"""The entries of a component's import and export sections (component-model, design/mvp/Binary.md, "Import and Export Definitions")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wasm_oci.errors import FormatError
from wasm_oci.wasm.cursor import Cursor, UnknownForm

IMPORT, EXPORT = 10, 11
_CORE, _FUNC, _VALUE, _TYPE, _COMPONENT, _INSTANCE = range(6)
_CORE_MODULE = 0x11
_SORTS = ("core module", "func", "value", "type", "component", "instance")
_ATTRIBUTES = ("implements", "version_suffix", "external_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extern:
    """One import or export of a component, or import of a core module, whose `name` is then `module/name`."""

    name: str
    kind: str
    """What it is: `instance`, `func`, `core module` …; of a core module's import `func`, `table`, `memory`, `global`, `tag`."""
    implements: str = ""
    """The interface that it implements under another name (Binary.md, `nameattributes`)."""
    version_suffix: str = ""
    """What a canonical version in the name leaves out (Explainer.md, "Canonical Interface Name")."""
    external_id: str = ""

    @property
    def size(self) -> int:
        """Bytes of its names, in UTF-8."""
        return sum(len(text.encode()) for text in (self.name, self.implements, self.version_suffix, self.external_id))

    @property
    def interface(self) -> str:
        """What is reached: the interface that it implements, else the name, with the whole version."""
        return f"{self.implements or self.name}{self.version_suffix}"

    def to_json(self) -> dict[str, str]:
        """Returns what is there."""
        further = (("implements", self.implements), ("versionSuffix", self.version_suffix), ("externalId", self.external_id))
        return {"name": self.name, "kind": self.kind, "interface": self.interface} | {key: value for key, value in further if value}


def read_externs(payload: bytes, section_id: int, *, base: int, where: str) -> list[Extern]:
    """Returns the entries of an import or export section, which begins at `base` of the file; each is parsed to its end.

    The type of a value is written in two ways, with the bound of Binary.md and without it, as wasm-tools and wasmtime do; the
    one that fits the section is taken. Raises FormatError, LimitError, or UnknownForm for a form that is not known here, and
    where both ways fit with different names.
    """
    found: list[list[Extern]] = []
    errors: list[FormatError] = []
    for value_type in (_skip_plain_value, _skip_bound_value):
        reader = _Reader(Cursor(payload, base, where), value_type)
        try:
            found.append(reader.entries(section_id))
        except FormatError as err:
            errors.append(err)
        if not reader.values:
            break
    if not found:
        raise next((err for err in errors if isinstance(err, UnknownForm)), errors[0])
    if len(found) > 1 and found[0] != found[1]:
        raise UnknownForm(f"byte {base}: the values in this section can be read in two ways", where=where)
    return found[0]


class _Reader:
    def __init__(self, cursor: Cursor, value_type: Callable[[Cursor], None]) -> None:
        self._cursor, self._skip_value = cursor, value_type
        self.values = 0
        """How many types of values were read."""

    def entries(self, section_id: int) -> list[Extern]:
        rest = self._import_type if section_id == IMPORT else self._export_item
        found = []
        for _ in range(self._cursor.count("entries")):
            name, attributes = self._name()
            found.append(Extern(name=name, kind=_SORTS[rest()], **attributes))
        self._cursor.end()
        return found

    def _name(self) -> tuple[str, dict[str, str]]:
        """Binary.md `nameattributes`: each attribute at most once."""
        form = self._cursor.choice("form of name", 0x02)
        name, attributes = self._cursor.string("a name"), dict[str, str]()
        for _ in range(self._cursor.u32("the number of attributes") if form == 0x02 else 0):
            attribute = _ATTRIBUTES[self._cursor.choice("attribute", len(_ATTRIBUTES) - 1)]
            if attribute in attributes:
                raise self._cursor.error("an attribute of a name is there twice")
            attributes[attribute] = self._cursor.string("an attribute")
        return name, attributes

    def _import_type(self) -> int:
        """Binary.md `externtype`; returns its sort."""
        sort = self._sort()
        if sort == _VALUE:
            self.values += 1
            self._skip_value(self._cursor)
        elif sort != _TYPE or self._cursor.choice("type bound", 1) == 0:
            self._cursor.u32("a type index")
        return sort

    def _export_item(self) -> int:
        """Binary.md `export` after its name: `sortidx externtype?`."""
        sort = self._sort()
        self._cursor.u32("an index")
        if self._cursor.choice("mark of an optional type", 1):
            self._import_type()
        return sort

    def _sort(self) -> int:
        sort = self._cursor.choice("sort", _INSTANCE)
        if sort == _CORE and (core := self._cursor.byte("a core sort")) != _CORE_MODULE:
            raise self._cursor.unknown("core sort", core)
        return sort


def _skip_plain_value(cursor: Cursor) -> None:
    """A type index, or a primitive type: one byte with bit 6 set and bit 7 clear (a negative number)."""
    if cursor.peek() & 0xC0 == 0x40 and not cursor.at_end:
        cursor.byte("a value type")
    else:
        cursor.u32("a value type")


def _skip_bound_value(cursor: Cursor) -> None:
    if cursor.choice("value bound", 1):
        _skip_plain_value(cursor)
    else:
        cursor.u32("a value index")
