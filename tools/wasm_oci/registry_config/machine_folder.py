"""Folders of the machine that runs a target, as an attribute names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wasm_oci.errors import UsageError

_HOME = ("~/", "$HOME/", "${HOME}/")


def machine_folder(text: str, environ: Mapping[str, str], *, member: str) -> Path:
    """Returns the folder that an attribute `member` names: relative to the workspace of `bazel run`, else to the current folder.

    Raises UsageError where it is in the home directory and there is none.
    """
    for start in _HOME:
        if text.startswith(start):
            home = environ.get("HOME") or environ.get("USERPROFILE")
            if not home:
                raise UsageError("there is no home directory", where=f"{member} {text}", hint="set HOME, or name an absolute path")
            return Path(home) / text.removeprefix(start)
    return Path(environ.get("BUILD_WORKSPACE_DIRECTORY") or Path.cwd()) / text
