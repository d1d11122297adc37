"""`wasm_oci key convert`: a key in another form."""

from __future__ import annotations

import argparse
import base64

from wasm_oci.cli.common.key_files import BASE64, write_new
from wasm_oci.cli.common.key_options import passphrase_of
from wasm_oci.cli.modes.key_show import read_key_file
from wasm_oci.errors import UsageError
from wasm_oci.keys.key import OPENSSH
from wasm_oci.outcome import Outcome


def run(args: argparse.Namespace) -> Outcome:
    """Writes a new file, or text to stdout; raises KeyFormatError or UsageError."""
    if (args.to == BASE64) == (args.output_file is not None):
        hint = "leave out -o" if args.to == BASE64 else "give -o FILE"
        raise UsageError(f"{args.to} is written to {'stdout' if args.to == BASE64 else 'a file'}", where="--to", hint=hint)
    found = read_key_file(args.input_file, passphrase_of(args), open_secret=not args.public)
    if len(set(found.keys)) != 1 and args.to != OPENSSH:
        raise UsageError(f"there are {len(found.keys)} keys in it", where=str(args.input_file), hint="keep one, or convert it to openssh")
    secret = None if args.public else found.secret
    if args.to == BASE64:
        text = base64.b64encode(secret.compact() if secret else found.keys[0].compact()).decode()
        return Outcome(text=text, document={"base64": text, "secret": secret is not None})
    data = secret.encoded(args.to) if secret else b"".join(key.encoded(args.to) for key in found.keys)
    write_new((args.output_file, data, 0o600 if secret else 0o666))
    key_id = found.keys[0].key_id.hex()
    kind = "Secret key" if secret else "Public key"
    text = f"{kind}: {args.output_file} ({args.to}{', keep it to yourself' if secret else ''})\nKey id:     {key_id}"
    return Outcome(text=text, document={"format": args.to, "secret": secret is not None, "keyId": key_id, "file": str(args.output_file)})
