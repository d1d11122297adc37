"""`wasm_oci verify`: whether one of the given keys signed all of a file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from wasm_oci.cli.outcome import SCHEMA_VERSION, Outcome
from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.files import read_bounded, write_file
from wasm_oci.jsontext import parse_object, pretty
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign.keys import OPENSSH, PublicKey, load_public_keys, require_format
from wasm_oci.wasmsign.verify import verify_file

DESCRIPTION = """Verify that one of the given public keys signed all of a WebAssembly module or component.

Exit code 0 if so. Exit code 4 for whatever cannot be accepted: a file that is not signed, signed by other keys
only, changed, cut off, or not WebAssembly at all; `--output json` names the reason. Exit code 2 for a key or
option that cannot be used.

  wasm_oci verify -i hello.signed.wasm -K signing.public"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, metavar="FILE", help="module or component to verify")
    parser.add_argument(
        "-K",
        "--public-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="trusted public key, compact or OpenSSH; may be given several times, and an OpenSSH file may hold several",
    )
    parser.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="detached signature of the file")
    parser.add_argument("-Z", "--openssh", action="store_true", help="refuse keys that are not in OpenSSH form")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the result as JSON here too, only if it verifies")
    parser.add_argument("--request", type=Path, metavar="FILE", help="take all of the above from the request file of a test target")


def run(args: argparse.Namespace) -> Outcome:
    if args.request:
        _read_request(args)
    if not (args.input_file and args.public_key):
        raise UsageError("a file and a public key are needed", hint="give -i FILE and -K FILE")
    keys: list[PublicKey] = []
    for path in args.public_key:
        for key in load_public_keys(path):
            if args.openssh:
                require_format(key, OPENSSH, where=str(path))
            keys.append(key)
    signature = _detached(args.signature_file) if args.signature_file else None
    result = verify_file(args.input_file, keys, signature=signature)
    key_id = result.key.key_id.hex()
    document: dict[str, object] = {
        "verified": True,
        "kind": result.kind.value,
        "signature": "detached" if result.detached else "embedded",
        "keyId": key_id,
        "publicKey": result.key.raw.hex(),
        "keyIds": [key.key_id.hex() for key in result.keys],
        "keyIdsSeen": list(result.key_ids_seen),
        "contentHash": result.module_hash,
    }
    if args.report:
        write_file(args.report, pretty({"schemaVersion": SCHEMA_VERSION, **document}), what="report")
    return Outcome(text=f"Verified: {args.input_file} ({result.kind.value}), signed with key {key_id}", document=document)


def _read_request(args: argparse.Namespace) -> None:
    """Fills the arguments from a request (schema version 1) that `wasm_verify_test` wrote; paths are rlocation paths."""
    from wasm_oci.publish.runfiles import Runfiles

    where = str(args.request)
    request = parse_object(read_bounded(args.request, LIMITS.request_file, what="request file"), where=where)
    runfiles = Runfiles(os.environ)
    try:
        version, wasm, keys, signature = (request[name] for name in ("schemaVersion", "input", "publicKeys", "signature"))
        args.openssh = request["openssh"]
    except KeyError as err:
        raise FormatError(f"the request has no {err.args[0]}", where=where, hint="build the target again") from err
    if version != SCHEMA_VERSION or not isinstance(keys, list):
        raise FormatError("the request is of another version", where=where, hint="build the target again")
    args.input_file = runfiles.find(str(wasm), where=where)
    args.public_key = [runfiles.find(str(key), where=where) for key in keys]
    args.signature_file = runfiles.find(str(signature), where=where) if signature else None


def _detached(path: Path) -> bytes:
    try:
        return read_bounded(path, LIMITS.signature_section, what="signature file")
    except (FormatError, UsageError) as err:
        raise SignatureError(err.what, where=err.where, hint=err.hint, reason="malformed_signature") from err
