"""`wasm_oci key`: shows, converts and checks keys."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.key_files import BASE64
from wasm_oci.cli.common.key_options import add_key_options, add_passphrase_options, keys_of, passphrase_of
from wasm_oci.cli.common.subcommands import add_subcommand
from wasm_oci.errors import UsageError
from wasm_oci.keys.ed25519 import verifier
from wasm_oci.keys.key import FORMATS
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_signers
from wasm_oci.outcome import Outcome
from wasm_oci.wasmsign.signature import message

DESCRIPTION = """Show, convert or check Ed25519 keys.

  wasm_oci key show id_ed25519.pub
  wasm_oci key convert -i id_ed25519 -o signing.pem --to pem
  wasm_oci key convert -i id_ed25519 -o signing.public --to compact --public
  wasm_oci key check --key-source keychain --key-ref signing/release -K signing.public

Nothing here shows a secret, except `convert --to base64`, which is for storing one in a variable of a CI system."""

_PROBE = message((hashlib.sha256(b"wasm_oci key check").digest(),))
"""What `check` has signed: a message as any other, about a content that is not WebAssembly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheckRequest:
    """Keys to check, each against its public half."""

    keys: tuple[SigningKey, ...]
    passphrase: PassphraseSource
    openssh: bool
    """Whether keys in another form than OpenSSH's are refused."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="show|convert|check")
    show = add_subcommand(commands, "show", "say what a key file holds: form, key id, public key; of a secret key too, never the secret")
    show.add_argument("file", type=Path, metavar="FILE", help="public or secret key of any form")
    add_passphrase_options(show)
    convert = add_subcommand(commands, "convert", "write a key in another form; a secret key without a passphrase, for its owner only")
    convert.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="public or secret key of any form")
    convert.add_argument("-o", "--output-file", type=Path, metavar="FILE", help="key file to write; must not exist")
    convert.add_argument(
        "--to",
        required=True,
        choices=(*FORMATS, BASE64),
        help="form to write; base64 is the compact form as text on stdout: a SECRET key is then readable there, so pipe it on",
    )
    convert.add_argument("--public", action="store_true", help="write the public half of a secret key")
    add_passphrase_options(convert)
    check = add_subcommand(commands, "check", "sign something with a secret key, wherever it is, and verify that with its public key")
    add_key_options(check)
    check.add_argument("-Z", "--openssh", action="store_true", help="refuse keys that are not in OpenSSH form")


def run(args: argparse.Namespace) -> Outcome:
    if args.what == "show":
        from wasm_oci.cli.modes import key_show

        return key_show.run(key_show.KeyShowRequest(file=args.file, passphrase=passphrase_of(args)))
    if args.what == "convert":
        from wasm_oci.cli.modes import key_convert

        return key_convert.run(
            key_convert.KeyConvertRequest(
                input=args.input_file, output=args.output_file, form=args.to, public=args.public, passphrase=passphrase_of(args)
            )
        )
    return _check(KeyCheckRequest(keys=keys_of(args), passphrase=passphrase_of(args), openssh=args.openssh))


def _check(request: KeyCheckRequest) -> Outcome:
    """Raises KeyFormatError or UsageError where a key cannot be used or is another one."""
    keys = request.keys
    if any(key.public_key is None for key in keys):
        raise UsageError("a public key is needed to check against", where="-K", hint="give -K FILE for each key")
    lines, documents = [], []
    for key, signer in zip(keys, open_signers(keys, request.passphrase, openssh=request.openssh), strict=True):
        if not verifier(signer.public.raw)(_PROBE, signer.sign(_PROBE)):
            raise UsageError("the key makes no usable signature", where=key.source.where, hint="make a new key pair")
        key_id = signer.public.key_id.hex()
        lines.append(f"Belong together: {key.source.where} and {key.public_key} (key id {key_id})")
        documents.append({"source": key.source.kind, "keyId": key_id, "publicKey": signer.public.raw.hex()})
    return Outcome(lines=lines, document={"keys": documents})
