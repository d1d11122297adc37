"""Options of commands that publish."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError

if TYPE_CHECKING:
    from wasm_oci.publish.push import Overrides
    from wasm_oci.publish.release_request import PolicyRequest


def add_publish_options(parser: argparse.ArgumentParser) -> None:
    """Those of publishing what was built."""
    add_write_options(parser)
    boolean = argparse.BooleanOptionalAction
    parser.add_argument("--fail-fast", action=boolean, help="after the first failure begin nothing new and write no tag, anywhere")


def add_write_options(parser: argparse.ArgumentParser) -> None:
    """Those of everything that ends with tags."""
    parser.add_argument("--dry-run", action=argparse.BooleanOptionalAction, help="stop after the plan; send nothing that writes")
    parser.add_argument("--read-back", choices=("standard", "full"), default="standard", help="full: read large blobs back whole too")
    parser.add_argument(
        "--require-referrers-api", action="store_true", help="refuse a registry without the referrers API, before anything is written there"
    )
    parser.add_argument("--move-tags", action="store_true", help="move a tag that exists with another digest")
    parser.add_argument(
        "--movable-tag", action="append", default=[], metavar="TAG", help="a tag that may move, beside latest; may be given several times"
    )
    parser.add_argument(
        "--result-file", type=Path, metavar="FILE", help="write the JSON document of the result there too, however this ends"
    )
    parser.add_argument("--audit-log", type=Path, metavar="DIR", help="record this in a log, see `wasm_oci log`; else nothing is published")
    add_policy_options(parser)


def add_policy_option(parser: argparse.ArgumentParser, words: str) -> None:
    """Adds --policy alone."""
    parser.add_argument("--policy", type=Path, action="append", default=[], metavar="FILE", help=words)


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    add_policy_option(parser, "a policy that must allow this too; again for another")
    parser.add_argument("--override", action="append", default=[], metavar="NAME", help="ask for an override of a policy, by its name")
    parser.add_argument("--override-reason", metavar="TEXT", help="why the override is needed, for the record")
    add_wasm_tools_option(parser)


def add_wasm_tools_option(parser: argparse.ArgumentParser) -> None:
    words = "the wasm-tools that says whether a version is compatible, where a policy asks (default: from PATH)"
    parser.add_argument("--wasm-tools", type=Path, metavar="PROGRAM", help=words)


def policy_of(args: argparse.Namespace) -> PolicyRequest:
    """Returns the policies of these options; raises UsageError for an override without a reason, or a reason without one."""
    from wasm_oci.publish.release_request import PolicyRequest

    if bool(args.override) != bool((args.override_reason or "").strip()):
        what = "an override needs a reason" if args.override else "a reason is for an override"
        option = "--override" if args.override else "--override-reason"
        raise UsageError(what, where=option, hint="give --override NAME with --override-reason TEXT")
    return PolicyRequest(
        policies=tuple(args.policy),
        overrides=tuple(args.override),
        override_reason=args.override_reason or "",
        wasm_tools=args.wasm_tools,
    )


def overrides_of(args: argparse.Namespace) -> Overrides:
    """Returns what these options, --registry, --plain-http and those of trusted keys say over a request.

    Raises UsageError for a tag or host that cannot be used, and what loading the trusted keys raises.
    """
    from wasm_oci.cli.common.trust_options import trusted_keys_of
    from wasm_oci.oci.reference import check_tag
    from wasm_oci.publish.push import Overrides
    from wasm_oci.publish.resolve import plain_http_hosts

    return Overrides(
        registries=tuple(args.registry or ()),
        trust=trusted_keys_of(args),
        require_signed=args.require_signed,
        policy=policy_of(args),
        movable_tags=frozenset(check_tag(tag, where="--movable-tag") for tag in args.movable_tag),
        move_tags=args.move_tags,
        plain_http=plain_http_hosts(args.plain_http),
        dry_run=args.dry_run,
        fail_fast=args.fail_fast,
        require_referrers_api=args.require_referrers_api,
        audit_log=args.audit_log,
    )
