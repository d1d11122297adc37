"""What a .wasm file reaches, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wasm_oci.jsontext import JsonObject


def reach_lines(document: JsonObject) -> Iterator[str]:
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
