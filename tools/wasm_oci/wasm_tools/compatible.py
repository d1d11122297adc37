"""Whether a component can be used in place of another one, as wasm-tools says."""

from __future__ import annotations

import shutil
from pathlib import Path

from wasm_oci.errors import FormatError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm_tools.program import call

_WORLD = "root"
"""What wasm-tools calls the world of a component that it decodes."""


def find_wasm_tools(given: Path | None) -> Path | None:
    """Returns the program that is given, or the one on PATH; None where there is none."""
    found = None if given else shutil.which("wasm-tools")
    return Path(found) if found else given


def incompatibility(wasm_tools: Path, previous: Path, component: Path, scratch: Path) -> str:
    """Returns why a component cannot take the place of the previous one, in the words of wasm-tools; empty where it can.

    It can if it fits the world of the previous one: it exports all of that, with the same types, and needs nothing more.

    Raises FormatError for a previous one that is not a component, UsageError if wasm-tools cannot be started, LimitError if it takes long.
    """
    wit, most = scratch / "previous.wit", LIMITS.wasm_tools_timeout
    call(wasm_tools, "component", "wit", str(previous), "-o", str(wit), where="the version before", timeout=most)
    try:
        call(wasm_tools, "component", "targets", "--world", _WORLD, str(wit), str(component), where=component, timeout=most)
    except FormatError as err:
        return err.what.partition(": ")[2] or err.what
    return ""
