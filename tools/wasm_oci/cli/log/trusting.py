"""By which key a log is verified."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.log.note import Verifier
from wasm_oci.log.settings import log_key, open_log

_VERIFIER_KEY = re.compile(r"[^+\s]+\+[0-9a-f]{8}\+\S+")


def add_log_key_options(parser: argparse.ArgumentParser) -> None:
    """Adds --log-key and --own-key."""
    parser.add_argument("--log-key", metavar="KEY", help="the log's verifier key, or a file with it")
    words = "verify by the key that the log's folder names itself: finds damage, but not who wrote the log"
    parser.add_argument("--own-key", action="store_true", help=words)


def add_witness_option(parser: argparse.ArgumentParser) -> None:
    """Adds --witness."""
    words = "a witness's verifier key, or a file with it: it must have cosigned the checkpoint; may be given several times"
    parser.add_argument("--witness", action="append", default=[], metavar="KEY", help=words)


def witnesses_of(args: argparse.Namespace) -> tuple[Verifier, ...]:
    """Raises KeyFormatError for a key that is not one of a witness."""
    found = tuple(Verifier.parse(_key_text(each), where="--witness") for each in args.witness)
    for witness in found:
        if not witness.cosigner:
            raise KeyFormatError(f"{witness.name} is not the key of a witness", where="--witness", hint="give what `log cosign` showed")
    return found


def _key_text(given: str) -> str:
    if _VERIFIER_KEY.fullmatch(given):
        return given
    return read_bounded(Path(given), LIMITS.key_file, what="verifier key").decode(errors="replace")


def log_key_of(args: argparse.Namespace, folder: Path | None) -> Verifier:
    """Raises UsageError unless exactly one option says which key, and KeyFormatError for one that cannot be used."""
    if bool(args.log_key) == args.own_key or (args.own_key and folder is None):
        hint = "give --log-key KEY, as `wasm_oci log init` showed it" + (", or --own-key to look for damage only" if folder else "")
        raise UsageError("no key, or two, to verify the log by", where="--log-key", hint=hint)
    if args.own_key and folder:
        return open_log(folder).verifier
    return log_key(_key_text(args.log_key), where="--log-key")
