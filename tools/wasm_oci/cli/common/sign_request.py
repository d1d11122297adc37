"""What `wasm_oci sign` is asked for: a file, the keys that sign it, and where the result goes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasm_oci.cli.common.key_options import keys_of
from wasm_oci.keys.sources.signing_keys import SigningKey, with_public_keys
from wasm_oci.shape import Parsed, Runfile


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest:
    """One file to sign; or, where there are no keys, one that a build has signed."""

    input: Runfile
    output: Path
    signature: Path | None
    """Where a detached signature goes; None embeds it."""
    keys: Annotated[tuple[SigningKey, ...], Parsed(tuple[SigningKey, ...], with_public_keys)]
    openssh: bool
    """Whether keys in another form than OpenSSH's are refused."""
    signed: Runfile | None
    """The signed file of a build."""
    signed_signature: Runfile | None
    """The detached signature of a build."""


def requests_of(args: argparse.Namespace, files: Iterable[tuple[Path, Path, Path | None]]) -> list[SignRequest]:
    """Returns a request for each input, output and detached signature, with the keys of the command line.

    Raises UsageError where options do not fit together.
    """
    keys = keys_of(args)
    return [
        SignRequest(input=source, output=output, signature=signature, keys=keys, openssh=args.openssh, signed=None, signed_signature=None)
        for source, output, signature in files
    ]
