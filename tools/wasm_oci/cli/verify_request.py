"""`wasm_oci verify --request FILE`: what a `wasm_verify_test` target runs (schema version 1, rlocation paths)."""

from __future__ import annotations

import argparse
import os

from wasm_oci.cli.outcome import SCHEMA_VERSION
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.jsontext import parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.publish.runfiles import Runfiles

_BUILD_AGAIN = "build the target again"
_MEMBERS: dict[str, type | tuple[type, ...]] = {
    "input": str,
    "openssh": bool,
    "publicKeys": list,
    "signature": (str, type(None)),
    "splitRegex": (str, type(None)),
    "threshold": int,
    "trustedKeys": (str, type(None)),
}


def fill(args: argparse.Namespace) -> None:
    """Fills the arguments from the request; only time can be given beside it.

    Raises FormatError for a request that a rule did not write, UsageError for options that the request has.
    """
    where = str(args.request)
    given = (args.input_file, args.signature_file, args.files, args.public_key, args.trusted_keys, args.split_regex, args.threshold != 1)
    if any(given):
        raise UsageError("the request says which file is verified with which keys", where=where, hint="give --at or --report only")
    request = parse_object(read_bounded(args.request, LIMITS.request_file, what="request file"), where=where)
    if request.get("schemaVersion") != SCHEMA_VERSION:
        raise FormatError("the request is of another version", where=where, hint=_BUILD_AGAIN)
    for name, kind in _MEMBERS.items():
        if name not in request:
            raise FormatError(f"the request has no {name}", where=where, hint=_BUILD_AGAIN)
        if not isinstance(request[name], kind):
            raise FormatError(f"the request has no usable {name}", where=where, hint=_BUILD_AGAIN)
    runfiles = Runfiles(os.environ)
    args.input_file = runfiles.find(request["input"], where=where)
    args.public_key = [runfiles.find(str(key), where=where) for key in request["publicKeys"]]
    args.trusted_keys = runfiles.find(request["trustedKeys"], where=where) if request["trustedKeys"] else None
    args.signature_file = runfiles.find(request["signature"], where=where) if request["signature"] else None
    args.openssh, args.threshold, args.split_regex = request["openssh"], request["threshold"], request["splitRegex"]
