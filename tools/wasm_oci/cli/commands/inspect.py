"""`wasm_oci inspect`: show what a reference, a layout or a .wasm file holds."""

from __future__ import annotations

import argparse
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.registry_options import RegistryOptions, add_registry_options, registry_options
from wasm_oci.cli.common.wasm_lines import named_lines, wasm_lines
from wasm_oci.errors import UsageError
from wasm_oci.files import file_type
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.inspection import inspect_artifact, inspect_wasm
from wasm_oci.oci.target import is_reference, layout_target
from wasm_oci.outcome import Outcome
from wasm_oci.wording import size_text, size_with_bytes

DESCRIPTION = """Shows what a .wasm file, an OCI image layout or a reference in a registry holds.

  wasm_oci inspect hello.wasm
  wasm_oci inspect ./hello_layout          (or ./hello_layout:TAG, ./hello_layout@sha256:…, oci:hello_layout)
  wasm_oci inspect localhost:5000/my-org/hello:1.0.0

Nothing is verified: annotations and key ids are what the producer wrote. `wasm_oci verify` and `pull` verify.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectRequest:
    """One artifact to show."""

    target: str
    """A .wasm file, a layout folder with or without tag or digest, or a reference."""
    registries: RegistryOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", help="a .wasm file, a layout folder as ./DIR, /DIR or oci:DIR, or a reference")
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    document = _inspect(InspectRequest(target=args.target, registries=registry_options(args)))
    return Outcome(lines=list(_lines(document)), document=document)


def _inspect(request: InspectRequest) -> JsonObject:
    text, path = request.target, Path(request.target)
    if not is_reference(text) and file_type(path) not in (None, stat.S_IFDIR):
        return inspect_wasm(path)
    if layout := layout_target(text):
        return {"type": "layout", **inspect_artifact(layout)}
    if path.suffix == ".wasm" and not is_reference(text):
        raise UsageError("no such file or folder", where=text, hint="check the path")
    from wasm_oci.cli.publishing.reached import reached

    with reached(request.registries) as registries:
        return {"type": "registry", **inspect_artifact(registries.target(text))}


def _lines(document: JsonObject) -> Iterator[str]:
    yield str(document["target"])
    yield from (f"  {key:<12} {document[key]}" for key in ("kind", "mediaType", "artifactType", "digest") if key in document)
    if "size" in document:
        yield f"  size         {size_with_bytes(document['size'])}"
    if document["type"] == "wasm":
        yield from wasm_lines(document)
        return
    yield from named_lines("annotations", document["annotations"])
    if config := document.get("config"):
        content = config.get("content", {})
        yield f"  config       {config['digest']}, {size_text(config['size'])}"
        yield from (f"    {key:<14} {content[key]}" for key in ("os", "architecture", "created", "author") if content.get(key))
        for key in ("imports", "exports"):
            yield from _listed(f"    {key}", (content.get("component") or {}).get(key, ()))
        if "malformed" in config:
            yield f"    malformed: {config['malformed']}"
    for kind in ("layers", "manifests", "referrers"):
        for entry in document.get(kind, ()):
            title = entry.get("annotations", {}).get("org.opencontainers.image.title", "")
            name = entry.get("artifactType") or entry["mediaType"]
            yield f"  {kind.removesuffix('s'):<12} {entry['digest']}, {size_text(entry['size'])}, {name} {title}".rstrip()
    if subject := document.get("subject"):
        yield f"  {'subject':<12} {subject['digest']}"


def _listed(title: str, values: list[str]) -> Iterator[str]:
    if values:
        indent = " " * (len(title) - len(title.lstrip()) + 2)
        yield title
        yield from (indent + value for value in values)
