"""`wasm_oci image`: make an OCI image layout from a component."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wasm_oci.cli.common.arguments import any_text
from wasm_oci.errors import UsageError
from wasm_oci.files import write_file
from wasm_oci.jsontext import pretty
from wasm_oci.oci.image import BuiltImage, build_image
from wasm_oci.oci.image_request import ImageFacts, ImageRequest
from wasm_oci.oci.wasm_config import EPOCH
from wasm_oci.outcome import Outcome
from wasm_oci.shape import read_request_bytes
from wasm_oci.wording import size_text

DESCRIPTION = """Makes an OCI image layout from a WebAssembly component or module.

The same input gives the same bytes, and so the same digest, at any time and on any machine.

  wasm_oci image -i hello.wasm -o hello_layout --name my-org/hello --tag 1.0.0
  skopeo inspect --raw oci:hello_layout:1.0.0
"""

_LISTS = {"author": "authors", "annotation": "annotations"}
_TEXTS = {
    "name": "package_name",
    "version": "version",
    "registry": "registry",
    "namespace": "namespace",
    "tag": "tag",
    "description": "description",
    "license": "license",
    "key_format": "key_format",
    "created": "created",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input", type=Path, metavar="FILE", help="the component or module")
    parser.add_argument("-o", "--layout", type=Path, metavar="DIR", required=True, help="folder for the layout; absent or empty")
    parser.add_argument("--name", help="package name, the end of the repository (default: the input's name without .wasm)")
    parser.add_argument("--namespace", help="what comes before it in the repository (default: library)")
    parser.add_argument("--tag", help="tag of the image (default: latest)")
    parser.add_argument("--registry", help="host[:port] for the reference file; never in the image (default: localhost:5000)")
    parser.add_argument("--version", help="version annotation (default: the tag)")
    parser.add_argument("--description", type=any_text, help="description annotation (default: what the file's metadata says)")
    parser.add_argument("--author", action="append", metavar="NAME", help="may be repeated (default: as in the metadata)")
    parser.add_argument("--license", metavar="SPDX", help="SPDX expression (default: as in the metadata)")
    parser.add_argument("--annotation", action="append", metavar="KEY=VALUE", help="may be repeated; beats all others")
    parser.add_argument("--signature-file", type=Path, metavar="FILE", help="detached signature of the input")
    parser.add_argument("--key-format", choices=("compact", "openssh", "pem", "mixed"), help="format of the keys that signed it")
    parser.add_argument("--created", metavar="TIME", help=f"creation time in the config (default: {EPOCH})")
    parser.add_argument("--signature-type", choices=("embedded", "detached"), help="with --public-key: where the signature will be")
    parser.add_argument(
        "-K",
        "--public-key",
        type=Path,
        action="append",
        metavar="FILE",
        help="public key that signs when the image is published; may be repeated",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="policy in its normal form; annotations name it and the keys that signed"
    )
    parser.add_argument("--facts", metavar="JSON", help="one object with what the options from --name to --created say, from a build rule")
    parser.add_argument("--digest", type=Path, metavar="FILE", help="write the manifest digest there")
    parser.add_argument("--metadata", type=Path, metavar="FILE", help="write all facts as JSON there")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="write the reference with its digest there")


def run(args: argparse.Namespace) -> Outcome:
    image = build_image(_request(args))
    if image.unsigned_yet and (args.digest or args.reference):
        raise UsageError(
            "no digest exists before the component is signed",
            where="--digest" if args.digest else "--reference",
            hint="publish the image: the program that signs it says its digest",
        )
    image.write(args.layout)
    if args.digest:
        write_file(args.digest, f"{image.digest}\n".encode(), what="digest file")
    if args.metadata:
        write_file(args.metadata, pretty(image.metadata()), what="metadata file")
    if args.reference:
        write_file(args.reference, f"{image.reference}\n".encode(), what="reference file")
    return Outcome(lines=_lines(image, args.layout), document=image.metadata())


def _request(args: argparse.Namespace) -> ImageRequest:
    if not args.input:
        raise UsageError("no input", where="command line", hint="name the component with -i FILE")
    given = {flag: value for flag in (*_TEXTS, *_LISTS) if (value := getattr(args, flag)) is not None}
    files = {"signature": args.signature_file, "policy": args.policy, "public_keys": tuple(args.public_key or ())}
    if args.facts is None:
        values: dict[str, Any] = {"package_name": args.input.stem, "signature_type": args.signature_type}
        values |= {_TEXTS[flag]: value for flag, value in given.items() if flag in _TEXTS}
        values |= {_LISTS[flag]: tuple(value) for flag, value in given.items() if flag in _LISTS}
        return ImageRequest(component=args.input, **files, **values)
    if given or args.signature_type:
        flags = ", ".join(f"--{flag.replace('_', '-')}" for flag in given or ("signature_type",))
        raise UsageError(f"{flags} cannot be given with --facts", where="command line", hint="say it in the JSON")
    facts = read_request_bytes(args.facts.encode("utf-8", "surrogateescape"), ImageFacts, where="--facts")
    return ImageRequest(component=args.input, **files, **asdict(facts))


def _lines(image: BuiltImage, folder: Path) -> list[str]:
    layer = image.manifest.layers[0]
    security = image.signature.facts.security if image.signature else "unsigned"
    return [
        f"{folder}: {image.request.repository}:{image.request.tag}",
        f"  digest     {image.digest}",
        f"  {image.wasm.kind.value:<10} {layer.digest}, {size_text(layer.size)}, {security}",
    ]
