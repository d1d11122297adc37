"""`wasm_oci sign`: adds a signature to a module or component."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.cli.outcome import Outcome
from wasm_oci.errors import UsageError
from wasm_oci.files import real_path
from wasm_oci.wasmsign.keys import OPENSSH, load_public_key, load_secret_key, require_format, require_pair
from wasm_oci.wasmsign.sign import SignResult, sign_file

DESCRIPTION = """Sign a WebAssembly module or component with an Ed25519 key.

The signature is embedded as the file's first section, or written to a file of its own with -S. A file that is
signed already gets one signature more; signing it again with the same key changes nothing. The key's id is
always written, so that a verifier finds the right key: the result is what wasmsign2 gives with -k and -K.

  wasm_oci sign -i hello.wasm -o hello.signed.wasm -k signing.secret"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="module or component to sign")
    parser.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where it goes; may be the input file")
    parser.add_argument("-k", "--secret-key", type=Path, required=True, metavar="FILE", help="secret key, compact or OpenSSH")
    parser.add_argument("-K", "--public-key", type=Path, metavar="FILE", help="refuse unless this is the public half of the secret key")
    parser.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="write the signature here, not into the output")
    parser.add_argument("-Z", "--openssh", action="store_true", help="refuse keys that are not in OpenSSH form")


def run(args: argparse.Namespace) -> Outcome:
    for path in (args.output_file, args.signature_file):
        for key_file in (args.secret_key, args.public_key):
            if path and key_file and real_path(path) == real_path(key_file):
                raise UsageError("this key file would be overwritten", where=str(path), hint="name another output")
    key = load_secret_key(args.secret_key)
    if args.openssh:
        require_format(key.public, OPENSSH, where=str(args.secret_key))
    if args.public_key:
        public = load_public_key(args.public_key)
        if args.openssh:
            require_format(public, OPENSSH, where=str(args.public_key))
        require_pair(key, public, where=str(args.public_key))
    result = sign_file(
        args.input_file,
        args.output_file,
        key,
        key_id=key.public.key_id,
        signature_file=args.signature_file,
        with_digest=args.output == "json",
    )
    return Outcome(text=_text(args, result), document=_document(args, result))


def _text(args: argparse.Namespace, result: SignResult) -> str:
    place = args.signature_file or args.output_file
    done = "Signed" if result.added else "Already signed with this key"
    count = f"{result.signature_count} signature{'s' * (result.signature_count != 1)}"
    lines = [f"{done}: {place} ({result.kind.value}, {count})", f"Key id: {result.key_id.hex() if result.key_id else ''}"]
    if result.dropped:
        lines.append(f"Left out: {result.dropped} signature section(s) that were not first in the file")
    return "\n".join(lines)


def _document(args: argparse.Namespace, result: SignResult) -> dict[str, object]:
    return {
        "kind": result.kind.value,
        "signature": "detached" if args.signature_file else "embedded",
        "keyId": result.key_id.hex() if result.key_id else None,
        "contentHash": result.module_hash,
        "digest": result.digest.text if result.digest else None,
        "size": result.size,
        "signatures": result.signature_count,
        "added": bool(result.added),
        "droppedSections": result.dropped,
    }
