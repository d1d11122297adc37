"""One strict reader of typed documents: requests, which rules write, and configuration files, which people write.

The shape of a document is a frozen dataclass: a member for each field, of type `str`, `bool`, `int`, `Path`, `Literal`, a further
dataclass, a `tuple` or `frozenset` of one type, or one of these or None. A field without a default is required; of the members
in a class's `ONE_OF`, where it has one, exactly one is. Duplicate members, sizes and depth are for `jsontext` and `yamltext`,
which parse the document first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from wasm_oci.errors import FormatError, LimitError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.wording import SHOWN_VALUE, did_you_mean, shown_value

if TYPE_CHECKING:
    from wasm_oci.jsontext import JsonObject
    from wasm_oci.runfiles import Runfiles

SCHEMA_VERSION = 1
BUILD_AGAIN = "build the target again"
ONE_OF = "ONE_OF"

_NOUNS = {str: "text", bool: "true or false", int: "a whole number", Path: "a path"}
_REMEDIES = {
    str: "write it in quotation marks, or leave the member out",
    bool: "write true or false",
    int: "write a number such as 1",
    Path: "write the path of a file",
}

T = TypeVar("T")


# Plain classes: creating dataclasses, named tuples or an enumeration would cost every command a few milliseconds.


class Mark:
    """An annotation of a type, for use in `Annotated`."""


RUNFILE = Mark()
HIDDEN = Mark()
OR_ONE = Mark()
"""Of a list of objects: one may stand without the list."""

Runfile = Annotated[Path, RUNFILE]
"""A file that exists. In the request of a run target it is an rlocation path, as Bazel's runfiles libraries take it."""
Secret = Annotated[str, HIDDEN]
"""A text that is, or by mistake may be, a secret: no error shows it."""


class Size(Mark):
    """The minimum and maximum number of entries in a list, or of characters in a text."""

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most


class Parsed(Mark):
    """A type that is parsed from a simpler one: the document has `shape`, and `parse(value, where=…)` returns the value."""

    def __init__(self, shape: Any, parse: Callable[..., Any]) -> None:
        self.shape, self.parse = shape, parse


def read_request(path: Path, kind: type[T], runfiles: Runfiles | None = None) -> T:
    """Returns the request in a file that a rule wrote; without `runfiles`, its paths are used unchanged.

    Raises UsageError or LimitError for a file that cannot be read or does not exist, FormatError for another schema version or
    shape, with the path of the member.
    """
    from wasm_oci.files import read_bounded

    return read_request_bytes(read_bounded(path, LIMITS.request_file, what="request file"), kind, where=str(path), runfiles=runfiles)


def read_request_bytes(data: bytes, kind: type[T], *, where: str, runfiles: Runfiles | None = None) -> T:
    """`read_request` for bytes."""
    from wasm_oci.jsontext import parse_object

    document = parse_object(data, where=where, limit=LIMITS.request_file)
    version = document.pop("schema_version", None)
    if type(version) is not int or version != SCHEMA_VERSION:
        what = f"unsupported schema_version {shown_value(version)}: this program reads {SCHEMA_VERSION}"
        raise FormatError(what if version is not None else "schema_version is missing", where=where, hint=BUILD_AGAIN)
    return _Reader(where, hint=BUILD_AGAIN, runfiles=runfiles).document(kind, document)


def read_config(data: bytes, kind: type[T], *, where: str) -> T:
    """Returns what a configuration file in YAML or JSON holds.

    No member may be null: an empty `not_after:` must not mean that there is no limit. Raises FormatError or
    LimitError, with the path of the member.
    """
    from wasm_oci.yamltext import parse_mapping

    return _Reader(where, nulls=False).document(kind, parse_mapping(data, where=where))


def read_config_with_lines(data: bytes, kind: type[T], *, where: str) -> tuple[T, Mapping[str, int]]:
    """`read_config` with errors that name the line, and the line of each value by its path.

    A document that begins as JSON is read as such, which is quick, and then has no lines.
    """
    from wasm_oci.yamltext import parse_mapping, parse_mapping_with_lines

    if data[:1] == b"{":
        try:
            return _Reader(where, nulls=False).document(kind, parse_mapping(data, where=where)), {}
        except WasmOciError:
            pass  # reading it again finds the line
    document, lines = parse_mapping_with_lines(data, where=where)
    return _Reader(where, nulls=False, lines=lines).document(kind, document), lines


def read_object(document: JsonObject, kind: type[T], *, where: str) -> T:
    """Returns what an object of a JSON document holds; raises FormatError or LimitError, with the path of the member."""
    return _Reader(where).document(kind, document)


class Member:
    """A member of a document: its type with all annotations, and whether it is required."""

    def __init__(self, name: str, kind: Any, *, required: bool) -> None:
        self.name, self.type, self.required = name, kind, required


@cache
def members(kind: type) -> tuple[Member, ...]:
    """Returns the members of a dataclass, in order."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        Member(field.name, hints[field.name], required=field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    )


@cache
def annotated(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Returns a type and its annotations; for an optional type, those of the type itself."""
    plain, *marks = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    return plain, tuple(marks)


@cache
def optional(kind: Any) -> tuple[Any, bool]:
    """Returns a type without None, and whether it was optional."""
    plain, _ = annotated(kind)
    if get_origin(plain) not in (Union, UnionType):
        return kind, False
    (other,) = [choice for choice in get_args(plain) if choice is not NoneType]
    return other, True


