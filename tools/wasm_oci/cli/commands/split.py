"""`wasm_oci split`: delimiters, so that parts of a file can be verified alone."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.outcome import Outcome
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.split import split_file
from wasm_oci.wording import counted

DESCRIPTION = """Split a WebAssembly module or component into parts that can be verified without the others.

A delimiter is put wherever sections that match begin or end: all standard sections match, and custom ones whose
name the expression matches. The delimiters' bytes follow from the content: the same input gives the same output.
Sign the file after that; `wasm_oci verify --split-regex` verifies the parts that match.

  wasm_oci split -i hello.wasm -o hello.split.wasm -s '^component-type'"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRequest:
    """An unsigned file, where its parts go, and which custom sections can be verified alone."""

    input: Path
    output: Path
    pattern: SectionPattern | None
    """Matches their names; None matches all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="unsigned module or component")
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where it goes; may be the input file")
    parser.add_argument("-s", "--split-regex", metavar="REGEX", help="names of custom sections to verify (RE2); all without it")


def run(args: argparse.Namespace) -> Outcome:
    pattern = None if args.split_regex is None else SectionPattern(args.split_regex)
    request = SplitRequest(input=args.input_file, output=args.output_file, pattern=pattern)
    result = split_file(request.input, request.output, request.pattern)
    added = len(result.added)
    line = f"Split: {request.output} ({counted(result.parts, 'part')}, {counted(added, 'new delimiter')})"
    return Outcome(lines=[line], document={"file": str(request.output), "parts": result.parts, "added": list(result.added)})
