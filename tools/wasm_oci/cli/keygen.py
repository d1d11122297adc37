"""`wasm_oci keygen`: an Ed25519 key pair in two new files."""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

from wasm_oci.cli.outcome import Outcome
from wasm_oci.errors import UsageError
from wasm_oci.files import reason_of
from wasm_oci.wasmsign.keys import COMPACT, FORMATS, OPENSSH, SecretKey

DESCRIPTION = """Make an Ed25519 key pair for signing WebAssembly.

The secret file can be read by its owner only. Existing files are never overwritten: either both files are
written, or none. The compact form is wasmsign2's own; the OpenSSH form is that of ssh-keygen, and pem is PKCS#8 and
SPKI as openssl writes them, all without a passphrase.

  wasm_oci keygen -k signing.secret -K signing.public"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-k", "--secret-key", type=Path, required=True, metavar="FILE", help="secret key to write; must not exist")
    parser.add_argument("-K", "--public-key", type=Path, required=True, metavar="FILE", help="public key to write; must not exist")
    parser.add_argument("--format", choices=FORMATS, default=COMPACT, help="form of both files (default: compact)")
    parser.add_argument("--comment", default="", metavar="TEXT", help="comment inside the key files; OpenSSH only")


def run(args: argparse.Namespace) -> Outcome:
    if args.comment and args.format != OPENSSH:
        raise UsageError(f"a {args.format} key has no room for a comment", where="--comment", hint="add --format openssh")
    if not args.comment.isprintable():
        raise UsageError("the comment is not one line of printable characters", where="--comment", hint="leave line ends out")
    key = SecretKey.generate(args.format, args.comment)
    write_pair((args.secret_key, key.encoded(args.format)), (args.public_key, key.public.encoded(args.format)))
    key_id = key.public.key_id.hex()
    document = {"format": args.format, "keyId": key_id, "publicKey": key.public.raw.hex()}
    text = f"Secret key: {args.secret_key} (keep it to yourself)\nPublic key: {args.public_key}\nKey id:     {key_id}"
    return Outcome(text=text, document=document)


def write_pair(*files: tuple[Path, bytes]) -> None:
    """Creates all files or none, the first for its owner only; raises UsageError where one exists or cannot be made."""
    with ExitStack() as undo:
        for mode, (path, data) in zip((0o600, 0o666), files, strict=False):
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
                undo.callback(path.unlink)
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(data)
            except FileExistsError as err:
                raise UsageError("the key file exists already", where=str(path), hint="name a new file, or move the old one away") from err
            except OSError as err:
                raise UsageError(f"cannot write the key file: {reason_of(err)}", where=str(path), hint="check its folder") from err
        undo.pop_all()
