"""Build actions around wasm-tools: `validate` a module or component, make a `component` of a core module.

Used by rules, not by people. wasm-tools is only ever given files; its messages reach the build log.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wasm_oci.errors import FormatError, UsageError, WasmOciError
from wasm_oci.files import open_input, write_file
from wasm_oci.outcome import report_error
from wasm_oci.wasm.sections import Kind, read_preamble


def _call(wasm_tools: Path, *args: str, where: Path) -> None:
    try:
        done = subprocess.run([str(wasm_tools), *args], capture_output=True, check=False)
    except OSError as err:
        raise UsageError("wasm-tools cannot be started", where=str(wasm_tools), hint="check the wasm-tools toolchain") from err
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise FormatError(f"wasm-tools {args[0]} refuses it: {' '.join(line.strip() for line in lines)[:2000]}", where=str(where))


def validate(args: argparse.Namespace) -> None:
    """Writes the marker only when wasm-tools accepts the input with the features that are standard."""
    _call(args.wasm_tools, "validate", str(args.input), where=args.input)
    write_file(args.marker, b"valid\n", what="marker")


def component(args: argparse.Namespace) -> None:
    """Writes a component: the input itself if it is one and fits the WIT world, else the module with that world embedded."""
    with open_input(args.input, what="module") as stream:
        kind = read_preamble(stream)
    if kind is Kind.COMPONENT:
        if args.wit:
            world = ["--world", args.world] if args.world else []
            _call(args.wasm_tools, "component", "targets", *world, str(args.wit), str(args.input), where=args.input)
        shutil.copyfile(args.input, args.output)
        return
    with tempfile.TemporaryDirectory() as scratch:
        module = args.input
        if args.wit:
            module = Path(scratch, "embedded.wasm")
            world = ["--world", args.world] if args.world else []
            _call(args.wasm_tools, "component", "embed", *world, str(args.wit), str(args.input), "-o", str(module), where=args.input)
        _call(args.wasm_tools, "component", "new", str(module), "-o", str(args.output), where=args.input)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one action; returns 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="wasm_tools_action", fromfile_prefix_chars="@", allow_abbrev=False)
    actions = parser.add_subparsers(required=True)
    for name, run, result in (("validate", validate, "--marker"), ("component", component, "--output")):
        action = actions.add_parser(name, fromfile_prefix_chars="@", allow_abbrev=False)
        action.set_defaults(run=run)
        action.add_argument("--wasm-tools", type=Path, required=True)
        action.add_argument("--input", type=Path, required=True)
        action.add_argument(result, type=Path, required=True)
    action.add_argument("--wit", type=Path, help="a WIT file or folder to embed before the component is made")
    action.add_argument("--world", default="", help="the world of --wit")
    parsed = parser.parse_args(argv)
    try:
        parsed.run(parsed)
    except WasmOciError as err:
        report_error("wasm_tools_action", err, "text")
        return err.exit_code
    return 0
