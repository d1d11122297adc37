"""`wasm_oci sign --request FILE`: what `bazel run` of a wasm_sign target does."""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import replace
from pathlib import Path

from wasm_oci.cli.common.key_options import passphrase_of, spare_keys
from wasm_oci.cli.common.sign_request import SignRequest
from wasm_oci.cli.common.sign_result import document_of, lines_of, sign_with
from wasm_oci.digest import digest_of
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import atomic_output, open_input
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources.signing_keys import open_signers
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome
from wasm_oci.runfiles import Runfiles
from wasm_oci.shape import BUILD_AGAIN, read_request


def run(args: argparse.Namespace) -> Outcome:
    """Writes the signed file, signed now or by the build, to -o and -S or to the names of the request.

    Raises FormatError for a request that a rule did not write, and what signing raises.
    """
    request = _read(args)
    if not request.keys:
        if args.passphrase_env or args.passphrase_file:
            what = "the build has signed this file, so no passphrase is needed"
            raise UsageError(what, where=str(args.request), hint="leave it out")
        return _copied(request)
    spare_keys(args, request.keys, (request.output, request.signature))
    signers = open_signers(request.keys, passphrase_of(args), openssh=request.openssh)
    result = sign_with(request, signers, with_digest=True)
    document = document_of(result, signers, detached=bool(request.signature))
    lines = [*lines_of(request.signature or request.output, result, signers), f"Digest: {document['digest']}"]
    return Outcome(lines=lines, document={**_places(request), **document})


def _read(args: argparse.Namespace) -> SignRequest:
    """Returns the request, with the names of outputs that the command line gives."""
    request = read_request(args.request, SignRequest, Runfiles(os.environ))
    if not request.keys and (request.signed is None or (request.signature and request.signed_signature is None)):
        raise FormatError("the request has neither keys nor a signed file", where=str(args.request), hint=BUILD_AGAIN)
    if args.signature_file and not request.signature:
        raise UsageError("this target embeds its signature", where="-S", hint="set detached = True in the target")
    return replace(request, output=args.output_file or request.output, signature=args.signature_file or request.signature)


def _copied(request: SignRequest) -> Outcome:
    """Copies what the build signed."""
    pairs = [(request.signed, request.output), (request.signed_signature, request.signature)]
    digests = [_copy(source, target) for source, target in pairs if source and target]
    signature = [f"Signature: {request.signature}"] if request.signature else []
    lines = [f"Signed by the build: {request.output}", *signature, f"Digest: {digests[0]}"]
    return Outcome(lines=lines, document={**_places(request), "digest": digests[0]})


def _copy(source: Path, target: Path) -> str:
    with open_input(source) as stream, atomic_output(target) as copy:
        shutil.copyfileobj(stream, copy, LIMITS.chunk)
        copy.seek(0)
        return digest_of(copy)[0].text


def _places(request: SignRequest) -> JsonObject:
    return {"output": str(request.output), "signatureFile": str(request.signature) if request.signature else None}
