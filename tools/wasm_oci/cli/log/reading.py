"""`wasm_oci log show` and `log export`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from wasm_oci.files import atomic_output
from wasm_oci.jsontext import JsonObject, canonical
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.note import Verifier
from wasm_oci.log.records import record_of
from wasm_oci.log.settings import open_log
from wasm_oci.log.tiles import WIDTH, width_of
from wasm_oci.log.verify import verified_records
from wasm_oci.outcome import GREEN, Outcome, Painted
from wasm_oci.wording import Whole, counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRequest:
    """Which records to show."""

    folder: Path
    index: int | None
    """This one only."""
    last: int
    """As many at most, the newest."""
    text: str | None
    """Only records that have this text in them, such as a digest or a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """A log to write to a file."""

    folder: Path
    verifier: Verifier
    output: Path


def show(request: ShowRequest) -> Outcome:
    """Shows records as they are in the files, not verified; raises UsageError for one that is not there."""
    log = open_log(request.folder)
    size = log.folder.checkpoint(log.verifier).size
    if request.index is not None:
        entries: Iterator[tuple[int, bytes]] = iter([(request.index, log.folder.entry(request.index, size))])
    else:
        entries = _backwards(log.folder, size)
    wanted = ((index, entry) for index, entry in entries if request.text is None or request.text.encode() in entry)
    newest = islice(wanted, request.last if request.index is None else 1)
    found = [(index, record_of(entry, index, where=str(request.folder))) for index, entry in newest][::-1]
    lines = [Whole(line) for index, record in found for line in _lines(index, record)]
    lines.append(Whole(f"{len(found)} of {counted(size, 'record')}; not verified: see `wasm_oci log verify`"))
    document = {"origin": log.verifier.name, "size": size, "records": [{"index": index, "record": record} for index, record in found]}
    return Outcome(lines=lines, document=document)


def _backwards(folder: LogFolder, size: int) -> Iterator[tuple[int, bytes]]:
    """Yields entries, the last one first."""
    for index in reversed(range(-(-size // WIDTH))):
        entries = folder.bundle(index, width_of(size, 0, index))
        yield from ((index * WIDTH + at, entries[at]) for at in reversed(range(len(entries))))


def _lines(index: int, record: JsonObject) -> Iterator[str]:
    """A line for a record of publishing, with the rest of what it says below; any other record as it is."""
    event = record.get("event")
    if not isinstance(event, str):
        yield f"{index}  {canonical(record).decode()}"
        return
    who = record.get("who")
    names = [str(who.get(name, "")) for name in ("user", "host")] if isinstance(who, dict) else []
    words = [str(record.get("time", "")), str(record.get("command", "")), event, str(record.get("status", "")), "@".join(names)]
    yield f"{index}  {' '.join(filter(None, words))}"
    if destination := record.get("destination"):
        digest = record.get("digest")
        yield f"    {destination}{f'@{digest}' if digest else ''}"
    error = record.get("error")
    if isinstance(error, dict):
        yield f"    {error.get('message', '')}"


def export(request: ExportRequest) -> Outcome:
    """Writes all records, one on each line, once the whole log is verified; raises what `verified_entries` raises."""
    folder = LogFolder(request.folder)
    checkpoint = folder.checkpoint(request.verifier)
    with atomic_output(request.output) as stream:
        for entry, _ in verified_records(folder, checkpoint):
            stream.write(entry + b"\n")
    lines = [Painted(f"Written: {request.output}, {counted(checkpoint.size, 'record')} of the log {checkpoint.origin}", GREEN)]
    return Outcome(lines=lines, document={"origin": checkpoint.origin, "size": checkpoint.size, "file": str(request.output)})
