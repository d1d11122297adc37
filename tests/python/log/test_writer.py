"""Appending to a log, and reading all of it back, while others write."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from log import naive_tree
from log.logs import ORIGIN, SIGNER, VERIFIER, add, copied, entries, new_log, read
from wasm_oci.errors import DigestError, LimitError, SignatureError, UsageError
from wasm_oci.keys.key import of_seed
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.tree import Tree
from wasm_oci.log.writer import append, create

_WRITER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from log.logs import LogFolder, add
name, folder = sys.argv[1], LogFolder(Path(sys.argv[2]))
for number in range(10):
    records = [b'{"by":"%s","n":%d,"of":%d}' % (name.encode(), number, each) for each in range(number % 4 + 1)]
    checkpoint = add(folder, records)
    print(number, checkpoint.encoded().hex(), flush=True)
"""


@pytest.mark.parametrize("steps", [[1] * 20, [255, 1, 1], [256, 256], [257, 300, 7], [1000, 1, 23]])
def test_appending(tmp_path: Path, steps: list[int]) -> None:
    folder, records = new_log(tmp_path / "log"), list[bytes]()
    assert read(folder) == []
    for step in steps:
        before = folder.checkpoint(VERIFIER)
        records += entries(step, len(records))
        checkpoint = add(folder, records[-step:])
        assert checkpoint == folder.checkpoint(VERIFIER)
        assert (checkpoint.size, checkpoint.root) == (len(records), naive_tree.root(records))
        assert read(folder, before) == records
    assert not list(folder.path.glob("tile/0/000.p")) or len(records) < 256, "partial tiles go when the full one is there"


def test_what_an_earlier_checkpoint_names_is_still_there_to_prove(tmp_path: Path) -> None:
    folder, records = new_log(tmp_path / "log", entries(200)), entries(700)
    before = folder.checkpoint(VERIFIER)
    add(folder, records[200:])
    tree = Tree(folder, before.size)
    assert tree.root() == before.root
    assert tree.inclusion(150) == naive_tree.path(150, records[:200])


def test_nothing_to_append_writes_nothing(tmp_path: Path) -> None:
    folder = new_log(tmp_path / "log", entries(3))
    before = (folder.path / "checkpoint").stat()
    add(folder, [])
    assert (folder.path / "checkpoint").stat().st_mtime_ns == before.st_mtime_ns


def test_a_record_that_is_too_large_leaves_the_log_as_it_is(tmp_path: Path) -> None:
    folder = new_log(tmp_path / "log", entries(3))
    add(folder, [b"x" * 65_535])
    with pytest.raises(LimitError, match="65536 bytes"):
        add(folder, [*entries(300), b"x" * 65_536])
    assert read(folder) == [*entries(3), b"x" * 65_535]
    add(folder, [b"{}"])
    assert read(folder)[3:] == [b"x" * 65_535, b"{}"]


def test_a_log_is_made_once(tmp_path: Path) -> None:
    folder = new_log(tmp_path / "log", entries(3))
    with pytest.raises(UsageError, match="there is a log already"):
        create(folder, ORIGIN, SIGNER)
    with pytest.raises(UsageError, match="no such folder"):
        add(LogFolder(tmp_path / "none"), entries(1))


def test_another_key_or_name_cannot_append(tmp_path: Path) -> None:
    folder = new_log(tmp_path / "log", entries(3))
    with pytest.raises(SignatureError):
        append(folder, entries(1), ORIGIN, of_seed(bytes(32)))
    with pytest.raises(SignatureError):
        append(folder, entries(1), "example.com/other", SIGNER)
    assert read(folder) == entries(3)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
def test_a_damaged_end_is_found_before_it_is_signed(tmp_path: Path, name: str) -> None:
    folder = new_log(tmp_path / "log", entries(300))
    for data in (None, b"", bytes([(folder.path / name).read_bytes()[0] ^ 1]) + (folder.path / name).read_bytes()[1:]):
        damaged = copied(folder, tmp_path / f"damaged {len(data or b'')} {data is None}")
        (damaged.path / name).unlink()
        if data is not None:
            (damaged.path / name).write_bytes(data)
        before = {path: path.read_bytes() for path in damaged.path.rglob("*") if path.is_file()}
        with pytest.raises((DigestError, SignatureError)):
            add(damaged, entries(1))
        assert {path: path.read_bytes() for path in damaged.path.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_log(tmp_path / "log", entries(3))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UsageError, match="cannot write the log: No space left on device"):
            add(folder, entries(1))
    assert read(folder) == entries(3)


def test_sixteen_writers_at_a_time_and_some_are_killed(tmp_path: Path) -> None:
    """Whatever was acknowledged is there, in each writer's order, and every checkpoint that was ever seen is of this log."""
    folder = new_log(tmp_path / "log")
    program = tmp_path / "writer.py"
    program.write_text(_WRITER)
    path = [entry for entry in sys.path if entry]
    outputs = [tmp_path / f"{number}.out" for number in range(16)]
    with ExitStack() as stack:
        streams = [stack.enter_context(output.open("wb")) for output in outputs]
        line = [sys.executable, str(program)]
        writers = [subprocess.Popen([*line, str(number), str(folder.path), *path], stdout=out) for number, out in enumerate(streams)]
    random_numbers, kills = random.Random(6), 6
    for victim in writers[:kills]:
        time.sleep(random_numbers.uniform(0.2, 0.8))
        victim.send_signal(signal.SIGKILL)
    codes = [writer.wait(timeout=300) for writer in writers]
    assert codes[kills:] == [0] * (16 - kills)
    seen = []
    acknowledged: dict[str, int] = {}
    for number, output in enumerate(outputs):
        for acknowledgement in output.read_text().splitlines():
            count, _, checkpoint = acknowledgement.partition(" ")
            acknowledged[str(number)] = int(count)
            seen.append(Checkpoint.parse(bytes.fromhex(checkpoint), where="a writer"))
    records = read(folder, *seen)
    for number in range(16):
        own = [record for record in records if record.startswith(b'{"by":"%d"' % number)]
        whole = [b'{"by":"%d","n":%d,"of":%d}' % (number, n, each) for n in range(10) for each in range(n % 4 + 1)]
        assert own == whole[: len(own)]
        wanted = sum(n % 4 + 1 for n in range(acknowledged.get(str(number), -1) + 1))
        assert len(own) >= wanted, "an acknowledged record is missing"
