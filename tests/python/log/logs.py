"""Logs to test with."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from wasm_oci.keys.key import SecretKey, of_seed
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.note import Verifier
from wasm_oci.log.verify import verified_entries
from wasm_oci.log.writer import append, create

ORIGIN = "example.com/audit"
SIGNER: SecretKey = of_seed(bytes(range(32)))
VERIFIER = Verifier(name=ORIGIN, public=SIGNER.public)


def entries(count: int, start: int = 0) -> list[bytes]:
    return [b'{"n":%d}' % number for number in range(start, start + count)]


def new_log(path: Path, records: Iterable[bytes] = ()) -> LogFolder:
    path.mkdir()
    folder = LogFolder(path)
    create(folder, ORIGIN, SIGNER)
    append(folder, records, ORIGIN, SIGNER)
    return folder


def add(folder: LogFolder, records: Iterable[bytes]) -> Checkpoint:
    return append(folder, records, ORIGIN, SIGNER)


def read(folder: LogFolder, *remembered: Checkpoint) -> list[bytes]:
    """All entries, verified."""
    return [entry for _, entry in verified_entries(folder, folder.checkpoint(VERIFIER), remembered)]


def copied(folder: LogFolder, path: Path) -> LogFolder:
    shutil.copytree(folder.path, path)
    return LogFolder(path)
