"""Strict JSON: bounded, no duplicate keys, no NaN; and the two ways in which this package writes it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS

JsonObject = dict[str, Any]


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("an object has the same key twice")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_object(data: bytes, *, where: str, limit: int = LIMITS.manifest) -> JsonObject:
    """Returns the JSON object in `data` (UTF-8); raises FormatError, or LimitError above `limit` bytes.

    An escape that is half of a surrogate pair is refused: such a string could not be written again.
    """
    if len(data) > limit:
        raise LimitError(f"the document is larger than {limit} bytes", where=where)
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        if b"\\u" in data:
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as err:
        detail = "nested too deeply" if isinstance(err, RecursionError) else str(err)
        raise FormatError(f"not valid JSON ({detail[:200]})", where=where) from err
    if not isinstance(document, dict):
        raise FormatError(f"a JSON object is needed, not {type(document).__name__}", where=where)
    return document


def canonical(document: JsonObject) -> bytes:
    """Returns compact JSON with sorted keys: the form of manifests (the digest depends on it)."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def pretty(document: JsonObject) -> bytes:
    """Returns sorted, indented JSON with a final newline: the form of files that people open.

    A byte of a path that is not UTF-8 becomes the JSON escape of the lone surrogate that Python reads it as.
    """
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode(errors="backslashreplace")
