"""What is in a .wasm file, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wasm_oci.jsontext import JsonObject
from wasm_oci.wording import size_text


def wasm_lines(document: JsonObject) -> Iterator[str]:
    """Yields the lines of an inspected .wasm file below its facts."""
    yield from _reach_lines(document)
    yield from named_lines("metadata", document["metadata"])
    yield "  sections"
    for row in document["sections"]:
        yield f"    {row['section']:<14} {row['count']:>5} with {size_text(row['bytes'])}  {row.get('name', '')}".rstrip()
    if appended := document["appended"]:
        yield f"  appended     {', '.join(appended)} (by wsc, after signing: no signature covers them)"
    signature = document["signature"]
    if signature is None:
        yield "  signature    none"
    elif "malformed" in signature:
        yield f"  signature    malformed: {signature['malformed']}"
    else:
        for number, signed in enumerate(signature["sets"], 1):
            keys = ", ".join(record["keyId"] or "no key id" for record in signed["signatures"])
            yield f"  signature    set {number}: {signed['hashes']} hash(es), not verified: claims {keys}"


def named_lines(title: str, values: dict[str, Any]) -> Iterator[str]:
    """Yields a title and a line for each value below it; nothing where there is none."""
    if values:
        yield f"  {title}"
        yield from (f"    {key:<38} {value}" for key, value in sorted(values.items()))


def _reach_lines(document: JsonObject) -> Iterator[str]:
    """Yields the lines of an inspected .wasm file's imports, exports and nested files, and of what could not be read."""
    reach = document["reach"]
    for title in ("imports", "exports"):
        if reach[title]:
            yield f"  {title}"
            yield from _externs(reach[title], "    ")
    if reach["nested"]:
        yield "  nested"
    for nested in reach["nested"]:
        yield f"    {nested['path']} {nested['kind']}{', imports' if nested['imports'] else ''}"
        yield from _externs(nested["imports"], "      ")
    yield from (f"  warning      {warning}" for warning in document["warnings"])


def _externs(externs: Sequence[JsonObject], indent: str) -> Iterator[str]:
    for extern in externs:
        details = f" (implements {extern['interface']})" if "implements" in extern else ""
        if not details and extern["interface"] != extern["name"]:
            details = f" (version {extern['interface'].rpartition('@')[2]})"
        yield f"{indent}{extern['name']}{details}"
