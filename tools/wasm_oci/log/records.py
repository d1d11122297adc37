"""The records of a log: JSON objects, each in the one form whose bytes do not depend on who wrote them."""

from __future__ import annotations

from wasm_oci.errors import DigestError, FormatError
from wasm_oci.jsontext import JsonObject, canonical, parse_object
from wasm_oci.log.tiles import LARGEST_ENTRY, check_entry


def entry_of(record: JsonObject, *, where: str) -> bytes:
    """Returns what a log holds of a record; raises LimitError for one that is too large."""
    return check_entry(canonical(record), where=where)


def parse_record(data: bytes, *, where: str) -> bytes:
    """Returns the entry of a record as people or programs write it; raises FormatError or LimitError."""
    return entry_of(parse_object(data, where=where, limit=4 * LARGEST_ENTRY), where=where)


def record_of(entry: bytes, index: int, *, where: str) -> JsonObject:
    """Returns the record of an entry; raises DigestError for one that is not in the form of this program."""
    try:
        record = parse_object(entry, where=where, limit=LARGEST_ENTRY)
    except FormatError as err:
        raise _other_form(index, where) from err
    if canonical(record) != entry:
        raise _other_form(index, where)
    return record


def _other_form(index: int, where: str) -> DigestError:
    return DigestError(f"record {index} is not canonical JSON", where=where, hint="find out which program wrote it", reason="other_form")
