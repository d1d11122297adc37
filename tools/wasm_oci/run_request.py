"""The request file of a run target, as its rule wrote it (schema version 1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wasm_oci.errors import FormatError
from wasm_oci.files import read_bounded
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS

SCHEMA_VERSION = 1
BUILD_AGAIN = "build the target again"
OPTIONAL_TEXT = (str, type(None))

Kind = type | tuple[type, ...]


def read_run_request(path: Path, members: Mapping[str, Kind]) -> JsonObject:
    """Returns a request that has exactly these members, each of its type, beside `schemaVersion`.

    Raises FormatError that names the member, UsageError or LimitError for a file that cannot be read.
    """
    where = str(path)
    request = parse_object(read_bounded(path, LIMITS.request_file, what="request file"), where=where, limit=LIMITS.request_file)
    if request.get("schemaVersion") != SCHEMA_VERSION:
        raise FormatError("the request is of another version", where=where, hint=BUILD_AGAIN)
    if unknown := sorted(request.keys() - members.keys() - {"schemaVersion"}):
        raise FormatError(f"the request has an unknown member {unknown[0][:100]!r}", where=where, hint=BUILD_AGAIN)
    for name, kind in members.items():
        if name not in request:
            raise FormatError(f"the request has no {name}", where=where, hint=BUILD_AGAIN)
        value = request[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise FormatError(f"the request has no usable {name}", where=where, hint=BUILD_AGAIN)
    return request
