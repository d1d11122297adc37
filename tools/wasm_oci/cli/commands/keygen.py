"""`wasm_oci keygen`: an Ed25519 key pair in two new files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from wasm_oci.cli.common.arguments import any_text, missing, refuse_beside_request
from wasm_oci.cli.common.key_files import write_new
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import reason_of
from wasm_oci.keys.key import COMPACT, FORMATS, OPENSSH, SecretKey
from wasm_oci.outcome import Outcome

DESCRIPTION = """Make an Ed25519 key pair for signing WebAssembly.

The secret file can be read by its owner only. Existing files are never overwritten: either both files are
written, or none. The compact form is wasmsign2's own; the OpenSSH form is that of ssh-keygen, without a passphrase.

  wasm_oci keygen -k signing.secret -K signing.public"""

TARGET_DESCRIPTION = """Make a key pair in a folder, under the names and in the form of this target. Existing files are never overwritten.

  bazel run TARGET -- --output-dir DIR"""

_NOT_IN_NAMES = frozenset("/\\:\0")
"""With these a name leads to another folder, on one system or another."""

BESIDE_REQUEST = ("output_dir",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-k", "--secret-key", type=Path, metavar="FILE", help="secret key to write; must not exist")
    parser.add_argument("-K", "--public-key", type=Path, metavar="FILE", help="public key to write; must not exist")
    parser.add_argument("--format", choices=FORMATS, default=COMPACT, help="form of both files (default: compact)")
    parser.add_argument("--comment", default="", type=any_text, metavar="TEXT", help="comment inside the key files; OpenSSH only")
    parser.add_argument(
        "--behind-link",
        action="store_true",
        help="make the secret file a link to a hidden file beside it; Bazel opens to everyone what it finds in an output itself",
    )
    parser.add_argument("--request", type=Path, metavar="FILE", help="take names, form and comment from the request of a keygen target")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="with --request: folder of the two files, made if it is absent")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeygenRequest:
    """Two files to make; in the request of a keygen target their names only."""

    secret_key: Path
    public_key: Path
    format: Literal["compact", "openssh", "pem"]
    comment: str


def run(args: argparse.Namespace) -> Outcome:
    request = _of_target(args) if args.request else _of_flags(args)
    if request.comment and request.format != OPENSSH:
        raise UsageError(f"a {request.format} key has no room for a comment", where="--comment", hint="add --format openssh")
    if not request.comment.isprintable():
        raise UsageError("the comment is not one line of printable characters", where="--comment", hint="leave line ends out")
    key = SecretKey.generate(request.format, request.comment)
    secret = request.secret_key, key.encoded(request.format), 0o600
    write_new(secret, (request.public_key, key.public.encoded(request.format), 0o666), behind_link=args.behind_link)
    key_id = key.public.key_id.hex()
    document = {"format": request.format, "keyId": key_id, "publicKey": key.public.raw.hex()}
    lines = [f"Secret key: {request.secret_key} (keep it to yourself)", f"Public key: {request.public_key}", f"Key id:     {key_id}"]
    return Outcome(lines=lines, document=document)


def _of_flags(args: argparse.Namespace) -> KeygenRequest:
    if args.output_dir:
        raise UsageError("--output-dir goes with --request", hint="name the files with -k and -K")
    if not (args.secret_key and args.public_key):
        raise missing({"secret key file": ("-k FILE", args.secret_key), "public key file": ("-K FILE", args.public_key)})
    return KeygenRequest(secret_key=args.secret_key, public_key=args.public_key, format=args.format, comment=args.comment)


def _of_target(args: argparse.Namespace) -> KeygenRequest:
    """Reads the request of a keygen target, and makes the folder."""
    from wasm_oci.shape import BUILD_AGAIN, read_request

    if args.output_dir is None:
        raise UsageError("no folder is named for the key pair", hint="write: bazel run TARGET -- --output-dir DIR")
    refuse_beside_request(args, add_arguments, BESIDE_REQUEST)
    request = read_request(args.request, KeygenRequest)
    for member, path in (("secret_key", request.secret_key), ("public_key", request.public_key)):
        if str(path) in (".", "..") or not _NOT_IN_NAMES.isdisjoint(str(path)):
            raise FormatError("this is not the name of a file", where=f"{args.request}: {member}", hint=BUILD_AGAIN)
    try:
        args.output_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, ValueError) as err:
        raise UsageError(f"cannot make the folder: {reason_of(err)}", where=str(args.output_dir), hint="name another folder") from err
    return replace(request, secret_key=args.output_dir / request.secret_key, public_key=args.output_dir / request.public_key)
