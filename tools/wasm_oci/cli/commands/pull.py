"""`wasm_oci pull`: fetches a component, verified before it gets its name."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.registry_options import add_registry_config_option, add_registry_options
from wasm_oci.cli.common.trust_options import add_trust_options, trust_request
from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded, spare_files
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome
from wasm_oci.trust.request import TrustRequest

DESCRIPTION = """Fetch a WebAssembly component from a registry or an OCI layout folder.

The manifest's digest, the component's digest and its signature are checked before the file gets its name: where
one of them is wrong, no file is written. The signature is the embedded one, or a detached one that was published
with the image, or the one that is given. Where several keys must sign (--threshold), those of the embedded
signature and of all published ones count together.

  wasm_oci pull ghcr.io/my-org/hello@sha256:… -o hello.wasm -K signing.public
  wasm_oci pull ./hello_layout:1.0.0 -o hello.wasm -K signing.public

A folder begins with ./, ../, / or a drive, or is written as oci:DIR; anything else is a reference, whatever exists in the current folder.
For a reference with a tag only, the result names the digest to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """One component to fetch."""

    reference: str
    """A reference to a registry, or a layout folder with its tag or digest."""
    output: Path
    trust: TrustRequest
    signature: Path | None
    """A detached signature that counts instead of any other."""
    signature_output: Path | None
    """Where the detached signature goes that verified."""
    allow_unsigned: bool
    registry_config: Path | None
    """Where the reference's registry, its mirrors and a cache are named."""
    plain_http: list[str]
    ca_files: list[str]
    """`host[:port]=FILE` each."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reference", metavar="REFERENCE", help="host/repository:tag, host/repository@sha256:…, or a layout folder: ./DIR, /DIR or oci:DIR"
    )
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the component goes")
    add_trust_options(parser)
    parser.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="detached signature that counts instead of any other")
    parser.add_argument("--signature-output", type=Path, metavar="FILE", help="save the published detached signature that verified")
    parser.add_argument("--allow-unsigned", action="store_true", help="accept a component without a signature")
    add_registry_config_option(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing.pull_result import pull_lines
    from wasm_oci.publish import resolve
    from wasm_oci.publish.pull import pull
    from wasm_oci.releases.sources import open_source, read_source_settings

    request = _of_flags(args)
    asked = request.trust
    outputs = [request.output, request.signature_output]
    spare_files(outputs, [request.signature, request.registry_config, asked.trusted_keys, *asked.public_keys], what="input")
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
        )
    lines, document = pull_lines(pulled, target, request.output, request.signature_output, trust)
    return Outcome(lines=lines, document=document)


def _of_flags(args: argparse.Namespace) -> PullRequest:
    return PullRequest(
        reference=args.reference,
        output=args.output_file,
        trust=trust_request(args),
        signature=args.signature_file,
        signature_output=args.signature_output,
        allow_unsigned=args.allow_unsigned,
        registry_config=args.registry_config,
        plain_http=args.plain_http,
        ca_files=args.ca_file,
    )
