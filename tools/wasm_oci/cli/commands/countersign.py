"""`wasm_oci countersign`: adds a sign statement to a manifest that others have signed."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.cli.common.key_options import add_key_options, keys_of, passphrase_of
from wasm_oci.cli.common.registry_options import add_registry_options, registry_options
from wasm_oci.outcome import Outcome

DESCRIPTION = """Sign a manifest that is published, after checking who signed it before.

This adds a sign statement by your key, as `wasm_oci attest --predicate-type sign` does. With --trusted-keys it is signed only if
one of these keys signed the same digest before.

  wasm_oci countersign ghcr.io/my-org/hello@sha256:… -k release.secret --trusted-keys ci.yaml

Nothing that exists is changed, and no tag moves."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="host/repository@sha256:…, or a layout folder: ./DIR, /DIR or oci:DIR")
    parser.add_argument("--trusted-keys", type=Path, metavar="FILE", help="refuse unless one of these keys signed it before: a trust store")
    parser.add_argument("--at", metavar="TIME", help="which of --trusted-keys count at this date or time in UTC (default: now)")
    parser.add_argument("--cosign-legacy", action="store_true", help="add a signature under cosign's tag too")
    add_key_options(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing.attesting import StatementRequest, attest
    from wasm_oci.trust.predicate_types import SIGN
    from wasm_oci.trust.request import TrustRequest

    asked = TrustRequest(
        public_keys=(), trusted_keys=args.trusted_keys, threshold=1, split_regex=None, openssh=False, at=args.at, ignore_time=False
    )
    request = StatementRequest(
        target=args.target,
        predicate_type=SIGN,
        predicate={},
        keys=keys_of(args),
        cosign_legacy=args.cosign_legacy,
        registries=registry_options(args),
    )
    return attest(request, passphrase_of(args), signed_by=asked.trust(for_statements=True))
