"""`wasm_oci sign --request FILE`: what `bazel run` of a wasm_sign target does (schema version 1, rlocation paths)."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from wasm_oci.cli.common.key_options import passphrase_of, spare_keys
from wasm_oci.cli.common.sign_result import document_of, sign_with, text_of
from wasm_oci.digest import digest_of
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import atomic_output, open_input
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources import open_signers, parse_keys
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome
from wasm_oci.run_request import BUILD_AGAIN, OPTIONAL_TEXT, Kind, read_run_request
from wasm_oci.runfiles import Runfiles

_MEMBERS: dict[str, Kind] = {
    "input": str,
    "detached": bool,
    "openssh": bool,
    "output": str,
    "signature": OPTIONAL_TEXT,
    "keys": list,
    "signed": OPTIONAL_TEXT,
    "signedSignature": OPTIONAL_TEXT,
}


def run(args: argparse.Namespace) -> Outcome:
    """Writes the signed file, signed now or by the build, to -o and -S or to the names of the request.

    Raises FormatError for a request that a rule did not write, and what signing raises.
    """
    request, where = _read(args.request), str(args.request)
    runfiles = Runfiles(os.environ)
    output = args.output_file or Path(request["output"])
    if args.signature_file and not request["detached"]:
        raise UsageError("this target embeds its signature", where="-S", hint="set detached = True in the target")
    signature = (args.signature_file or Path(request["signature"] or f"{output}.sig")) if request["detached"] else None
    if not request["keys"]:
        if args.passphrase_env or args.passphrase_file:
            raise UsageError("the build has signed this file, so no passphrase is needed", where=where, hint="leave it out")
        return _copied(request, runfiles, output, signature, where)
    keys = parse_keys(request["keys"], lambda path: runfiles.find(path, where=where), where=where)
    spare_keys(args, keys, (output, signature))
    signers = open_signers(keys, passphrase_of(args), openssh=request["openssh"])
    result = sign_with(signers, runfiles.find(request["input"], where=where), output, signature, with_digest=True)
    document = document_of(result, signers, detached=bool(signature))
    text = f"{text_of(signature or output, result, signers)}\nDigest: {document['digest']}"
    return Outcome(text=text, document={**_places(output, signature), **document})


def _read(path: Path) -> JsonObject:
    request = read_run_request(path, _MEMBERS)
    if not request["keys"] and (request["signed"] is None or (request["detached"] and request["signedSignature"] is None)):
        raise FormatError("the request has neither keys nor a signed file", where=str(path), hint=BUILD_AGAIN)
    return request


def _copied(request: JsonObject, runfiles: Runfiles, output: Path, signature: Path | None, where: str) -> Outcome:
    """Copies what the build signed."""
    pairs = [(request["signed"], output)] + ([(request["signedSignature"], signature)] if signature else [])
    digests = []
    for source, target in pairs:
        with open_input(runfiles.find(source, where=where)) as stream, atomic_output(target) as copy:
            shutil.copyfileobj(stream, copy, LIMITS.chunk)
            copy.seek(0)
            digests.append(digest_of(copy)[0].text)
    text = "\n".join([f"Signed by the build: {output}", *([f"Signature: {signature}"] if signature else []), f"Digest: {digests[0]}"])
    return Outcome(text=text, document={**_places(output, signature), "digest": digests[0]})


def _places(output: Path, signature: Path | None) -> JsonObject:
    return {"output": str(output), "signatureFile": str(signature) if signature else None}
