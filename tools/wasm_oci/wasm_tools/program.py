"""Calls of the program wasm-tools."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from wasm_oci.errors import FormatError, LimitError, UsageError

_MESSAGE = 8192
"""Bytes of the program's message that are read."""


def call(wasm_tools: Path, *args: str, where: Path | str, hint: str = "", timeout: float | None = None) -> None:
    """Runs it; raises FormatError with its words if it refuses, UsageError if it cannot be started, LimitError after `timeout` seconds."""
    # A file, not a pipe: a program that wasm-tools leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                [str(wasm_tools), *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, check=False, timeout=timeout
            )
        except OSError as err:
            raise UsageError("wasm-tools cannot be started", where=str(wasm_tools), hint="check the wasm-tools toolchain") from err
        except subprocess.TimeoutExpired as err:
            raise LimitError(f"wasm-tools {args[0]} took longer than {timeout:g} s", where=str(where)) from err
        errors.seek(0)
        said = errors.read(_MESSAGE)
    if done.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        what = f"wasm-tools {args[0]} refuses it: {' '.join(line.strip() for line in lines)[:2000]}"
        raise FormatError(what, where=str(where), hint=hint)
