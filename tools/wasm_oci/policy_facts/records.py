"""Decisions and subjects in a file: one JSON document a line, as `policy check --output json` writes its verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.files import open_input
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.policy.review.simulate import Past
from wasm_oci.policy.subject import Subject
from wasm_oci.shape import read_object


def read_records(path: Path) -> Iterator[Past]:
    """Yields the records of a file; raises UsageError, FormatError or LimitError that names the line."""
    with open_input(path, what="records") as stream:
        number = 0
        while line := stream.readline(LIMITS.manifest + 1):
            number += 1
            if number > LIMITS.policy_records:
                raise LimitError(f"more than {LIMITS.policy_records} lines", where=str(path), hint="split the file")
            if line.strip():
                yield from _records(parse_object(line, where=f"{path}:{number}"), f"{path}:{number}")


def _records(document: JsonObject, where: str) -> Iterator[Past]:
    """A line is a verdict, the result of a command with several, or a subject."""
    if isinstance(verdicts := document.get("verdicts"), list):
        for verdict in verdicts:
            if not isinstance(verdict, dict):
                raise FormatError("a verdict is not an object", where=where, hint="write what `policy check` wrote")
            yield _record(verdict, where)
    else:
        yield _record(document, where)


def _record(document: JsonObject, where: str) -> Past:
    subject = document.get("subject")
    if not isinstance(subject, dict):
        return Past(place=where, subject=read_object(document, Subject, where=where))
    decision, by = document.get("decision"), document.get("decidedBy")
    if decision not in ("allow", "deny") or not isinstance(by, dict):
        raise FormatError("this is neither a verdict nor a subject", where=where, hint="write what `policy check` wrote")
    overrides = document.get("overrides")
    names = [each.get("name") for each in overrides if isinstance(each, dict)] if isinstance(overrides, list) else []
    return Past(
        place=where,
        subject=read_object(subject, Subject, where=f"{where}: subject"),
        allowed=decision == "allow",
        decided_by=str(by.get("rule", "")),
        because=f"{by.get('what', '')}{f' ({place})' if (place := by.get('where')) else ''}",
        overrides=tuple(str(name) for name in names),
    )
