"""`wasm_oci normalise`: the file that a detached signature will cover."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.outcome import Outcome
from wasm_oci.wasmsign.sign import normalise_file

DESCRIPTION = """Write the file that a detached signature of a WebAssembly module or component will cover.

Signing writes every section's numbers in their shortest form; this does the same without a key. So an image can be
packed before its signature is made.

  wasm_oci normalise -i hello.wasm -o hello.normal.wasm"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="unsigned module or component")
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where it goes; may be the input file")


def run(args: argparse.Namespace) -> Outcome:
    normalise_file(args.input_file, args.output_file)
    return Outcome(text=f"Normalised: {args.output_file}", document={"file": str(args.output_file)})
