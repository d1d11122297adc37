"""The options of commands that verify: whom to trust, how many of them, at what time, and for which parts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError
from wasm_oci.keys.key import OPENSSH, PublicKey, load_public_keys, require_format
from wasm_oci.trust.trust import Trust

if TYPE_CHECKING:
    from wasm_oci.wasmsign.pattern import SectionPattern


def add_trust_options(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--threshold", type=int, default=1, metavar="N", help="how many different trusted keys must sign (default: 1)")
    parser.add_argument("--at", metavar="TIME", help="which of --trusted-keys count at this date or time in UTC (default: now)")
    parser.add_argument(
        "--ignore-time", action="store_true", help="let expired and future keys of --trusted-keys count, for results that may not change"
    )
    parser.add_argument(
        "--split-regex",
        metavar="REGEX",
        help="verify standard sections and custom ones whose name matches; other parts may differ, and parts at the end be missing: "
        "verify the whole file unless you must not",
    )


def trust_of(args: argparse.Namespace, *, openssh: bool = False) -> Trust | None:
    """Returns whom the options trust, None where they name no key; `openssh` refuses keys in other forms.

    Raises UsageError for options that do not go together, KeyFormatError and FormatError for unusable files.
    """
    if args.trusted_keys and args.public_key:
        raise UsageError(
            "keys are given twice", where="--trusted-keys", hint="give -K or --trusted-keys; a trust store can list all of them"
        )
    if args.trusted_keys:
        return _of_store(args, openssh=openssh)
    for option, given in (("--at", args.at is not None), ("--ignore-time", args.ignore_time)):
        if given:
            raise UsageError("only keys of a trust store have dates", where=option, hint="give --trusted-keys FILE too, or leave it out")
    if not args.public_key:
        return None
    return Trust.of_keys(_public_keys(args.public_key, openssh=openssh), threshold=args.threshold)


def pattern_of(args: argparse.Namespace) -> SectionPattern | None:
    """Returns the expression of --split-regex, None where there is none; raises UsageError for one that is unusable."""
    if args.split_regex is None:
        return None
    from wasm_oci.wasmsign.pattern import SectionPattern

    return SectionPattern(args.split_regex)


def _of_store(args: argparse.Namespace, *, openssh: bool) -> Trust:
    from wasm_oci.trust.timestamps import now, parse_timestamp
    from wasm_oci.trust.trust_store import load_trust_store

    if args.ignore_time and args.at is not None:
        raise UsageError("a time is given, and to be ignored", where="--at", hint="leave out --at or --ignore-time")
    at = None if args.ignore_time else now() if args.at is None else parse_timestamp(args.at, where="--at")
    store = load_trust_store(args.trusted_keys)
    if openssh:
        for key in store:
            require_format(key.public, OPENSSH, where=f"{args.trusted_keys}: {key.name}")
    return Trust.of_store(store, at=at, threshold=args.threshold)


def _public_keys(paths: list[Path], *, openssh: bool) -> list[PublicKey]:
    keys: list[PublicKey] = []
    for path in paths:
        for key in load_public_keys(path):
            if openssh:
                require_format(key, OPENSSH, where=str(path))
            keys.append(key)
    return keys
