"""`wasm_oci detach`: moves a signature out of a file."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.outcome import Outcome
from wasm_oci.wasmsign.detach import detach_file

DESCRIPTION = """Move the signature of a WebAssembly module or component out of it, to a file of its own.

Nothing is verified; `wasm_oci verify -S` does that with the two files. `wasm_oci attach` puts them together again,
byte for byte.

  wasm_oci detach -i hello.signed.wasm -o hello.wasm -S hello.sig"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachRequest:
    """A signed file, and where it and its signature go."""

    input: Path
    output: Path
    signature: Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="signed module or component")
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where it goes; may be the input file")
    parser.add_argument("-S", "--signature-file", type=Path, required=True, metavar="FILE", help="where the signature goes")


def run(args: argparse.Namespace) -> Outcome:
    request = DetachRequest(input=args.input_file, output=args.output_file, signature=args.signature_file)
    detach_file(request.input, request.output, request.signature)
    document: dict[str, object] = {"file": str(request.output), "signatureFile": str(request.signature)}
    return Outcome(lines=[f"Detached: {request.signature}, of {request.output}"], document=document)
