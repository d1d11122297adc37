"""`wasm_oci verify`: whether trusted keys signed all of a file."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from wasm_oci.cli.common.arguments import missing, refuse_beside_request
from wasm_oci.cli.common.trust_options import add_trust_options, trust_request
from wasm_oci.cli.common.verify_request import VerifyRequest
from wasm_oci.cli.common.verify_result import detached_signature, document_of, text_of
from wasm_oci.errors import UsageError
from wasm_oci.files import spare_files, write_file
from wasm_oci.outcome import SCHEMA_VERSION, Outcome
from wasm_oci.trust.trust import verify_trusted

DESCRIPTION = """Verify that trusted keys signed all of a WebAssembly module or component.

Exit code 0 if so. Exit code 4 for whatever cannot be accepted: a file that is not signed, signed by other keys
only, by keys that are expired or revoked, by too few keys, changed, cut off, or not WebAssembly at all;
`--output json` names the reason. Exit code 2 for a key or option that cannot be used.

  wasm_oci verify -i hello.signed.wasm -K signing.public
  wasm_oci verify -i hello.signed.wasm --trusted-keys trusted.yaml --threshold 2
  wasm_oci verify --trusted-keys trusted.yaml --at 2027-01-01 one.wasm two.wasm

Of many files all are tried, and the exit code is that of the first failure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, metavar="FILE", help="module or component to verify")
    parser.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="detached signature of the file")
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="many inputs, in place of -i; each has its own result")
    parser.add_argument("--detached", action="store_true", help="with many inputs: the signature of each is in FILE.sig")
    add_trust_options(parser)
    parser.add_argument("-Z", "--openssh", action="store_true", help="refuse keys that are not in OpenSSH form")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the result as JSON here too, only if it verifies")
    parser.add_argument("--request", type=Path, metavar="FILE", help="take files and keys from the request file of a test target")


def run(args: argparse.Namespace) -> Outcome:
    if args.request:
        refuse_beside_request(args, add_arguments, ("at", "report"))
        requests = [_of_target(args)]
    else:
        requests = _of_flags(args)
    inputs = [path for request in requests for path in (request.input, request.signature)]
    asked = requests[0].trust if requests else trust_request(args)
    spare_files([args.report], [*inputs, asked.trusted_keys, args.request, *asked.public_keys], what="input")
    trust = asked.trust()
    if trust is None or not requests:
        raise missing({"file to verify": ("-i FILE", requests), "public key": ("-K FILE or --trusted-keys FILE", trust)})
    pattern = asked.pattern()
    if args.files:
        from wasm_oci.cli.modes import verify_many

        return verify_many.run(args, requests, trust, pattern)
    if args.detached:
        raise UsageError("one file's signature has a name", where="--detached", hint="give -S FILE instead")
    (request,) = requests
    signature = detached_signature(request.signature) if request.signature else None
    result = verify_trusted(request.input, trust, signature=signature, pattern=pattern)
    document = document_of(result, trust)
    if args.report:
        from wasm_oci.jsontext import pretty

        write_file(args.report, pretty({"schemaVersion": SCHEMA_VERSION, **document}), what="report")
    return Outcome(lines=[text_of(request.input, result, trust)], document=document)


def _of_flags(args: argparse.Namespace) -> list[VerifyRequest]:
    """A request for each file; none where no file is named."""
    trust = trust_request(args)
    if args.files:
        return [VerifyRequest(input=path, signature=Path(f"{path}.sig") if args.detached else None, trust=trust) for path in args.files]
    return [VerifyRequest(input=args.input_file, signature=args.signature_file, trust=trust)] if args.input_file else []


def _of_target(args: argparse.Namespace) -> VerifyRequest:
    """The request of a `wasm_verify_test`; the time is that of the command line, where it gives one."""
    from wasm_oci.runfiles import Runfiles
    from wasm_oci.shape import read_request

    request = read_request(args.request, VerifyRequest, Runfiles(os.environ))
    return replace(request, trust=replace(request.trust, at=args.at)) if args.at is not None else request
