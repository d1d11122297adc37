"""`wasm_oci push`: publishes an image layout, with a plan first."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.key_options import add_passphrase_options
from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.result_file import keep_result
from wasm_oci.cli.common.target_help import WITH_REQUEST
from wasm_oci.cli.common.trust_options import add_trusted_key_options
from wasm_oci.cli.publishing.publish_options import add_publish_options
from wasm_oci.outcome import Outcome

if TYPE_CHECKING:
    from wasm_oci.publish.release_request import ReleaseRequest

DESCRIPTION = """Publish an OCI image layout to a registry, to another layout folder or to an archive.

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
    parser.add_argument(
        "layout",
        nargs="?",
        type=Path,
        metavar="LAYOUT",
        help="an OCI image layout with one image: DIR, oci:DIR or oci-archive:FILE",
    )
    where = "where to: host/repository:tag, ./DIR:tag or oci-archive:FILE:tag"
    parser.add_argument("reference", nargs="?", metavar="REFERENCE", help=where)
    parser.add_argument("--request", type=Path, metavar="FILE", help="request file of a publish target, instead of LAYOUT and REFERENCE")
    parser.add_argument(
        "--registry",
        action="append",
        metavar="NAME",
        help=f"{WITH_REQUEST}a registry in place of the target's, by its name or host; again for a further one",
    )
    parser.add_argument("--namespace", metavar="NAME", help=f"{WITH_REQUEST}another namespace")
    parser.add_argument(
        "--tag", action="append", metavar="TAG", help=f"{WITH_REQUEST}a tag in place of the target's; again for a further one"
    )
    parser.add_argument("--signature-file", type=Path, metavar="FILE", help="detached signature that travels with the image")
    add_passphrase_options(parser)
    parser.add_argument("--require-signed", action="store_true", help="refuse an image that no known key signed (exit code 3)")
    add_trusted_key_options(parser)
    add_publish_options(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    def publish() -> Outcome:
        from wasm_oci.cli.publishing.published import published
        from wasm_oci.cli.publishing.push_request import push_request

        request: ReleaseRequest = push_request(args)
        return published(request, args)

    return keep_result(args.result_file, publish)
