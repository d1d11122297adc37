"""Decodes the binary ModuleInfo message that Bazel's starlark_doc_extract writes (stardoc_output.proto)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]

_TEXT, _NUMBER = "text", "number"

# message -> field number -> (name, kind); a kind that is a message is decoded by its own table, `*` marks a list.
_FIELDS: dict[str, dict[int, tuple[str, str]]] = {
    "module": {
        1: ("rules", "rule*"),
        2: ("providers", "provider*"),
        3: ("functions", "function*"),
        7: ("extensions", "extension*"),
    },
    "rule": {
        1: ("name", _TEXT),
        2: ("doc", _TEXT),
        3: ("attributes", "attribute*"),
        4: ("origin", "origin"),
        5: ("provides", "provider_group"),
        6: ("test", _NUMBER),
        7: ("executable", _NUMBER),
    },
    "attribute": {
        1: ("name", _TEXT),
        2: ("doc", _TEXT),
        3: ("type", _NUMBER),
        4: ("mandatory", _NUMBER),
        5: ("providers", "provider_group*"),
        6: ("default", _TEXT),
        9: ("values", _TEXT + "*"),
    },
    "provider_group": {1: ("names", _TEXT + "*")},
    "provider": {1: ("name", _TEXT), 2: ("doc", _TEXT), 3: ("fields", "field*"), 4: ("origin", "origin")},
    "field": {1: ("name", _TEXT), 2: ("doc", _TEXT)},
    "function": {
        1: ("name", _TEXT),
        2: ("parameters", "parameter*"),
        3: ("doc", _TEXT),
        4: ("returns", "returned"),
        6: ("origin", "origin"),
    },
    "parameter": {1: ("name", _TEXT), 2: ("doc", _TEXT), 3: ("default", _TEXT), 4: ("mandatory", _NUMBER)},
    "returned": {1: ("doc", _TEXT)},
    "extension": {1: ("name", _TEXT), 2: ("doc", _TEXT), 3: ("tags", "tag*"), 4: ("origin", "origin")},
    "tag": {1: ("name", _TEXT), 2: ("doc", _TEXT), 3: ("attributes", "attribute*")},
    "origin": {1: ("name", _TEXT), 2: ("file", _TEXT)},
}
_DEFAULTS: dict[str, Any] = {_TEXT: "", _NUMBER: 0}


def parse_module(data: bytes) -> Message:
    """Returns the message with every known field present; raises ValueError if the bytes are no such message."""
    return _parse(data, "module")


def _parse(data: bytes, kind: str) -> Message:
    table = _FIELDS[kind]
    message: Message = {name: [] if form.endswith("*") else _DEFAULTS.get(form, {}) for name, form in table.values()}
    for number, value in _fields(data):
        if number not in table:
            continue
        name, form = table[number]
        decoded = _decode(value, form.removesuffix("*"))
        if form.endswith("*"):
            message[name].append(decoded)
        else:
            message[name] = decoded
    return message


def _decode(value: bytes | int, form: str) -> Any:
    if isinstance(value, int):
        if form != _NUMBER:
            raise ValueError(f"a number where {form} is expected")
        return value
    if form == _NUMBER:
        raise ValueError("bytes where a number is expected")
    return _text(value) if form == _TEXT else _parse(value, form)


def _text(value: bytes) -> str:
    """Text as it is in the .bzl file: Bazel 7 takes each byte of the file for a character, newer versions do not."""
    text = value.decode()
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire_type = key >> 3, key & 7
        value, position = _varint(data, position)
        if wire_type == 0:
            yield number, value
        elif wire_type == 2:
            if position + value > len(data):
                raise ValueError("the message is truncated")
            yield number, data[position : position + value]
            position += value
        else:
            raise ValueError(f"unknown wire type {wire_type}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position == len(data):
            raise ValueError("the message is truncated")
        value |= (data[position] & 0x7F) << shift
        position += 1
        if data[position - 1] < 0x80:
            return value, position
    raise ValueError("a number is too long")
