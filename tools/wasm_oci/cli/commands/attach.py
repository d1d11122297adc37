"""`wasm_oci attach`: embeds a detached signature."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.outcome import Outcome
from wasm_oci.wasmsign.detach import attach_file

DESCRIPTION = """Embed a detached signature into the WebAssembly module or component that it belongs to.

A signature of another file, and a file that is signed already, are refused. Whose signature it is is not checked
here; `wasm_oci verify` does that.

  wasm_oci attach -i hello.wasm -S hello.sig -o hello.signed.wasm"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRequest:
    """An unsigned file, its detached signature, and where both go together."""

    input: Path
    output: Path
    signature: Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="unsigned module or component")
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where it goes; may be the input file")
    parser.add_argument("-S", "--signature-file", type=Path, required=True, metavar="FILE", help="its detached signature")


def run(args: argparse.Namespace) -> Outcome:
    request = AttachRequest(input=args.input_file, output=args.output_file, signature=args.signature_file)
    attach_file(request.input, request.output, request.signature)
    return Outcome(lines=[f"Attached: {request.output}"], document={"file": str(request.output)})
