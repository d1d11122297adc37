"""A thousand edits, deletions, swaps, truncations and forks, each of which verification finds."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from log.logs import ORIGIN, SIGNER, VERIFIER, add, copied, entries, new_log, read
from wasm_oci.errors import DigestError, SignatureError
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.tiles import encode_bundle
from wasm_oci.log.verify import verified_entries

SIZE, SINCE = 600, 400
RANDOM = random.Random(12)

Plant = Callable[[LogFolder, list[bytes]], None]


def flip(folder: LogFolder, _: list[bytes]) -> None:
    """A bit of any file."""
    file = RANDOM.choice(files(folder))
    data = bytearray(file.read_bytes())
    data[RANDOM.randrange(len(data))] ^= 1 << RANDOM.randrange(8)
    file.write_bytes(data)


def delete_file(folder: LogFolder, _: list[bytes]) -> None:
    RANDOM.choice(files(folder)).unlink()


def shorten_file(folder: LogFolder, _: list[bytes]) -> None:
    file = RANDOM.choice(files(folder))
    file.write_bytes(file.read_bytes()[: -RANDOM.randrange(1, 40)])


def lengthen_file(folder: LogFolder, _: list[bytes]) -> None:
    file = RANDOM.choice([file for file in files(folder) if "tile/0" not in str(file) and "tile/1" not in str(file)])
    file.write_bytes(file.read_bytes() + b"\0\1x")


def edit_record(folder: LogFolder, records: list[bytes]) -> None:
    records[RANDOM.randrange(SIZE)] = b'{"n":"edited"}'
    write_records(folder, records)


def swap_records(folder: LogFolder, records: list[bytes]) -> None:
    first, second = RANDOM.sample(range(SIZE), 2)
    records[first], records[second] = records[second], records[first]
    write_records(folder, records)


def remove_record(folder: LogFolder, records: list[bytes]) -> None:
    del records[RANDOM.randrange(SIZE)]
    write_records(folder, [*records, b"{}"])


def edit_with_tiles(folder: LogFolder, records: list[bytes]) -> None:
    """By somebody who has all but the key: entries and tiles agree, and the checkpoint is the old one."""
    records[RANDOM.randrange(SIZE)] = b'{"n":"edited"}'
    checkpoint = (folder.path / "checkpoint").read_bytes()
    rewrite(folder, records)
    (folder.path / "checkpoint").write_bytes(checkpoint)


def fork(folder: LogFolder, records: list[bytes]) -> None:
    """By the log itself: all of it is in order, but not what it was when the checkpoint was kept."""
    records[RANDOM.randrange(SINCE)] = b'{"n":"edited"}'
    rewrite(folder, records[: RANDOM.randrange(SINCE, SIZE + 1)])


def truncate(folder: LogFolder, records: list[bytes]) -> None:
    """By the log itself."""
    rewrite(folder, records[: RANDOM.randrange(SINCE)])


def begin_again(folder: LogFolder, _: list[bytes]) -> None:
    rewrite(folder, [])


PLANTS: list[Plant] = [
    *(flip, delete_file, shorten_file, lengthen_file, edit_record, swap_records, remove_record, edit_with_tiles, fork, truncate),
    begin_again,
]


def files(folder: LogFolder) -> list[Path]:
    found = sorted(path for path in folder.path.rglob("*") if path.is_file() and path.name not in (".lock", ".staged"))
    assert len(found) == 8
    return found


def write_records(folder: LogFolder, records: list[bytes]) -> None:
    for index in range(-(-SIZE // 256)):
        part = folder.path / f"tile/entries/00{index}.p/{SIZE % 256}"
        (part if part.exists() else folder.path / f"tile/entries/00{index}").write_bytes(
            encode_bundle(records[index * 256 : (index + 1) * 256])
        )


def rewrite(folder: LogFolder, records: list[bytes]) -> None:
    shutil.rmtree(folder.path)
    new_log(folder.path, records)


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


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
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
