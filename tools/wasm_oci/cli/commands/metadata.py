"""`wasm_oci metadata`: what a component carries, and the annotations that an image of it gets."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.arguments import any_text
from wasm_oci.cli.common.subcommands import add_subcommand
from wasm_oci.digest import digest_of
from wasm_oci.errors import UsageError
from wasm_oci.files import open_input, read_bounded, write_file
from wasm_oci.jsontext import JsonObject, parse_object, pretty
from wasm_oci.limits import LIMITS
from wasm_oci.oci.annotations import Description
from wasm_oci.oci.inspection import inspect_wasm, map_wasm
from wasm_oci.outcome import Outcome
from wasm_oci.shape import read_request_bytes

DESCRIPTION = """Extract what a component carries, and map it to annotations of OCI images. Nothing is verified.

  wasm_oci metadata extract -i hello.wasm -o hello_metadata.json
  wasm_oci metadata map -i hello.wasm --annotation com.wasm.source.language=rust"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataMapRequest:
    """One component to map."""

    component: Path
    description: Description
    signature: Path | None
    """A detached signature, which is not verified."""
    extracted: Path | None
    """What was extracted from the same component, which becomes a part of the result."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="extract|map")
    extract = add_subcommand(commands, "extract", "write kind, digest, imports, exports, metadata and sections of a file as JSON")
    mapped = add_subcommand(commands, "map", "say which annotations an image of a file gets, and where each is from")
    for each in (extract, mapped):
        each.add_argument("-i", "--input", type=Path, required=True, metavar="FILE", help="the component or module")
        each.add_argument("-o", "--output-file", type=Path, metavar="FILE", help="where the result goes, as JSON")
    mapped.add_argument("--title", help="title annotation (default: the name in the file's metadata)")
    mapped.add_argument("--version", help="version annotation (default: none; an image has its tag)")
    mapped.add_argument("--description", type=any_text, help="description annotation (default: what the file's metadata says)")
    mapped.add_argument("--license", metavar="SPDX", help="SPDX expression (default: as in the metadata)")
    mapped.add_argument(
        "--annotation", dest="annotations", action="append", metavar="KEY=VALUE", help="may be repeated; takes precedence over all others"
    )
    mapped.add_argument("--signature-type", choices=("embedded", "detached"), help="the signature that there must be")
    mapped.add_argument("--key-format", choices=("compact", "openssh", "pem", "mixed"), help="format of the keys that signed it")
    mapped.add_argument("--signature-file", type=Path, metavar="FILE", help="detached signature of the input")
    mapped.add_argument(
        "--extracted", type=Path, metavar="FILE", help="what `extract` wrote about the same file; it becomes a part of the result"
    )
    mapped.add_argument(
        "--facts", metavar="JSON", help="one object with what the options from --title to --key-format say, from a build rule"
    )


def run(args: argparse.Namespace) -> Outcome:
    if args.what == "extract":
        document = _extracted(args.input)
        lines = pretty(document).decode().splitlines()
    else:
        document = _mapped(_request(args))
        lines = [f"{key}={value}" for key, value in sorted(document["annotations"].items())]
    if args.output_file:
        write_file(args.output_file, pretty({"schemaVersion": 1, **document}), what="output file")
    return Outcome(lines=lines, document=document)


def _request(args: argparse.Namespace) -> MetadataMapRequest:
    names = ("title", "version", "description", "license", "signature_type", "key_format", "annotations")
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    if args.facts is None:
        description = Description(**given | {"annotations": tuple(args.annotations or ())})
    elif given:
        flags = ", ".join(f"--{name.replace('_', '-').removesuffix('s')}" for name in given)
        raise UsageError(f"{flags} cannot be given with --facts", where="command line", hint="say it in the JSON")
    else:
        description = read_request_bytes(args.facts.encode("utf-8", "surrogateescape"), Description, where="--facts")
    return MetadataMapRequest(component=args.input, description=description, signature=args.signature_file, extracted=args.extracted)


def _extracted(path: Path) -> JsonObject:
    """What `inspect` shows of a file, without its path, which is another one on each machine."""
    document = inspect_wasm(path)
    del document["target"]
    return document


def _mapped(request: MetadataMapRequest) -> JsonObject:
    mapping = map_wasm(request.component, request.description, signature=request.signature)
    return mapping | ({"component": _read_extracted(request.extracted, request.component)} if request.extracted else {})


def _read_extracted(path: Path, component: Path) -> JsonObject:
    limit, where = LIMITS.extracted_metadata, str(path)
    extracted = parse_object(read_bounded(path, limit, what="extracted metadata"), where=where, limit=limit)
    with open_input(component, what="component") as stream:
        if extracted.get("digest") != str(digest_of(stream)[0]):
            raise UsageError("it is about another file than the input", where=where, hint="extract the metadata of the same component")
    extracted.pop("schemaVersion", None)
    return extracted
