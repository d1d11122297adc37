"""`wasm_oci archive`: writes an artifact, or a release with all its members, to a tar file."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.trust_options import add_trusted_key_options, trusted_keys_of
from wasm_oci.outcome import Outcome

if TYPE_CHECKING:
    from wasm_oci.releases.promotion import PromotedTo, Promotion

DESCRIPTION = """Write an artifact, or a release with all its members, to a tar file of an OCI image layout, with all that refers to it.

  wasm_oci archive registry.example/releases:2024.1 release.tar
  wasm_oci promote oci-archive:release.tar other.example/releases:2024.1

The same content makes the same file. `oci-archive:FILE` is then a source of promote, push, pull and inspect, and of skopeo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRequest:
    """What goes into which file."""

    source: str
    file: Path
    tag: str | None
    registry_config: Path | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a reference, a layout folder, or oci-archive:FILE")
    parser.add_argument("file", type=Path, metavar="FILE", help="archive to write")
    parser.add_argument("--tag", metavar="TAG", help="tag in the archive; without one, that of the source")
    add_trusted_key_options(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing import promoting
    from wasm_oci.oci.reference import check_tag
    from wasm_oci.oci.target import LocalPlace
    from wasm_oci.publish.resolve import plain_http_hosts
    from wasm_oci.releases.promotion import Promotion
    from wasm_oci.releases.sources import NamedSource, read_source_settings

    request = ArchiveRequest(source=args.source, file=args.file, tag=args.tag, registry_config=args.registry_config)
    settings = read_source_settings(request.registry_config)
    tags = (check_tag(request.tag, where="--tag"),) if request.tag else ()
    trust = trusted_keys_of(args)

    def promotion(place: PromotedTo) -> Promotion:
        return Promotion(destination=place, tags=tags, plain_http=settings.plain_http | plain_http_hosts(args.plain_http), trust=trust)

    source, destination = NamedSource(text=request.source), LocalPlace(path=request.file, is_archive=True)
    return promoting.run(source, destination, promotion, settings, args, planned=lambda _: (), ca_files=args.ca_file)
