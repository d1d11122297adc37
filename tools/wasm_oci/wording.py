"""How sizes and long lines are shown to people."""

from __future__ import annotations

import textwrap

from wasm_oci.errors import one_line
from wasm_oci.limits import GIB, KIB, MIB

WIDTH = 160
"""Longest line of a result; a single word may be longer, so that it can be copied."""


def size_text(size: int) -> str:
    """Returns a number of bytes in words: exact below 1 KiB, else with one decimal place."""
    if size < KIB:
        return f"{size} byte{'s' * (size != 1)}"
    unit, name = (GIB, "GiB") if size >= GIB else (MIB, "MiB") if size >= MIB else (KIB, "KiB")
    return f"{size / unit:.1f} {name}"


def fitted(line: str) -> list[str]:
    """Returns the lines into which one has to be cut so that none is longer than `WIDTH`; further ones are indented.

    Only at spaces: what comes from outside is escaped before, so that its line ends do not count.
    """
    line = one_line(line)
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return textwrap.wrap(
        line.strip(" "),
        width=WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
