"""What the arguments of `wasm_oci pull` ask for."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.trust_options import trust_request
from wasm_oci.trust.request import TrustRequest


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
    policies: tuple[Path, ...]
    """What has to allow it, beside its signature."""
    registry_config: Path | None
    """Where the reference's registry, its mirrors and a cache are named."""
    copy_of: str | None
    """In a build, the reference that a layout is a copy of."""
    plain_http: list[str]
    ca_files: list[str]
    """`host[:port]=FILE` each."""


def pull_request(args: argparse.Namespace) -> PullRequest:
    """Returns what the arguments ask for."""
    return PullRequest(
        reference=args.reference,
        output=args.output_file,
        trust=trust_request(args),
        signature=args.signature_file,
        signature_output=args.signature_output,
        allow_unsigned=args.allow_unsigned,
        policies=tuple(args.policy),
        registry_config=args.registry_config,
        copy_of=args.copy_of,
        plain_http=args.plain_http,
        ca_files=args.ca_file,
    )
