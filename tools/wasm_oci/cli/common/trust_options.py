"""The options of commands that verify: whom to trust, how many of them, at what time, and for which parts."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.trust.request import TrustRequest
from wasm_oci.trust.trust import Trust


def add_trusted_key_options(parser: argparse.ArgumentParser) -> None:
    """Adds -K and --trusted-keys."""
    parser.add_argument(
        "-K",
        "--public-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="trusted public key, in any form; may be given several times, and an OpenSSH file may hold several",
    )
    parser.add_argument(
        "--trusted-keys", type=Path, metavar="FILE", help="in place of -K: a trust store, which gives keys names and dates and revokes them"
    )


def add_signer_options(parser: argparse.ArgumentParser) -> None:
    """Adds -K, --trusted-keys, how many of them must sign, and at what time they must be valid."""
    add_trusted_key_options(parser)
    parser.add_argument("--threshold", type=int, default=1, metavar="N", help="how many different trusted keys must sign (default: 1)")
    parser.add_argument("--at", metavar="TIME", help="which of --trusted-keys count at this date or time in UTC (default: now)")
    parser.add_argument(
        "--ignore-time", action="store_true", help="let expired and future keys of --trusted-keys count, for results that may not change"
    )


def add_trust_options(parser: argparse.ArgumentParser) -> None:
    """Adds the same, and which parts of a file must be signed."""
    add_signer_options(parser)
    parser.add_argument(
        "--split-regex",
        metavar="REGEX",
        help="verify standard sections and custom ones whose name matches; other parts may differ, and parts at the end be missing: "
        "verify the whole file unless you must not",
    )


def trusted_keys_of(args: argparse.Namespace) -> Trust | None:
    """Returns the trust in -K or --trusted-keys alone, None without them; raises what `TrustRequest.trust` raises."""
    return TrustRequest(
        public_keys=tuple(args.public_key),
        trusted_keys=args.trusted_keys,
        threshold=1,
        split_regex=None,
        openssh=False,
        at=None,
        ignore_time=False,
    ).trust()


def trust_request(args: argparse.Namespace) -> TrustRequest:
    """Returns what the options ask for, as far as the command has them."""
    return TrustRequest(
        public_keys=tuple(args.public_key),
        trusted_keys=args.trusted_keys,
        threshold=args.threshold,
        split_regex=getattr(args, "split_regex", None),
        openssh=getattr(args, "openssh", False),
        at=args.at,
        ignore_time=args.ignore_time,
    )
