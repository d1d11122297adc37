"""Build actions around wasm-tools: `validate` a module or component, make a `component` of a core module.

wasm-tools is only ever given files; its messages are in the errors.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import atomic_path, open_input, write_file
from wasm_oci.wasm.sections import Kind, read_preamble

_COMPONENT = "component"
_MESSAGE = 8192
"""Bytes of the program's message that are read."""
_BINDINGS = "generate bindings of this world (wit-bindgen, through deps) so that the linked component has it, or remove wit"
_EXPORTS = "export what the world of wit says, with bindings through deps"


def _call(wasm_tools: Path, *args: str, where: Path, hint: str = "") -> None:
    # A file, not a pipe: a program that wasm-tools leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run([str(wasm_tools), *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, check=False)
        except OSError as err:
            raise UsageError("wasm-tools cannot be started", where=str(wasm_tools), hint="check the wasm-tools toolchain") from err
        errors.seek(0)
        said = errors.read(_MESSAGE)
    if done.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        what = f"wasm-tools {args[0]} refuses it: {' '.join(line.strip() for line in lines)[:2000]}"
        raise FormatError(what, where=str(where), hint=hint)


def validate(wasm_tools: Path, source: Path, marker: Path) -> None:
    """Writes the marker only when wasm-tools accepts the file with the features that are standard; raises FormatError."""
    _call(wasm_tools, "validate", str(source), where=source)
    write_file(marker, b"valid\n", what="marker")


def component(wasm_tools: Path, source: Path, output: Path, *, wit: Path | None, world: str) -> None:
    """Writes a component, all or nothing: the input itself if it is one and fits the WIT world, else the module with that world embedded.

    `wit` is a file or folder, `world` empty where it has one world only. Raises FormatError with the words of wasm-tools.
    """
    with open_input(source, what="module") as stream:
        kind = read_preamble(stream)
    options = ["--world", world] if world else []
    if kind is Kind.COMPONENT:
        if wit:
            _call(wasm_tools, "component", "targets", *options, str(wit), str(source), where=source, hint=_BINDINGS)
        with atomic_path(output, what=_COMPONENT) as temporary:
            shutil.copyfile(source, temporary)
        return
    with atomic_path(output, what=_COMPONENT) as temporary, tempfile.TemporaryDirectory() as scratch:
        module = source
        if wit:
            module = Path(scratch, "embedded.wasm")
            _call(wasm_tools, "component", "embed", *options, str(wit), str(source), "-o", str(module), where=source)
        _call(wasm_tools, "component", "new", str(module), "-o", str(temporary), where=source, hint=_EXPORTS if wit else "")
