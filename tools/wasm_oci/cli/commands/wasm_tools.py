"""`wasm_oci wasm-tools`: the build actions that call the program wasm-tools."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wasm_oci.errors import UsageError
from wasm_oci.outcome import Outcome
from wasm_oci.wasm_tools.action import component, validate

DESCRIPTION = """Have wasm-tools validate a module or component, or make a component of a core module.

Build rules use it: it writes its output only where wasm-tools accepts the input.

  wasm_oci wasm-tools validate --program /usr/bin/wasm-tools -i hello.wasm -o hello.valid
  wasm_oci wasm-tools component --program /usr/bin/wasm-tools -i module.wasm -o hello.wasm --wit hello.wit"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WasmToolsRequest:
    """One call of wasm-tools."""

    action: Literal["validate", "component"]
    program: Path
    input: Path
    output: Path
    wit: Path | None
    """A WIT file or folder to embed."""
    world: str
    """The world of `wit`; empty where it has one only."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("validate", "component"), help="what to do")
    parser.add_argument("--program", type=Path, required=True, metavar="FILE", help="the program wasm-tools")
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="module or component")
    parser.add_argument(
        "-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the component, or the word valid, goes"
    )
    parser.add_argument("--wit", type=Path, metavar="PATH", help="with component: a WIT file or folder to embed first")
    parser.add_argument("--world", metavar="NAME", help="with component: the world of --wit")


def run(args: argparse.Namespace) -> Outcome:
    request = _of_flags(args)
    if request.action == "component":
        component(request.program, request.input, request.output, wit=request.wit, world=request.world)
    else:
        validate(request.program, request.input, request.output)
    return Outcome(lines=[f"{request.action}: {request.output}"], document={"action": request.action, "file": str(request.output)})


def _of_flags(args: argparse.Namespace) -> WasmToolsRequest:
    if args.action != "component" and (args.wit or args.world):
        raise UsageError("a world is for components", where="--wit" if args.wit else "--world", hint="leave it out")
    return WasmToolsRequest(
        action=args.action, program=args.program, input=args.input_file, output=args.output_file, wit=args.wit, world=args.world or ""
    )
