"""How sizes, long lines and remedies for misspelt words are shown to people."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from wasm_oci.errors import one_line
from wasm_oci.limits import GIB, KIB, MIB

_QUOTED = "'[^']*'"
"""What `shlex.quote` puts around a word with spaces."""
SHOWN_VALUE = 60
"""Characters of a value that errors show."""
WIDTH = 160
"""Longest line of a result; a single word may be longer, so that it can be copied."""


def counted(number: int, noun: str) -> str:
    """Returns a number of things in words: `1 member`, `2 members`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def size_text(size: int) -> str:
    """Returns a number of bytes in words: exact below 1 KiB, else with one decimal place."""
    if size < KIB:
        return counted(size, "byte")
    unit, name = (GIB, "GiB") if size >= GIB else (MIB, "MiB") if size >= MIB else (KIB, "KiB")
    return f"{size / unit:.1f} {name}"


def size_with_bytes(size: int) -> str:
    """Returns `size_text`, with the exact number beside it where that is rounded."""
    return size_text(size) if size < KIB else f"{size_text(size)} ({size} bytes)"


def did_you_mean(given: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Returns the remedy that names the nearest of the `known` words, empty where none is near."""
    import difflib  # not for --help

    near = difflib.get_close_matches(given, list(known), n=1, cutoff=cutoff)
    return f"did you mean {near[0]}?" if near else ""


class Whole(str):
    """A line that is never broken, because it is copied as it is."""


class ShellCommand(str):
    """A line with a command for a shell: where it is broken, a backslash goes on with it."""


def fitted(line: str, *, width: int = WIDTH, names: Collection[str] = ()) -> list[str]:
    """Returns the lines into which one is broken so that none is longer than `width`; further ones are indented.

    Only at spaces, and never within one of `names`, so that whatever is longer has a line of its own. What comes from outside is
    escaped before, so that its line ends do not count.
    """
    if isinstance(line, Whole):
        return [one_line(line)]
    return _broken([line], width, names, mark=" \\" if isinstance(line, ShellCommand) else "")


def fitted_parts(parts: Sequence[str], *, width: int = WIDTH, names: Collection[str] = ()) -> list[str]:
    """`fitted` for a line of several parts: it is broken between them first, so that a part that fits in a line stays whole."""
    return _broken(parts, width, names)


def _broken(parts: Sequence[str], width: int, names: Collection[str], mark: str = "") -> list[str]:
    line = one_line(" ".join(parts))
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" ")))
    unbroken = [re.escape(one_line(name)) for name in sorted(names, key=len, reverse=True) if " " in name]
    words = re.compile("(?:" + "|".join([*unbroken, *([_QUOTED] if mark else []), "[^ ]"]) + ")+")
    lines = [indent]

    def put(gap: str, text: str) -> None:
        if lines[-1].strip() and len(lines[-1] + gap + text + mark) > width:
            lines.append(f"{indent}    ")
            gap = ""
        lines[-1] += gap + text

    for number, part in enumerate(one_line(each).strip(" ") for each in parts):
        gap, position = " " * bool(number), 0
        if len(indent) + 4 + len(part) <= width:
            put(gap, part)
            continue
        for word in words.finditer(part):
            put(part[position : word.start()] if position else gap, word[0])
            position = word.end()
    return [f"{each}{mark}" for each in lines[:-1]] + lines[-1:]


def shown_value(value: object, *, secret: bool = False) -> str:
    """Describes a value, and shows it if it is a scalar and not secret."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if secret:
        return "another text" if isinstance(value, str) else "a number"
    return repr(value)[:SHOWN_VALUE] if isinstance(value, str) else str(value)[:SHOWN_VALUE]
