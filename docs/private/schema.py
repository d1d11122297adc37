"""schema NAME OUTPUT: writes the JSON Schema (draft 2020-12) of a configuration file that people write, or a page of its members (.md)."""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from wasm_oci.policy.policy_file import PolicyFile
from wasm_oci.registry_config.config_file import RegistryConfigFile
from wasm_oci.shape import ONE_OF, OR_ONE, Parsed, Size, annotated, members, optional
from wasm_oci.trust.trust_store import TrustStoreFile

FILES: dict[str, type] = {"policy": PolicyFile, "registry_config": RegistryConfigFile, "trusted_keys": TrustStoreFile}
"""What each file in docs/schemas is the schema of."""
_TYPES = {str: "string", bool: "boolean", int: "integer", Path: "string"}


def schema(kind: type) -> dict[str, Any]:
    shared = {get_args(plain)[0] for plain, marks in (annotated(optional(member.type)[0]) for member in members(kind)) if OR_ONE in marks}
    named = {"$defs": {each.__name__: _object(each) for each in sorted(shared, key=lambda each: each.__name__)}} if shared else {}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(kind), **named}


def member_page(kind: type) -> str:
    """Returns a page with a table for each object of a file."""
    lines = ["# Members of a policy", "", "Generated from the [schema](schemas/policy.schema.json); [policy](policy.md) explains them."]
    pending = [kind]
    for each in pending:
        base = next((other for other in each.__mro__[1:] if is_dataclass(other)), None)
        shared = {member.name for member in members(base)} if base else set()
        lines += ["", f"## {each.__name__}", "", str(inspect.getdoc(each))]
        if any(member.name not in shared for member in members(each)):
            lines += ["", "| member | value | meaning |", "|---|---|---|"]
        said, found = _docstrings(each), [base] if base else []
        for member in members(each):
            if member.name not in shared:
                words, inner = _value(member.type)
                found += [inner] if inner else []
                lines.append(f"| `{member.name}` | {words}{', required' * member.required} | {said[member.name]} |")
        lines += ["", f"It also has the members of [{base.__name__}](#{base.__name__.lower()})."] if base else []
        pending += [other for other in dict.fromkeys(found) if other not in pending]
    return "\n".join([*lines, ""])


def _value(kind: Any) -> tuple[str, type | None]:
    """Returns what a member's value is, in words, and the class of the objects in it."""
    plain, marks = annotated(optional(kind)[0])
    for mark in marks:
        if isinstance(mark, Parsed):
            return _value(mark.shape)
    if get_origin(plain) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(plain)), None
    if get_origin(plain) in (tuple, frozenset):
        words, inner = _value(get_args(plain)[0])
        return f"list of {words}{', or one' * (OR_ONE in marks)}", inner
    if plain in _TYPES:
        return {"string": "text", "boolean": "true or false", "integer": "number"}[_TYPES[plain]], None
    return f"[{plain.__name__}](#{plain.__name__.lower()})", plain


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
        if OR_ONE in marks:
            entry = {"$ref": f"#/$defs/{get_args(kind)[0].__name__}"}
            return {"anyOf": [entry, {"type": "array", "items": entry, **limits}]}
        return {"type": "array", "items": _type(get_args(kind)[0]), **limits}
    if kind not in _TYPES:
        return _object(kind)
    return {"type": _TYPES[kind], **({"minLength": size.least, "maxLength": size.most} if size else {})}


def _docstrings(kind: type) -> dict[str, str]:
    """The text below each field of a class and of those that it extends; raises ValueError for a field without one."""
    said = {}
    for each in reversed([each for each in kind.__mro__ if is_dataclass(each)]):
        (node,) = (node for node in ast.parse(textwrap.dedent(inspect.getsource(each))).body if isinstance(node, ast.ClassDef))
        for field, below in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
                said[field.target.id] = str(ast.literal_eval(below.value))
    if missing := [member.name for member in members(kind) if member.name not in said]:
        raise ValueError(f"{kind.__name__}.{missing[0]} has no docstring; write one below it")
    return said


def main(argv: Sequence[str]) -> int:
    name, output = argv
    text = member_page(FILES[name]) if output.endswith(".md") else json.dumps(schema(FILES[name]), indent=2, ensure_ascii=False) + "\n"
    Path(output).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
