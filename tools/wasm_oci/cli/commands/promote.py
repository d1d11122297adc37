"""`wasm_oci promote`: copies an artifact, or a release with all its members, to another place, by digest."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.arguments import refuse_beside_request
from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.result_file import keep_result
from wasm_oci.cli.common.trust_options import add_trusted_key_options, trusted_keys_of
from wasm_oci.cli.publishing.publish_options import add_write_options, policy_of
from wasm_oci.errors import UsageError
from wasm_oci.outcome import Outcome
from wasm_oci.registry_config.machine_folder import machine_folder

if TYPE_CHECKING:
    from wasm_oci.releases.promotion import PromotedTo, Promotion

DESCRIPTION = """Copy an artifact, or a release with all its members, from one place to another; nothing is built again.

Digests and whatever refers to them, such as signatures, stay as they are. First a plan is made, then content is copied, and the
tags are written last. A tag that exists with another digest is refused with exit code 7, unless it may move.

  wasm_oci promote staging.example/apps/hello:1.0.0 registry.example/apps/hello:1.0.0
  wasm_oci promote staging.example/releases@sha256:… registry.example/releases --tag 2024.1 -K signing.public
  wasm_oci promote oci-archive:release.tar registry.example/releases:2024.1

A source is a reference, a layout folder or oci-archive:FILE, and so is a destination. Without a tag, that of the source is kept."""

TARGET_DESCRIPTION = """Copy what this target names to its destination, by digest; the tags are written last.

  bazel run TARGET -- --dry-run"""

BESIDE_REQUEST = (
    *("dry_run", "read_back", "require_referrers_api", "move_tags", "result_file", "public_key", "trusted_keys", "plain_http", "ca_file"),
    *("policy", "override", "override_reason", "wasm_tools", "audit_log"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="a reference, a layout folder, or oci-archive:FILE")
    parser.add_argument("destination", nargs="?", metavar="DESTINATION", help="host/repository with or without a tag, or as SOURCE")
    parser.add_argument("--request", type=Path, metavar="FILE", help="request file of a wasm_promote target, in place of both")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="tag at the destination; again for a further one")
    add_write_options(parser)
    add_trusted_key_options(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    return keep_result(args.result_file, lambda: _promote(args))


def _promote(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing import promoting
    from wasm_oci.oci.reference import check_tag
    from wasm_oci.publish.push import DEFAULT_MOVABLE
    from wasm_oci.publish.request import read_with_registries
    from wasm_oci.publish.resolve import ca_options, plain_http_hosts
    from wasm_oci.releases.built import built_source
    from wasm_oci.releases.promote_request import PromoteRequest
    from wasm_oci.releases.promotion import Promotion
    from wasm_oci.releases.report import planned_lines
    from wasm_oci.releases.sources import NamedSource, SourceSettings, read_source_settings

    if args.request:
        refuse_beside_request(args, add_arguments, BESIDE_REQUEST)
        request = read_with_registries(args.request, PromoteRequest, os.environ)
        settings = SourceSettings.of(request)
    elif not (args.source and args.destination):
        raise UsageError("SOURCE and DESTINATION are needed", hint="write wasm_oci promote host/repository:tag other.host/repository")
    else:
        tags = tuple(check_tag(tag, where="--tag") for tag in args.tag)
        movable = DEFAULT_MOVABLE.union(check_tag(tag, where="--movable-tag") for tag in args.movable_tag)
        request = PromoteRequest(source=args.source, destination=args.destination, tags=tags, movable_tags=movable)
        settings = read_source_settings(args.registry_config)
    trust = trusted_keys_of(args)
    log = machine_folder(settings.audit_log, os.environ, member="audit_log") if settings.audit_log else None
    source = built_source(request, os.environ) or NamedSource(text=request.source)

    def promotion(place: PromotedTo) -> Promotion:
        tags = (*([place.tag] if place.tag else []), *request.tags)
        return Promotion(
            destination=replace(place, credential_files=settings.credential_files),
            tags=tuple(dict.fromkeys(tags or filter(None, [source.tag]))),
            movable_tags=request.movable_tags,
            move_tags=args.move_tags,
            plain_http=settings.plain_http | plain_http_hosts(args.plain_http) | source.plain_http,
            dry_run=request.dry_run if args.dry_run is None else args.dry_run,
            audit_log=args.audit_log or log,
            read_whole=args.read_back == "full",
            require_referrers_api=request.require_referrers_api or args.require_referrers_api,
            policy=replace(request.policy.with_other(policy_of(args)), trust=trust),
            trust=trust,
        )

    return promoting.run(
        source,
        request.destination,
        promotion,
        settings,
        args,
        planned=planned_lines,
        ca_files=ca_options((*source.ca_files, *request.ca_files), args.ca_file),
    )
