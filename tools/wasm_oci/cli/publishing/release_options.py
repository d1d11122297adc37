"""What the options of `wasm_oci release` change."""

from __future__ import annotations

import argparse

from wasm_oci.cli.common.trust_options import trusted_keys_of
from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.push import Overrides
from wasm_oci.publish.resolve import plain_http_hosts
from wasm_oci.releases.release_file import ReleaseOptions


def release_options(args: argparse.Namespace) -> ReleaseOptions:
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
