"""A small validator of JSON Schema (draft 2020-12), for the keywords that docs/schemas uses; any other is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import getitem
from typing import Any

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
_TEXTS = {"$schema", "$defs", "title", "description"}


def problems(schema: dict[str, Any], value: object) -> list[str]:
    """Returns what is wrong with a document, an entry for each place.

    A member that the schema does not name is wrong too: whoever adds one writes it there.
    """
    return list(_problems(schema, value, schema, "$"))


def _problems(schema: dict[str, Any], value: object, root: dict[str, Any], path: str) -> Iterator[str]:
    for keyword, said in schema.items():
        if keyword == "$ref":
            yield from _problems(reduce(getitem, said.removeprefix("#/").split("/"), root), value, root, path)
        elif keyword == "properties":
            yield from _members(said, value, root, path)
        elif keyword == "items":
            for number, each in enumerate(value if isinstance(value, list) else ()):
                yield from _problems(said, each, root, f"{path}[{number}]")
        elif keyword == "anyOf":
            if all(list(_problems(choice, value, root, path)) for choice in said):
                yield f"{path} is none of the forms"
        elif keyword not in _TEXTS and not _CHECKS[keyword](said, value):
            yield f"{path}: {keyword} is {said}"


def _is_of_type(said: str | list[str], value: object) -> bool:
    kinds = tuple(_TYPES[name] for name in ([said] if isinstance(said, str) else said))
    return isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)


_CHECKS: dict[str, Callable[[Any, Any], object]] = {
    "const": lambda said, value: value == said,
    "enum": lambda said, value: value in said,
    "pattern": lambda said, value: isinstance(value, str) and re.search(said, value),
    "required": lambda said, value: isinstance(value, dict) and value.keys() >= set(said),
    "type": _is_of_type,
}


def _members(properties: dict[str, Any], value: object, root: dict[str, Any], path: str) -> Iterator[str]:
    for name, each in value.items() if isinstance(value, dict) else ():
        if name not in properties:
            yield f"{path}.{name} is not in the schema"
        else:
            yield from _problems(properties[name], each, root, f"{path}.{name}")
