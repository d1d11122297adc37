"""`wasm_oci detach`: moves a signature out of a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.outcome import Outcome
from wasm_oci.wasmsign.detach import detach_file

DESCRIPTION = """Move the signature of a WebAssembly module or component out of it, to a file of its own.

Nothing is verified; `wasm_oci verify -S` does that with the two files. `wasm_oci attach` puts them together again,
byte for byte.

  wasm_oci detach -i hello.signed.wasm -o hello.wasm -S hello.sig"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="signed module or component")
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where it goes; may be the input file")
    parser.add_argument("-S", "--signature-file", type=Path, required=True, metavar="FILE", help="where the signature goes")


def run(args: argparse.Namespace) -> Outcome:
    detach_file(args.input_file, args.output_file, args.signature_file)
    document: dict[str, object] = {"file": str(args.output_file), "signatureFile": str(args.signature_file)}
    return Outcome(text=f"Detached: {args.signature_file}, of {args.output_file}", document=document)
