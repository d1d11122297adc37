"""`wasm_oci push`: publishes an image layout, with a plan first."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.key_options import add_passphrase_options, passphrase_of
from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.target_help import WITH_REQUEST
from wasm_oci.cli.common.trust_options import add_trusted_key_options, trusted_keys_of
from wasm_oci.errors import UsageError
from wasm_oci.outcome import YELLOW, Outcome, Painted, error_document, report_error, say, write_lines

if TYPE_CHECKING:
    from wasm_oci.publish.planning import AnyPlan
    from wasm_oci.publish.release_request import ReleaseRequest

DESCRIPTION = """Publish an OCI image layout to a registry.

First a plan is made, by reading only. Then exactly that is done, in this order: blobs, manifest by digest,
signature, read-back, and the tag last. What is there is not sent again, and a run with nothing to do sends
nothing. A tag that exists with another digest is refused with exit code 7, unless it may move.

  wasm_oci push hello_layout ghcr.io/my-org/hello:1.0.0
  wasm_oci push hello_layout localhost:5000/hello:1.0.0 --signature-file hello.sig --dry-run

Credentials are those of `docker login` and `podman login`."""

TARGET_DESCRIPTION = """Publish the image of this target: first a plan, by reading only, then exactly that, the tags last.

  bazel run TARGET -- --dry-run
  bazel run TARGET -- --tag 1.0.0 --tag latest"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layout", nargs="?", type=Path, metavar="LAYOUT", help="folder of an OCI image layout with one image")
    parser.add_argument("reference", nargs="?", metavar="REFERENCE", help="where to, as host/repository:tag")
    parser.add_argument("--request", type=Path, metavar="FILE", help="request file of a publish target, instead of LAYOUT and REFERENCE")
    parser.add_argument("--registry", metavar="NAME", help=f"{WITH_REQUEST}another registry, by its name or host")
    parser.add_argument("--namespace", metavar="NAME", help=f"{WITH_REQUEST}another namespace")
    parser.add_argument(
        "--tag", action="append", metavar="TAG", help=f"{WITH_REQUEST}a tag in place of the target's; again for a further one"
    )
    parser.add_argument("--signature-file", type=Path, metavar="FILE", help="detached signature that travels with the image")
    add_passphrase_options(parser)
    parser.add_argument("--require-signed", action="store_true", help="refuse an image that no known key signed (exit code 3)")
    add_trusted_key_options(parser)
    parser.add_argument("--dry-run", action=argparse.BooleanOptionalAction, help="stop after the plan; send nothing that writes")
    parser.add_argument("--read-back", choices=("standard", "full"), default="standard", help="full: read large blobs back whole too")
    parser.add_argument("--move-tags", action="store_true", help="move a tag that exists with another digest")
    parser.add_argument(
        "--movable-tag", action="append", default=[], metavar="TAG", help="a tag that may move, beside latest; may be given several times"
    )
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.publish import resolve
    from wasm_oci.publish.release import release
    from wasm_oci.publish.report import artifact_document, plan_lines, result_lines, warnings_of

    def show(plans: Sequence[AnyPlan]) -> None:
        for warning in warnings_of(plans):
            say(Painted(f"wasm_oci: warning: {warning}", YELLOW))
        if args.output == "text" and not args.quiet:
            write_lines(line for plan in plans for line in plan_lines(plan))

    request = replace(_request(args), read_whole=args.read_back == "full")
    with closing(resolve.make_transport(request.plain_http)) as transport:
        (released,) = release(request, transport=transport, environ=os.environ, passphrase=passphrase_of(args), show=show).artifacts
    document = artifact_document(released)
    if error := released.error:
        report_error("wasm_oci", error, "text")
        return Outcome(document=document | error_document(error), exit_code=error.exit_code)
    done = [line for result in released.results for line in result_lines(result)]
    return Outcome(lines=["Dry run: nothing was written"] if request.dry_run else done, document=document)


def _request(args: argparse.Namespace) -> ReleaseRequest:
    from wasm_oci.oci.reference import Reference, check_tag
    from wasm_oci.publish.push import Overrides, release_of_layout, release_of_request
    from wasm_oci.publish.request import read_push_request
    from wasm_oci.publish.resolve import plain_http_hosts

    overrides = Overrides(
        registry=args.registry,
        namespace=args.namespace,
        tags=tuple(check_tag(tag, where="--tag") for tag in args.tag or ()),
        signature=args.signature_file,
        trust=trusted_keys_of(args),
        require_signed=args.require_signed,
        movable_tags=frozenset(check_tag(tag, where="--movable-tag") for tag in args.movable_tag),
        move_tags=args.move_tags,
        plain_http=plain_http_hosts(args.plain_http),
        dry_run=args.dry_run,
    )
    with_passphrase = args.passphrase_env or args.passphrase_file
    if args.request:
        if args.layout:
            raise UsageError("LAYOUT and REFERENCE cannot be given with --request", hint="use --registry, --namespace and --tag")
        request = read_push_request(args.request, os.environ)
        if with_passphrase and request.signing is None:
            raise UsageError("this image needs no signature of this run", where=str(args.request), hint="leave the passphrase out")
        return release_of_request(request, overrides)
    if with_passphrase:
        raise UsageError("a passphrase only applies to signing, and push does not sign a layout", hint="leave it out")
    if not args.reference:
        raise UsageError("LAYOUT and REFERENCE are needed", hint="write wasm_oci push LAYOUT host/repository:tag")
    for option in ("registry", "namespace", "tag"):
        if getattr(args, option) is not None:
            raise UsageError(f"--{option} changes a request file", hint="put it into REFERENCE")
    return release_of_layout(args.layout, Reference.parse(args.reference), overrides)
