"""`wasm_oci log init` and `log append`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from wasm_oci.cli.log.signing import only_key
from wasm_oci.errors import KeyFormatError, LimitError, UsageError
from wasm_oci.files import open_input
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_signers
from wasm_oci.limits import LIMITS
from wasm_oci.log.note import Verifier
from wasm_oci.log.records import parse_record
from wasm_oci.log.settings import open_log, write_settings
from wasm_oci.log.tiles import LARGEST_ENTRY
from wasm_oci.log.writer import append, create
from wasm_oci.outcome import GREEN, Outcome, Painted
from wasm_oci.wording import Whole, counted

_STDIN = "-"
_LONGEST_LINE = 4 * LARGEST_ENTRY


@dataclass(frozen=True, slots=True, kw_only=True)
class InitRequest:
    """A log to make."""

    folder: Path
    origin: str
    keys: tuple[SigningKey, ...]
    passphrase: PassphraseSource


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendRequest:
    """Records to append: a file with one on each line."""

    folder: Path
    file: str
    passphrase: PassphraseSource


def init(request: InitRequest) -> Outcome:
    """Makes a log; raises UsageError where there is one, or another key than one, and what opening the key raises."""
    source = only_key(request.keys, whose="a log", where=str(request.folder)).source
    if source.path is not None and not source.ref.startswith("~"):
        source = replace(source, ref=str(source.path.absolute()))
    (signer,) = open_signers(request.keys, request.passphrase)
    try:
        verifier = Verifier(name=request.origin, public=signer.public)
    except KeyFormatError as err:
        raise UsageError(
            f"{request.origin[:80]!r} cannot name a log", where="--origin", hint="write a name such as example.com/audit"
        ) from err
    log = write_settings(request.folder, verifier, source)
    create(log.folder, verifier.name, signer)
    lines = [
        Painted(f"Made: {request.folder}, the log {verifier.name}", GREEN),
        "  verifier key, by which others verify the log; keep it where the log is not:",
        Whole(f"    {verifier}"),
    ]
    return Outcome(lines=lines, document={"log": str(request.folder), "origin": verifier.name, "verifierKey": str(verifier)})


def append_records(request: AppendRequest) -> Outcome:
    """Appends all records of a file, or none; raises what `append` raises, and FormatError for what is not a record."""
    log = open_log(request.folder)
    signer = log.signer(request.passphrase, os.environ)
    added = list(_records(request.file))
    checkpoint = append(log.folder, added, log.verifier.name, signer)
    has = f"the log {checkpoint.origin} has {counted(checkpoint.size, 'record')}"
    line = Painted(f"Appended: {has}", GREEN) if added else f"Nothing to append: {has}"
    return Outcome(lines=[line], document=checkpoint.to_json())


def _records(name: str) -> Iterator[bytes]:
    if name == _STDIN:
        yield from _lines(sys.stdin.buffer, "stdin")
        return
    with open_input(Path(name), what="records") as stream:
        yield from _lines(stream, name)


def _lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    number = size = 0
    while line := stream.readline(_LONGEST_LINE + 1):
        number, size = number + 1, size + len(line)
        where = f"{name}: line {number}"
        if len(line) > _LONGEST_LINE:
            raise LimitError(f"the line is longer than {_LONGEST_LINE} bytes", where=where, hint="write one record on each line")
        if size > LIMITS.log_records:
            raise LimitError(f"more than {LIMITS.log_records} bytes", where=name, hint="append them in several steps")
        if line.strip():
            yield parse_record(line, where=where)