class _Form:
    """What a type asks of a value, found out once."""

    def __init__(self, kind: Any) -> None:
        kind, self.nullable = optional(kind)
        self.kind, self.marks = annotated(kind)
        self.origin = get_origin(self.kind)
        self.parsed = next((mark for mark in self.marks if isinstance(mark, Parsed)), None)
        self.sizes = [mark for mark in self.marks if isinstance(mark, Size)]
        self.is_object = is_dataclass(self.kind)
        self.is_plain = self.kind in (str, bool, int) and not self.marks

    @cached_property
    def inner(self) -> _Form:
        """That of the simpler type, or of the entries."""
        return _form(self.parsed.shape if self.parsed else get_args(self.kind)[0])

    @cached_property
    def members(self) -> Mapping[str, _Form]:
        return {member.name: _form(member.type) for member in members(self.kind)}

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(member.name for member in members(self.kind) if member.required)


@cache
def _form(kind: Any) -> _Form:
    return _Form(kind)


class _Reader:
    """Reads one document. `hint`, if given, is the remedy of every error; `lines` are those of the values."""

    def __init__(
        self,
        where: str,
        *,
        hint: str = "",
        nulls: bool = True,
        runfiles: Runfiles | None = None,
        lines: Mapping[str, int] | None = None,
    ) -> None:
        self._where, self._hint, self._nulls, self._runfiles, self._lines = where, hint, nulls, runfiles, lines

    def document(self, kind: Callable[..., T], document: JsonObject) -> T:
        found: T = self._value(_form(kind), document, "")
        return found

    def _value(self, form: _Form, value: object, path: str) -> Any:
        if form.is_plain and type(value) is form.kind:
            return value
        if form.nullable and self._nulls and value is None:
            return None
        if form.parsed:
            return form.parsed.parse(self._value(form.inner, value, path), where=self._at(path))
        if form.is_object:
            return self._object(form, value, path)
        if form.origin in (tuple, frozenset):
            if OR_ONE in form.marks and isinstance(value, dict):
                return form.origin((self._value(form.inner, value, path),))
            return form.origin(self._list(form, value, path))
        return self._scalar(form, value, path)

    def _object(self, form: _Form, value: object, path: str) -> object:
        if not isinstance(value, dict):
            raise self._error(path, f"expected an object, not {shown_value(value)}", "write `member: value` lines")
        known = form.members
        for name in value:
            if name not in known:
                raise self._unknown(_joined(path, name[:SHOWN_VALUE]), name, list(known))
        for name in form.required:
            if name not in value:
                raise self._error(_joined(path, name), "the member is missing", f"add {name}")
        one_of = [name for name in getattr(form.kind, ONE_OF, ()) if name in value]
        if hasattr(form.kind, ONE_OF) and len(one_of) != 1:
            raise self._error(path, f"exactly one of {' and '.join(getattr(form.kind, ONE_OF))} is needed", "keep one of them")
        return form.kind(**{name: self._value(known[name], each, f"{path}.{name}" if path else name) for name, each in value.items()})

    def _list(self, form: _Form, value: object, path: str) -> Iterator[object]:
        if not isinstance(value, list):
            raise self._error(path, f"expected a list, not {shown_value(value)}", "write `- …` lines")
        for size in form.sizes:
            self._check_size(size, len(value), path, "entries")
        return (self._value(form.inner, each, f"{path}[{number}]") for number, each in enumerate(value))

    def _scalar(self, form: _Form, value: object, path: str) -> object:
        kind = form.kind
        if form.origin is Literal:
            choices = get_args(kind)
            if not any(type(value) is type(choice) and value == choice for choice in choices):
                words = ", ".join(str(choice) for choice in choices)
                shown = shown_value(value, secret=HIDDEN in form.marks)
                raise self._suggestion(path, f"unknown value {shown}", f"use {'one of ' * (len(choices) > 1)}{words}")
            return value
        if type(value) is not (str if kind is Path else kind) or (kind is Path and not value):
            shown = shown_value(value, secret=HIDDEN in form.marks)
            raise self._error(path, f"expected {_NOUNS[kind]}, not {shown}", _REMEDIES[kind])
        for size in form.sizes:
            self._check_size(size, len(str(value)), path, "characters")
        if RUNFILE in form.marks and self._runfiles is not None:
            return self._runfiles.find(str(value), where=self._at(path))
        return kind(value)

    def _check_size(self, size: Size, found: int, path: str, what: str) -> None:
        if found > size.most:
            raise LimitError(f"more than {size.most} {what}", where=self._at(path), hint=self._hint or f"write at most {size.most}")
        if found < size.least:
            raise self._error(path, f"fewer than {size.least} {what}", f"write at least {size.least}")

    def _unknown(self, path: str, name: str, known: list[str]) -> FormatError:
        remedy = did_you_mean(name, known, cutoff=0.5) or f"the members are {', '.join(known)}"
        return self._suggestion(path, f"unknown member {name[:SHOWN_VALUE]!r}", remedy)

    def _suggestion(self, path: str, what: str, remedy: str) -> FormatError:
        """Includes `remedy` in the message if the hint is another one."""
        return self._error(path, f"{what} ({remedy})" if self._hint else what, remedy)

    def _error(self, path: str, what: str, remedy: str) -> FormatError:
        return FormatError(what, where=self._at(path), hint=self._hint or remedy)

    def _at(self, path: str) -> str:
        line = line_of(self._lines, path) if self._lines else 0
        where = f"{self._where}: line {line}" if line else self._where
        return f"{where}: {path}" if path else where


def line_of(lines: Mapping[str, int], path: str) -> int:
    """Returns the line of a value, or of what is nearest around it; 0 where none is known."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
