"""Strict JSON: bounded, no duplicate keys, no NaN; and the two formats that this package writes.

Numbers with a fraction or an exponent are written exactly as they were read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from wasm_oci.errors import HIDDEN, FormatError, LimitError
from wasm_oci.limits import LIMITS

JsonObject = dict[str, Any]
_Arranged = Callable[[Iterable[tuple[str, Any]]], list[tuple[str, Any]]]

_SCALARS = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


class _Number(float):
    """A number with a fraction or an exponent that keeps its text; raises ValueError if it exceeds the range of a float."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        if not math.isfinite(number):
            raise ValueError(f"the number {text[:40]} is too large")
        number.text = text
        return number


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("an object has the same key twice")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_float=_Number, parse_constant=_no_constant)


def parse_object(data: bytes, *, where: str, limit: int = LIMITS.manifest) -> JsonObject:
    """Returns the JSON object in `data` (UTF-8); raises FormatError, or LimitError above `limit` bytes.

    Numbers beyond the range of a float are refused, as are escapes of lone surrogates, which could not be written again.
    """
    if len(data) > limit:
        raise LimitError(f"the document is larger than {limit} bytes", where=where)
    try:
        document = _DECODER.decode(data.decode("utf-8"))
        if b"\\u" in data:
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as err:
        detail = "nested too deeply" if isinstance(err, RecursionError) else str(err)
        raise FormatError(f"not valid JSON ({detail[:200]})", where=where) from err
    if not isinstance(document, dict):
        raise FormatError(f"expected a JSON object, not {type(document).__name__}", where=where)
    return document


def canonical(document: JsonObject) -> bytes:
    """Returns compact JSON with sorted keys: the format of manifests, on which their digests depend."""
    return _written(document, ",", ":").encode()


def ordered(document: JsonObject) -> bytes:
    """Returns compact JSON whose members are in the order of `document`: the format of what is signed, as others write it."""
    return _written(document, ",", ":", arranged=list).encode()


def pretty(document: JsonObject) -> bytes:
    """Returns sorted, indented JSON with a final newline: the format of files for people and of terminal output.

    Characters that a terminal obeys or does not show are escaped. A byte of a path that is not UTF-8 becomes the escape of
    the lone surrogate that represents it in Python.
    """
    return HIDDEN.sub(_escaped, _written(document, ",", ": ", "\n") + "\n").encode()


def indented(value: object, depth: int) -> str:
    """Returns a value as it stands in `pretty`, at `depth` levels below the document; raises as that does."""
    return HIDDEN.sub(_escaped, _written(value, ",", ": ", "\n" + "  " * depth))


def _escaped(found: re.Match[str]) -> str:
    """Returns one or two `\\uXXXX` (RFC 8259, section 7)."""
    return json.dumps(found[0])[1:-1]


def _written(document: object, comma: str, colon: str, line: str = "", arranged: _Arranged = sorted) -> str:
    """Raises FormatError for a document that is nested too deeply, ValueError for NaN and infinity."""
    try:
        return _text(document, comma, colon, line, arranged)
    except RecursionError as err:
        raise FormatError("the document is nested too deeply to be written", hint="reduce the nesting") from err


def _text(value: object, comma: str, colon: str, line: str, arranged: _Arranged) -> str:
    """`line` is the line break and indentation at this depth; empty for output on one line."""
    deeper = f"{line}  " if line else ""
    if isinstance(value, dict):
        parts = [f"{_SCALARS.encode(key)}{colon}{_text(each, comma, colon, deeper, arranged)}" for key, each in arranged(value.items())]
        return f"{{{deeper}{f'{comma}{deeper}'.join(parts)}{line}}}" if parts else "{}"
    if isinstance(value, list | tuple):
        parts = [_text(each, comma, colon, deeper, arranged) for each in value]
        return f"[{deeper}{f'{comma}{deeper}'.join(parts)}{line}]" if parts else "[]"
    return value.text if isinstance(value, _Number) else _SCALARS.encode(value)
