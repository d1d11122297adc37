"""`wasm_oci verify --request FILE`: what a `wasm_verify_test` target runs (schema version 1, rlocation paths)."""

from __future__ import annotations

import argparse
import os

from wasm_oci.run_request import OPTIONAL_TEXT, Kind, read_run_request
from wasm_oci.runfiles import Runfiles

_MEMBERS: dict[str, Kind] = {
    "input": str,
    "openssh": bool,
    "publicKeys": list,
    "signature": OPTIONAL_TEXT,
    "splitRegex": OPTIONAL_TEXT,
    "threshold": int,
    "trustedKeys": OPTIONAL_TEXT,
}


def fill(args: argparse.Namespace) -> None:
    """Fills the arguments from the request; raises FormatError for one that a rule did not write."""
    request, where, runfiles = read_run_request(args.request, _MEMBERS), str(args.request), Runfiles(os.environ)
    args.input_file = runfiles.find(request["input"], where=where)
    args.public_key = [runfiles.find(str(key), where=where) for key in request["publicKeys"]]
    args.trusted_keys = runfiles.find(request["trustedKeys"], where=where) if request["trustedKeys"] else None
    args.signature_file = runfiles.find(request["signature"], where=where) if request["signature"] else None
    args.openssh, args.threshold, args.split_regex = request["openssh"], request["threshold"], request["splitRegex"]
