"""What somebody may do to a log of `SIZE` records, of which a checkpoint of the first `SINCE` was kept."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from log.logs import new_log
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.tiles import encode_bundle

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


WITHOUT_KEY: list[Plant] = [flip, delete_file, shorten_file, lengthen_file, edit_record, swap_records, remove_record, edit_with_tiles]
WITH_KEY: list[Plant] = [fork, truncate, begin_again]
"""What only a checkpoint that was kept shows."""


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
