"""`wasm_oci statements`: lists the statements about a manifest, and verifies them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from wasm_oci.cli.common.registry_options import RegistryOptions, add_registry_options, registry_options
from wasm_oci.cli.common.trust_options import add_signer_options, trust_request
from wasm_oci.errors import UsageError
from wasm_oci.outcome import Outcome
from wasm_oci.trust.request import TrustRequest

DESCRIPTION = """List the signed statements about a manifest, and verify them with the keys that you trust.

With keys, at least one statement must verify (of the type that --predicate-type names), else the exit code is 4. The others are listed
with the reason why they do not verify. Without keys, nothing is verified: types are what somebody claims.

  wasm_oci statements ghcr.io/my-org/hello@sha256:… --trusted-keys trusted.yaml
  wasm_oci statements ./hello_layout -K signing.public --predicate-type vsa --output json

Bundles that cosign 3 makes with a key are statements like ours. Certificates and log entries are not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsRequest:
    """The statements to list."""

    target: str
    trust: TrustRequest
    predicate_type: str | None
    """A URI; None lists all, and one that verifies is enough."""
    cosign_legacy: bool
    registries: RegistryOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="TARGET", help="host/repository:tag, host/repository@sha256:…, or a layout folder: ./DIR, /DIR or oci:DIR"
    )
    parser.add_argument(
        "--predicate-type", metavar="TYPE", help="the type that must verify: sign, vsa, slsaprovenance1, spdxjson, cyclonedx, or any URI"
    )
    parser.add_argument("--cosign-legacy", action="store_true", help="let signatures under cosign's tag count as sign statements")
    add_signer_options(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing.reached import reached
    from wasm_oci.cli.publishing.statement_result import listed
    from wasm_oci.trust.predicate_types import predicate_type

    kind = predicate_type(args.predicate_type, where="--predicate-type") if args.predicate_type else None
    request = StatementsRequest(
        target=args.target,
        trust=trust_request(args),
        predicate_type=kind,
        cosign_legacy=args.cosign_legacy,
        registries=registry_options(args),
    )
    trust = request.trust.trust(for_statements=True)
    if request.trust.threshold != 1 and not (trust and kind):
        what = "several keys must sign statements of one type"
        raise UsageError(what, where="--threshold", hint="give --predicate-type, and -K or --trusted-keys")
    with reached(request.registries) as registries:
        target = registries.target(request.target)
        return listed(target, trust=trust, predicate_type=kind, cosign_legacy=request.cosign_legacy)
