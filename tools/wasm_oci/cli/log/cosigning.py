"""`wasm_oci log cosign`: a witness adds its signature to a checkpoint, which it has compared with the last one that it cosigned."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.key_options import keys_of, passphrase_of
from wasm_oci.cli.log.signing import only_key
from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.files import write_file
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_signers
from wasm_oci.log.folder import LogFolder, read_checkpoint
from wasm_oci.log.note import Verifier
from wasm_oci.log.verify import verified_entries
from wasm_oci.log.writer import add_cosignature
from wasm_oci.outcome import GREEN, Outcome, Painted
from wasm_oci.wording import Whole, counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignRequest:
    """A log to cosign."""

    folder: Path
    verifier: Verifier
    name: str
    since: Path | None
    """The checkpoint that this witness cosigned last; None for the first time."""
    keep: Path | None
    """Where the cosigned checkpoint goes."""
    keys: tuple[SigningKey, ...]
    passphrase: PassphraseSource

    @staticmethod
    def of(args: argparse.Namespace, verifier: Verifier) -> CosignRequest:
        """Raises UsageError unless it says what was cosigned last, or that nothing was."""
        if bool(args.since) == args.first:
            raise UsageError("a witness compares with what it cosigned last", where="--since", hint="give --since FILE, or --first")
        return CosignRequest(
            folder=args.folder,
            verifier=verifier,
            name=args.name,
            since=args.since,
            keep=args.keep,
            keys=keys_of(args),
            passphrase=passphrase_of(args),
        )


def cosign_checkpoint(request: CosignRequest) -> Outcome:
    """Cosigns the checkpoint of a log that is whole and follows the last one; raises what verifying, opening the key and writing raise."""
    (signer,) = open_signers([only_key(request.keys, whose="a witness", where=request.name[:80])], request.passphrase)
    try:
        witness = Verifier(name=request.name, public=signer.public, cosigner=True)
    except KeyFormatError as err:
        what = f"{request.name[:80]!r} cannot name a witness"
        raise UsageError(what, where="--name", hint="write a name such as witness.example/w1") from err
    remembered = [read_checkpoint(request.since, request.verifier)] if request.since else []
    folder = LogFolder(request.folder)
    seen = folder.checkpoint(request.verifier)
    for _ in verified_entries(folder, seen, remembered):
        pass
    cosigned = add_cosignature(folder, request.verifier, seen, name=witness.name, signer=signer, time=int(time.time()))
    if request.keep:
        write_file(request.keep, cosigned.encoded(), what="checkpoint")
    lines = [
        Painted(f"Cosigned: the log {seen.origin}, {counted(seen.size, 'record')}", GREEN),
        "  verifier key of this witness, for --witness:",
        Whole(f"    {witness}"),
    ]
    return Outcome(lines=lines, document={"origin": seen.origin, "size": seen.size, "witnessKey": str(witness)})
