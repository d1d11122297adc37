"""`wasm_oci release`: publishes many artifacts as one object, and shows, compares and verifies what was released."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.arguments import make_parser
from wasm_oci.cli.common.key_options import add_passphrase_options
from wasm_oci.cli.common.registry_options import add_registry_options, registry_options
from wasm_oci.cli.common.result_file import keep_result
from wasm_oci.cli.common.target_help import WITH_PATTERNS
from wasm_oci.cli.common.trust_options import add_trusted_key_options, trusted_keys_of
from wasm_oci.cli.publishing.publish_options import add_publish_options
from wasm_oci.errors import UsageError
from wasm_oci.outcome import Outcome

if TYPE_CHECKING:
    from wasm_oci.publish.release_request import ReleaseRequest

DESCRIPTION = """Publish many artifacts as one release, and look at releases.

  wasm_oci release //apps/... --repository releases --tag 2024.1 --registry ghcr.io/my-org
  wasm_oci release show ghcr.io/my-org/releases:2024.1
  wasm_oci release diff ghcr.io/my-org/releases:2024.1 ghcr.io/my-org/releases:2024.2
  wasm_oci release verify ghcr.io/my-org/releases:2024.2 -K signing.public

A release is an image index that names all its members. Its tag is written last of all, so that whoever resolves it sees
all of the old release or all of the new one. With Bazel patterns, the publish targets below them are found, built and
published. `verify` says whether all members are there as named, and with -K or --trusted-keys whether they are signed."""

TARGET_DESCRIPTION = """Publish everything that this target names as one release: first a plan, then exactly that, the release's tag last.

  bazel run TARGET -- --dry-run
  bazel run TARGET -- --tag 2024.1"""

_READING = ("show", "diff", "verify")
_SHARED = ("words", "ca_file", "plain_http", "registry_config", "public_key", "trusted_keys", "output", "quiet", "verbose")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="WORD", help="show, diff or verify and releases; or patterns of Bazel targets")
    parser.add_argument("--request", type=Path, metavar="FILE", help="request file of a wasm_release target")
    parser.add_argument("--repository", metavar="NAME", help=f"{WITH_PATTERNS}the repository of the release, without what is before it")
    parser.add_argument(
        "--registry",
        action="append",
        default=[],
        metavar="NAME",
        help="publish all to this registry, by its name or host; again for another",
    )
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="tag of the release; again for another")
    parser.add_argument("--ask-all", action="store_true", help="also ask for members that the current release names already")
    parser.add_argument("--require-signed", action="store_true", help="refuse images that no known key signed (exit code 3)")
    add_publish_options(parser)
    add_passphrase_options(parser)
    add_trusted_key_options(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    if args.words and args.words[0] in _READING:
        from wasm_oci.cli.publishing import release_read

        _refuse_publishing_options(args)
        what, *names = args.words
        return release_read.run(what, names, trust=trusted_keys_of(args), options=registry_options(args))

    def publish() -> Outcome:
        from wasm_oci.cli.publishing.release_request import release_request
        from wasm_oci.cli.publishing.released import released

        request: ReleaseRequest = release_request(args)
        return released(request, args)

    return keep_result(args.result_file, publish)


def _refuse_publishing_options(args: argparse.Namespace) -> None:
    parser = make_parser("", "")
    add_arguments(parser)
    for name, value in vars(args).items():
        if name not in _SHARED and value != parser.get_default(name):
            hint = f"leave it out of release {args.words[0]}"
            raise UsageError("the option is for publishing", where=f"--{name.replace('_', '-')}", hint=hint)
