"""The release that the arguments of `wasm_oci release` ask for."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from wasm_oci.cli.common.trust_options import trusted_keys_of
from wasm_oci.errors import UsageError
from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.push import Overrides
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.publish.resolve import plain_http_hosts
from wasm_oci.releases.release_file import ReleaseOptions, read_release_file, release_of_file


def release_request(args: argparse.Namespace) -> ReleaseRequest:
    """Raises UsageError for arguments that do not go together, and what reading the requests raises."""
    return replace(_request(args, _options(args)), read_whole=args.read_back == "full")


def _request(args: argparse.Namespace, options: ReleaseOptions) -> ReleaseRequest:
    if not args.request:
        from wasm_oci.releases.bazel import release_of_patterns

        return release_of_patterns(args.words, args.repository, options, os.environ)
    if args.words or args.repository:
        raise UsageError("neither patterns nor --repository go with --request", where=str(args.request), hint="leave them out")
    return release_of_file(read_release_file(args.request, os.environ), options, os.environ)


def _options(args: argparse.Namespace) -> ReleaseOptions:
    """Raises UsageError for a tag or host that cannot be used, and what loading the trusted keys raises."""
    return ReleaseOptions(
        tags=tuple(check_tag(tag, where="--tag") for tag in args.tag),
        ask_all=args.ask_all,
        changes=Overrides(
            registries=tuple(args.registry),
            fail_fast=args.fail_fast,
            trust=trusted_keys_of(args),
            require_signed=args.require_signed,
            movable_tags=frozenset(check_tag(tag, where="--movable-tag") for tag in args.movable_tag),
            move_tags=args.move_tags,
            plain_http=plain_http_hosts(args.plain_http),
            dry_run=args.dry_run,
        ),
    )
