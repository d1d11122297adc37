"""`wasm_oci wasm-tools`: the build actions that call the program wasm-tools."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.outcome import Outcome
from wasm_oci.wasm_tools.action import component, validate

DESCRIPTION = """Have wasm-tools validate a module or component, or make a component of a core module.

Build rules use it: it writes its output only where wasm-tools accepts the input.

  wasm_oci wasm-tools validate --program /usr/bin/wasm-tools -i hello.wasm -o hello.valid
  wasm_oci wasm-tools component --program /usr/bin/wasm-tools -i module.wasm -o hello.wasm --wit hello.wit"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("validate", "component"), help="what to do")
    parser.add_argument("--program", type=Path, required=True, metavar="FILE", help="the program wasm-tools")
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="module or component")
    parser.add_argument(
        "-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the component, or the word valid, goes"
    )
    parser.add_argument("--wit", type=Path, metavar="PATH", help="with component: a WIT file or folder to embed first")
    parser.add_argument("--world", default="", metavar="NAME", help="with component: the world of --wit")


def run(args: argparse.Namespace) -> Outcome:
    if args.action == "component":
        component(args.program, args.input_file, args.output_file, wit=args.wit, world=args.world)
    elif args.wit or args.world:
        raise UsageError("a world is for components", where="--wit" if args.wit else "--world", hint="leave it out")
    else:
        validate(args.program, args.input_file, args.output_file)
    return Outcome(text=f"{args.action}: {args.output_file}", document={"action": args.action, "file": str(args.output_file)})
