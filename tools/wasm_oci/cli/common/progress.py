"""Shows how far a run is, on stderr: bars on a terminal, else plain lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress

from wasm_oci.cli.common.progress_lines import PlainLines
from wasm_oci.progress import SILENT, Progress


def progress_of(*, quiet: bool, environ: Mapping[str, str] = os.environ, program: str = "wasm_oci") -> Progress:
    """Returns what shows the progress of this run; nothing where it is to be quiet."""
    if quiet:
        return SILENT
    if not _is_terminal(environ):
        return PlainLines(program=program)
    from wasm_oci.cli.common.progress_bars import Bars

    return Bars()


def _is_terminal(environ: Mapping[str, str]) -> bool:
    """Whether stderr is a terminal that a person looks at, and that can move its cursor."""
    if environ.get("CI") or environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    with suppress(OSError, ValueError):
        return sys.stderr is not None and sys.stderr.isatty()
    return False
