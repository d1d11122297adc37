"""`wasm_oci pull`: fetches a component, verified before it gets its name."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.trust_options import add_trust_options
from wasm_oci.cli.publishing.publish_options import add_policy_option
from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded, spare_files
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome

if TYPE_CHECKING:
    from wasm_oci.cli.publishing.pull_request import PullRequest

DESCRIPTION = """Fetch a WebAssembly component from a registry or an OCI layout folder.

Its digests, its signature and the policies that are given are checked before the file gets its name: where one of them is wrong, no
file is written. The signature is the embedded one, or one that was published with the image, or the one that is given. Where several
keys must sign (--threshold), those of all signatures count together.

  wasm_oci pull ghcr.io/my-org/hello@sha256:… -o hello.wasm -K signing.public
  wasm_oci pull ./hello_layout:1.0.0 -o hello.wasm -K signing.public

A folder begins with ./, ../, / or a drive, or is written as oci:DIR; anything else is a reference, whatever exists in the current folder.
For a reference with a tag only, the result names the digest to write instead."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reference", metavar="REFERENCE", help="host/repository:tag, host/repository@sha256:…, or a layout folder: ./DIR, /DIR or oci:DIR"
    )
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the component goes")
    add_trust_options(parser)
    parser.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="detached signature that counts instead of any other")
    parser.add_argument("--signature-output", type=Path, metavar="FILE", help="save the published detached signature that verified")
    parser.add_argument("--allow-unsigned", action="store_true", help="accept a component without a signature")
    add_policy_option(parser, "a policy that must allow it, beside its signature; again for another")
    parser.add_argument(
        "--copy-of", metavar="REFERENCE", help="in a build: what a layout is a copy of, for policies, which then ignore the time"
    )
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing.pull_policy import Approval
    from wasm_oci.cli.publishing.pull_request import pull_request
    from wasm_oci.cli.publishing.pull_result import pull_lines
    from wasm_oci.oci.target import layout_folder
    from wasm_oci.publish import resolve
    from wasm_oci.reading.pull import pull
    from wasm_oci.releases.sources import open_source, read_source_settings

    request: PullRequest = pull_request(args)
    asked = request.trust
    outputs = [request.output, request.signature_output]
    inputs = [request.signature, request.registry_config, asked.trusted_keys, *asked.public_keys, *request.policies]
    spare_files(outputs, inputs, what="input")
    spare_files(outputs[1:], outputs[:1], what="output")
    trust, pattern = asked.trust(), asked.pattern()
    save, unsigned = request.signature_output is not None, request.allow_unsigned
    for option, other, both in (
        ("--threshold", "--allow-unsigned", unsigned and asked.threshold != 1),
        ("--split-regex", "--allow-unsigned", unsigned and pattern is not None),
        ("--signature-output", "--allow-unsigned", unsigned and save),
        ("--signature-output", "--signature-file", request.signature is not None and save),
    ):
        if both:
            raise UsageError(f"cannot be combined with {other}", where=option, hint="omit one of them")
    signature = read_bounded(request.signature, LIMITS.signature_section, what="signature file") if request.signature else None
    settings = read_source_settings(request.registry_config)
    plain_http = settings.plain_http | resolve.plain_http_hosts(request.plain_http)
    if request.copy_of and layout_folder(request.reference) is None:
        raise UsageError("only a layout is a copy", where="--copy-of", hint="omit it, or name the folder of a layout")
    approval = Approval(
        *(request.policies, request.reference, trust),
        signature=signature,
        settings=settings,
        plain_http=plain_http,
        copy_of=request.copy_of,
    )
    with closing(resolve.make_transport(plain_http, settings.timeout, request.ca_files)) as transport:
        target = open_source(request.reference, settings, transport=transport, environ=os.environ)
        pulled = pull(
            target,
            request.output,
            trust=trust,
            signature=signature,
            pattern=pattern,
            allow_unsigned=unsigned,
            signature_output=request.signature_output,
            approve=approval.approve,
        )
    return approval.outcome(*pull_lines(pulled, target, request.output, request.signature_output, trust))
