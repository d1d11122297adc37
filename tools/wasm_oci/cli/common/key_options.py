"""The options of every command that signs: which keys, and where a passphrase comes from."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import spare_files
from wasm_oci.keys.sources.passphrase import DEFAULT_VARIABLE, PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey
from wasm_oci.keys.sources.source import KINDS, WITHOUT_REF, KeySource


def add_key_options(parser: argparse.ArgumentParser) -> None:
    """Adds -k, --key-source, --key-ref and -K, and those of the passphrase."""
    parser.add_argument(
        "-k",
        "--secret-key",
        dest="keys",
        type=lambda path: KeySource(kind="file", ref=path),
        action="append",
        default=[],
        metavar="FILE",
        help="secret key: compact, OpenSSH, PEM or DER; again for a further key",
    )
    parser.add_argument(
        "--key-source",
        dest="keys",
        choices=KINDS,
        action="append",
        help="where a key is that is in no file; may be given several times, before or after -k",
    )
    parser.add_argument(
        "--key-ref",
        action="append",
        default=[],
        metavar="TEXT",
        help="for the next --key-source that takes one: a path, the name of a variable, SERVICE/USER, or a program and its arguments",
    )
    parser.add_argument(
        "-K",
        "--public-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="refuse unless this is the public half of the key; with several keys, one for each, in their order",
    )
    add_passphrase_options(parser)


def add_passphrase_options(parser: argparse.ArgumentParser) -> None:
    """Adds --passphrase-env and --passphrase-file."""
    parser.add_argument(
        "--passphrase-env",
        metavar="NAME",
        help=f"variable with the passphrase of an encrypted key (default: {DEFAULT_VARIABLE}, else it is asked for at a terminal)",
    )
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="file with the passphrase; one line end after it is left out")


def passphrase_of(args: argparse.Namespace) -> PassphraseSource:
    """Raises UsageError where both options are given, or what is given is no name of a variable."""
    if args.passphrase_env is not None and args.passphrase_file:
        raise UsageError("the passphrase cannot come from two places", where="--passphrase-file", hint="leave out --passphrase-env")
    return PassphraseSource(file=args.passphrase_file, variable=DEFAULT_VARIABLE if args.passphrase_env is None else args.passphrase_env)


def spare_keys(args: argparse.Namespace, keys: Sequence[SigningKey], outputs: Iterable[Path | None]) -> None:
    """Raises UsageError where an output would replace the file of a key or of the passphrase."""
    places = list(outputs)
    spare_files(places, [path for key in keys for path in key.files], what="key file")
    spare_files(places, [args.passphrase_file], what="passphrase file")


def keys_of(args: argparse.Namespace) -> tuple[SigningKey, ...]:
    """Returns the keys in the order of the command line; raises UsageError where options do not fit together."""
    refs = iter(args.key_ref)
    sources = []
    for key in args.keys:
        ref = next(refs, "") if isinstance(key, str) and key not in WITHOUT_REF else ""
        sources.append(KeySource(kind=key, ref=ref) if isinstance(key, str) else key)
    if next(refs, None) is not None:
        raise UsageError("there are more references than sources that take one", where="--key-ref", hint="leave it out")
    public = args.public_key or [None] * len(sources)
    if len(public) != len(sources):
        raise UsageError(
            f"there are {len(sources)} keys and {len(public)} public keys",
            where="-K",
            hint="give one for each key, in their order, or none",
        )
    return tuple(SigningKey(source=source, public_key=half) for source, half in zip(sources, public, strict=True))
