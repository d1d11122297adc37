"""`wasm_oci normalise`: the file that a detached signature will cover."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.outcome import Outcome
from wasm_oci.wasmsign.sign import normalise_file

DESCRIPTION = """Write the file that a detached signature of a WebAssembly module or component will cover.

Signing writes every section's numbers in their shortest form; this does the same without a key. So an image can be
packed before its signature is made.

  wasm_oci normalise -i hello.wasm -o hello.normal.wasm"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NormaliseRequest:
    """An unsigned file, and where its normal form goes."""

    input: Path
    output: Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="unsigned module or component")
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where it goes; may be the input file")


def run(args: argparse.Namespace) -> Outcome:
    request = NormaliseRequest(input=args.input_file, output=args.output_file)
    normalise_file(request.input, request.output)
    return Outcome(lines=[f"Normalised: {request.output}"], document={"file": str(request.output)})
