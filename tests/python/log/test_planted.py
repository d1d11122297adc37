"""A thousand edits, deletions, swaps, truncations and forks, each of which verification finds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from log.logs import ORIGIN, SIGNER, VERIFIER, add, copied, entries, new_log, read
from log.plants import SINCE, SIZE, WITH_KEY, WITHOUT_KEY, Plant, begin_again, rewrite, write_records
from wasm_oci.errors import DigestError, SignatureError
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.verify import verified_entries


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[LogFolder, Checkpoint]:
    path = tmp_path_factory.mktemp("planted")
    folder = new_log(path / "log", entries(SINCE))
    since = folder.checkpoint(VERIFIER)
    add(folder, entries(SIZE - SINCE, SINCE))
    clean = new_log(path / "clean", entries(SIZE))  # without partial tiles of earlier sizes, of which nothing is read
    assert clean.checkpoint(VERIFIER) == folder.checkpoint(VERIFIER)
    return clean, since


@pytest.mark.parametrize("plant", [*WITHOUT_KEY, *WITH_KEY], ids=lambda plant: plant.__name__)
def test_what_was_planted_is_found(tmp_path: Path, log: tuple[LogFolder, Checkpoint], plant: Plant) -> None:
    folder, since = log
    assert read(folder, since) == entries(SIZE)
    for number in range(92 if plant is not begin_again else 1):
        changed = copied(folder, tmp_path / "changed")
        plant(changed, entries(SIZE))
        with pytest.raises((DigestError, SignatureError)) as raised:
            read(changed, since)
        assert raised.value.exit_code == 4, number
        shutil.rmtree(changed.path)


def test_what_is_wrong_is_named(tmp_path: Path, log: tuple[LogFolder, Checkpoint]) -> None:
    folder, since = log
    changed, records = copied(folder, tmp_path / "changed"), entries(SIZE)
    records[300] = b"{}"
    write_records(changed, records)
    with pytest.raises(DigestError, match="record 300 is not the one of the log's tiles") as raised:
        read(changed)
    assert raised.value.where.endswith("tile/entries/001")
    rewrite(changed, entries(SINCE - 1))
    with pytest.raises(DigestError, match="the log has 399 records, and had 400: it was cut"):
        read(changed, since)
    rewrite(changed, [b"{}", *entries(SIZE)])
    with pytest.raises(DigestError, match="the first 400 records are not those of the checkpoint that was kept: the log is a fork"):
        read(changed, since)


def test_two_checkpoints_of_one_size(tmp_path: Path, log: tuple[LogFolder, Checkpoint]) -> None:
    other = Checkpoint.signed(ORIGIN, SIZE, bytes(32), SIGNER)
    with pytest.raises(DigestError, match="fork"):
        list(verified_entries(log[0], log[0].checkpoint(VERIFIER), [other]))
    empty = Checkpoint.signed(ORIGIN, 0, bytes(32), SIGNER)
    with pytest.raises(DigestError, match="fork"):
        list(verified_entries(log[0], log[0].checkpoint(VERIFIER), [empty]))
