"""Build actions around wasm-tools: `validate` a module or component, make a `component` of a core module.

wasm-tools is only ever given files; its messages are in the errors.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from wasm_oci.files import atomic_path, open_input, write_file
from wasm_oci.wasm.sections import Kind, read_preamble
from wasm_oci.wasm_tools.program import call

_COMPONENT = "component"
_BINDINGS = "generate bindings of this world (wit-bindgen, through deps) so that the linked component has it, or remove wit"
_EXPORTS = "export what the world of wit says, with bindings through deps"


def validate(wasm_tools: Path, source: Path, marker: Path) -> None:
    """Writes the marker only when wasm-tools accepts the file with the features that are standard; raises FormatError."""
    call(wasm_tools, "validate", str(source), where=source)
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
            call(wasm_tools, "component", "targets", *options, str(wit), str(source), where=source, hint=_BINDINGS)
        with atomic_path(output, what=_COMPONENT) as temporary:
            shutil.copyfile(source, temporary)
        return
    with atomic_path(output, what=_COMPONENT) as temporary, tempfile.TemporaryDirectory() as scratch:
        module = source
        if wit:
            module = Path(scratch, "embedded.wasm")
            call(wasm_tools, "component", "embed", *options, str(wit), str(source), "-o", str(module), where=source)
        call(wasm_tools, "component", "new", str(module), "-o", str(temporary), where=source, hint=_EXPORTS if wit else "")
