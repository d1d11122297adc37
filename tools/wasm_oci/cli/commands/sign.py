"""`wasm_oci sign`: adds signatures to modules and components."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.cli.common.arguments import missing, refuse_beside_request
from wasm_oci.cli.common.key_options import add_key_options, passphrase_of, spare_keys
from wasm_oci.cli.common.sign_request import requests_of
from wasm_oci.cli.common.sign_result import document_of, lines_of, sign_with
from wasm_oci.errors import UsageError
from wasm_oci.keys.sources.signing_keys import open_signers
from wasm_oci.outcome import Outcome

DESCRIPTION = """Sign WebAssembly modules or components with Ed25519 keys.

The signature is embedded as the file's first section, or written to a file of its own with -S. A file that is
signed already gets one signature more; signing it again with the same key changes nothing. The key's id is
always written, so that a verifier finds the right key: the result is what wasmsign2 gives with -k and -K.

  wasm_oci sign -i hello.wasm -o hello.signed.wasm -k signing.secret
  wasm_oci sign -i hello.wasm -o hello.signed.wasm --key-source ssh-agent -K id_ed25519.pub
  wasm_oci sign --output-dir signed -k signing.secret one.wasm two.wasm

A secret key can be in a file, in a variable (env), on stdin, in the keychain, in an ssh-agent, or behind a program
that signs (command); docs/keys.md describes them. A passphrase comes from a variable, a file or a terminal."""

TARGET_DESCRIPTION = """Sign the component of this target with the keys that it names, and write it to -o and -S, or under the names of
the target. What the build has signed already is copied there.

  bazel run TARGET -- -o hello.signed.wasm"""

BESIDE_REQUEST = ("output_file", "signature_file", "passphrase_env", "passphrase_file")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, metavar="FILE", help="module or component to sign")
    parser.add_argument("-o", "--output-file", type=Path, metavar="FILE", help="where it goes; may be the input file")
    parser.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="write the signature here, not into the output")
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="many inputs, in place of -i; each has its own result")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="where many inputs go, under their names")
    parser.add_argument("--detached", action="store_true", help="with --output-dir: write each signature to DIR/NAME.sig")
    add_key_options(parser)
    parser.add_argument("-Z", "--openssh", action="store_true", help="refuse keys that are not in OpenSSH form")
    parser.add_argument("--request", type=Path, metavar="FILE", help="sign what the request file of a wasm_sign target says")


def run(args: argparse.Namespace) -> Outcome:
    if args.request:
        from wasm_oci.cli.modes import sign_target

        refuse_beside_request(args, add_arguments, BESIDE_REQUEST)
        return sign_target.run(args)
    if args.files or args.output_dir:
        from wasm_oci.cli.modes import sign_many

        return sign_many.run(args)
    if not (args.input_file and args.output_file):
        raise missing({"file to sign": ("-i FILE", args.input_file), "file to write": ("-o FILE", args.output_file)})
    if args.detached:
        raise UsageError("one file's signature needs a name", where="--detached", hint="give -S FILE instead")
    request = requests_of(args, [(args.input_file, args.output_file, args.signature_file)])[0]
    spare_keys(args, request.keys, (request.output, request.signature))
    signers = open_signers(request.keys, passphrase_of(args), openssh=request.openssh)
    result = sign_with(request, signers, with_digest=args.output == "json")
    place = request.signature or request.output
    return Outcome(lines=lines_of(place, result, signers), document=document_of(result, signers, detached=bool(request.signature)))
