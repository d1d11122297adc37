"""Arguments from a file: a last argument `@FILE` stands for the lines of FILE, as Bazel writes them (multiline params files)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS

_WHAT = "arguments file"


def expanded(arguments: Sequence[str]) -> list[str]:
    """Returns `arguments`, with the file's lines in place of `@FILE`, which is the last argument.

    Elsewhere, after `--`, and where a file has that very name (with the `@`), it is a name as any other: a shell that
    lists a folder must not give orders. A line that begins with `@` stays as it is. Raises UsageError or LimitError for
    a file that is absent, no regular file, too large or not UTF-8.
    """
    *others, last = arguments or [""]
    if not last.startswith("@") or "--" in others or os.path.lexists(last):
        return list(arguments)
    return [*others, *_lines(Path(last[1:]))]


def _lines(path: Path) -> list[str]:
    data = read_bounded(path, LIMITS.request_file, what=_WHAT)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise UsageError(f"the {_WHAT} is not UTF-8 (byte {err.start})", where=str(path), hint="write one argument on each line") from err
    lines = text.split("\n")
    if not lines[-1]:
        del lines[-1]
    return [line.removesuffix("\r") for line in lines]
