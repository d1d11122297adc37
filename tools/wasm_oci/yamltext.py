"""Strict YAML for configuration files: bounded, no anchors, tags or duplicate keys, and no guessing.

Plain scalars are those of YAML 1.2's core schema without floats: `true`, `false`, `null` and decimal numbers; all else, a
date too, is text. One that goes on in the next line is refused: `revoked:true` there is a member to a reader, and text to YAML.
JSON documents are YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.plaintext import check_plain

_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")


def parse_mapping(data: bytes, *, where: str) -> JsonObject:
    """Returns the mapping in `data` (UTF-8): texts, whole numbers, booleans, None, lists and mappings of them.

    Raises FormatError that names the line, also for text that a reader may see differently, or LimitError above the limits of a
    configuration file.
    """
    text = _text(data, where)
    if data[:1] == b"{":  # JSON, most likely: its parser is quick to load
        try:
            return parse_object(data, where=where)
        except FormatError:
            pass  # the other parser names the line
    return _document(text, where, None)


def parse_mapping_with_lines(data: bytes, *, where: str) -> tuple[JsonObject, Mapping[str, int]]:
    """`parse_mapping`, and the line of each value by its path, such as `keys[0].name`; a member's is the line of its name."""
    lines: dict[str, int] = {}
    return _document(_text(data, where), where, lines), lines


def _text(data: bytes, where: str) -> str:
    if len(data) > LIMITS.config_file:
        raise LimitError(f"the file is larger than {LIMITS.config_file} bytes", where=where)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise FormatError(f"not UTF-8 (byte {err.start})", where=where, hint="save the file as UTF-8") from err
    check_plain(text, where=where)
    return text


def _document(text: str, where: str, lines: dict[str, int] | None) -> JsonObject:
    import yaml

    try:
        document = _Reader(yaml.parse(text, Loader=yaml.SafeLoader), where, lines).document()
    except yaml.YAMLError as err:
        raise FormatError(f"not valid YAML ({_problem(err)})", where=where, hint="correct the line") from err
    except (ValueError, OverflowError) as err:
        raise FormatError("not valid YAML (an escape is not a character)", where=where, hint="write the character itself") from err
    if not isinstance(document, dict):
        raise FormatError("a mapping is needed at the top", where=where, hint="write `member: value` lines")
    return document


def _problem(error: Any) -> str:
    """Returns in one line what YAML's parser says and where, of an error with or without a place."""
    mark = getattr(error, "problem_mark", None)
    text = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable")[:200]
    return f"line {mark.line + 1}: {text}" if mark else text


class _Reader:
    """Makes values of a parser's events, without recursion by more than the limit."""

    def __init__(self, events: Iterator[Any], where: str, lines: dict[str, int] | None) -> None:
        """`lines`, if given, takes the line of each value."""
        self._events, self._where, self._lines = events, where, lines
        self._nodes = 0

    def document(self) -> object:
        """Returns the one document; None for an empty file."""
        import yaml

        value, seen = None, False
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    raise self._error("there is a second document", event, "keep one")
                seen = True
                value = self._value(next(self._events), 0, "")
        return value

    def _value(self, event: Any, depth: int, path: str) -> object:
        import yaml

        if self._lines is not None:
            self._lines.setdefault(path, event.start_mark.line + 1)
        self._nodes += 1
        if self._nodes > LIMITS.config_values or depth > LIMITS.config_depth:
            what = f"more than {LIMITS.config_values} values" if depth <= LIMITS.config_depth else "nested too deeply"
            raise LimitError(f"line {event.start_mark.line + 1}: {what}", where=self._where)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._error("anchors and aliases are refused", event, "write the value out")
        if event.tag is not None:
            raise self._error("tags are refused", event, f"remove {event.tag[:40]!r}")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        return self._list(depth, path) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth, path)

    def _scalar(self, event: Any) -> object:
        text = str(event.value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self._error("an escape is half of a character", event, "write the character itself")
        if event.style is not None:
            return text
        if event.end_mark.line != event.start_mark.line:
            raise self._error("the value goes on in the next line without quotation marks", event, "write it in quotation marks")
        if text in _WORDS:
            return _WORDS[text]
        return int(text) if _NUMBER.fullmatch(text) else text

    def _list(self, depth: int, path: str) -> list[object]:
        import yaml

        values: list[object] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, depth + 1, f"{path}[{len(values)}]"))
        return values

    def _mapping(self, depth: int, path: str) -> JsonObject:
        import yaml

        values: JsonObject = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            name = self._name(event, depth + 1)
            if name in values:
                raise self._error(f"the member {name[:80]!r} is there twice", event, "keep one")
            below = f"{path}.{name}" if path else name
            if self._lines is not None:
                self._lines[below] = event.start_mark.line + 1
            values[name] = self._value(next(self._events), depth + 1, below)
        return values

    def _name(self, event: Any, depth: int) -> str:
        """Returns a member's name, as it is written: `null` and `1` are names too."""
        value = self._value(event, depth, "")
        if isinstance(value, list | dict):
            raise self._error("a member's name is not a word", event, "write `member: value`")
        return str(event.value)

    def _error(self, what: str, event: Any, hint: str) -> FormatError:
        return FormatError(f"line {event.start_mark.line + 1}: {what}", where=self._where, hint=hint)
