"""schema NAME OUTPUT: writes the JSON Schema (draft 2020-12) of a configuration file that people write."""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from wasm_oci.registry_config.config_file import RegistryConfigFile
from wasm_oci.shape import ONE_OF, Parsed, Size, annotated, members, optional
from wasm_oci.trust.trust_store import TrustStoreFile

FILES: dict[str, type] = {"registry_config": RegistryConfigFile, "trusted_keys": TrustStoreFile}
"""What each file in docs/schemas is the schema of."""
_TYPES = {str: "string", bool: "boolean", int: "integer", Path: "string"}


def schema(kind: type) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(kind)}


def _object(kind: Any) -> dict[str, Any]:
    said = _docstrings(kind)
    defaults = {field.name: field.default for field in fields(kind)}
    properties = {}
    for member in members(kind):
        properties[member.name] = {"description": said[member.name], **_type(member.type)}
        if defaults[member.name] not in (MISSING, None, "", ()):
            properties[member.name]["default"] = defaults[member.name]
    document: dict[str, Any] = {
        "type": "object",
        "description": inspect.getdoc(kind),
        "additionalProperties": False,
        "required": [member.name for member in members(kind) if member.required],
        "properties": properties,
    }
    if one_of := getattr(kind, ONE_OF, ()):
        document["oneOf"] = [{"required": [name]} for name in one_of]
    return document


def _type(kind: Any) -> dict[str, Any]:
    kind, marks = annotated(optional(kind)[0])
    for mark in marks:
        if isinstance(mark, Parsed):
            return _type(mark.shape)
    size = next((mark for mark in marks if isinstance(mark, Size)), None)
    if get_origin(kind) is Literal:
        choices = list(get_args(kind))
        return {"enum": choices} if len(choices) > 1 else {"const": choices[0]}
    if get_origin(kind) in (tuple, frozenset):
        limits = {"minItems": size.least, "maxItems": size.most} if size else {}
        return {"type": "array", "items": _type(get_args(kind)[0]), **limits}
    if kind not in _TYPES:
        return _object(kind)
    return {"type": _TYPES[kind], **({"minLength": size.least, "maxLength": size.most} if size else {})}


def _docstrings(kind: type) -> dict[str, str]:
    """The text below each field of a class; raises ValueError for a field without one."""
    (node,) = (node for node in ast.parse(textwrap.dedent(inspect.getsource(kind))).body if isinstance(node, ast.ClassDef))
    said = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            said[field.target.id] = str(ast.literal_eval(below.value))
    if missing := [member.name for member in members(kind) if member.name not in said]:
        raise ValueError(f"{kind.__name__}.{missing[0]} has no docstring; write one below it")
    return said


def main(argv: Sequence[str]) -> int:
    name, output = argv
    text = json.dumps(schema(FILES[name]), indent=2, ensure_ascii=False)
    Path(output).write_text(text + "\n", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
