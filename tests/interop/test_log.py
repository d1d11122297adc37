"""Go's packages for transparency logs and Tessera's fsck: they accept the logs that we write, and find what is done to them."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from peers import Done, call, wasm_oci

from log.logs import SIGNER, VERIFIER, add, copied, entries, new_log
from log.plants import SINCE, SIZE, WITH_KEY, WITHOUT_KEY, Plant, lengthen_file
from wasm_oci.log.folder import LogFolder

TLOG_CHECK, FSCK = os.environ["TLOG_CHECK"], os.environ["FSCK"]
KEY = str(VERIFIER)
RECORDS = 100_000
BATCH = 1000
RECORD = '{{"batch":{batch},"destination":"registry.example/apps/component-{n}","digest":"sha256:{n:064x}","n":{n}}}\n'
KILLED = 12
SECONDS = 60.0
"""Of a processor, for both to read the log of `RECORDS`."""
PLANTED = 1000
UNSEEN = (*WITH_KEY, lengthen_file)
"""What fsck does not look for: it takes no checkpoint that was kept, and of a bundle with more records it reads the first ones."""


def tlog_check(folder: Path, *kept: Path) -> Done:
    return call(TLOG_CHECK, "log", folder, KEY, *kept)


def fsck(folder: Path) -> bool:
    """Whether fsck says that all is well: its exit code is always 0, and with fewer workers than tiles it hangs after an error."""
    key = folder.parent / "key"
    key.write_text(KEY)
    ended = call(FSCK, "-ui=false", "-N=16", f"-storage_url=file://{folder}/", f"-public_key={key}")
    return "Successfully fsck'd" in ended.stderr


def append(audit: Path, file: Path, *, kill: bool) -> bool:
    """Appends the records of a file; with `kill` the program may be killed at any time. Returns whether it said that it did."""
    process = subprocess.Popen(
        [wasm_oci(), "log", "append", audit, file],
        env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        process.communicate(timeout=random.uniform(0.1, 1) if kill else 600)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return process.returncode == 0


def test_a_log_of_many_writers_with_kills_among_them(tmp_path: Path) -> None:
    """Sixteen at a time, until the log has `RECORDS`, each of a publish."""
    audit, kept = tmp_path / "audit", tmp_path / "kept"
    (tmp_path / "log.secret").write_bytes(SIGNER.compact())
    assert call(wasm_oci(), "log", "init", audit, "--origin", VERIFIER.name, "-k", tmp_path / "log.secret").code == 0
    files = [tmp_path / f"{batch}.records" for batch in range(RECORDS // BATCH + KILLED)]
    for batch, file in enumerate(files):
        file.write_text("".join(RECORD.format(batch=batch, n=number) for number in range(BATCH)))
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda each: append(audit, each[1], kill=each[0] % 9 == 0 and each[0] // 9 < KILLED), enumerate(files)))
        shutil.copy(audit / "checkpoint", kept)
    assert not all(done), "some were killed"
    assert all(done[number] for number in range(len(done)) if number % 9 or number // 9 >= KILLED)
    assert call(wasm_oci(), "log", "append", audit, files[0]).code == 0
    exported = tmp_path / "exported"
    assert call(wasm_oci(), "log", "export", audit, "--log-key", KEY, "-o", exported).code == 0
    lines = exported.read_text().splitlines()
    assert len(lines) >= RECORDS
    appended = {file.read_text().splitlines()[0]: all_of for file, all_of in zip(files, done, strict=True)}
    assert len(lines) % BATCH == 0, "all of a file, or nothing"
    assert [first for first, was_done in appended.items() if was_done and first not in lines[::BATCH]] == []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert fsck(audit)
    assert tlog_check(audit, kept).stdout == f"{len(lines)}\n"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SECONDS
    proof, proved = tmp_path / "record.tlog-proof", tmp_path / "record.json"
    for index in (0, 77_777, len(lines) - 1):
        assert call(wasm_oci(), "log", "prove", audit, str(index), "-o", proof, "--record", proved).code == 0
        assert call(TLOG_CHECK, "proof", proof, proved, KEY).stdout == f"{index}\n"
    proved.write_text(lines[1])
    assert call(TLOG_CHECK, "proof", proof, proved, KEY).code == 1


def test_what_is_planted_is_found_by_them_too(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path / "log")
    growing = new_log(tmp_path / "growing", entries(SINCE))
    kept = tmp_path / "kept"
    shutil.copy(growing.path / "checkpoint", kept)
    add(growing, entries(SIZE - SINCE, SINCE))
    new_log(folder.path, entries(SIZE))
    assert tlog_check(folder.path, kept).stdout == f"{SIZE}\n"
    assert fsck(folder.path)
    for number in range(PLANTED):
        plants = [*WITHOUT_KEY, *WITH_KEY]
        plant = plants[number % len(plants)]
        changed = copied(folder, tmp_path / "changed")
        plant(changed, entries(SIZE))
        assert tlog_check(changed.path, kept).code == 1, (number, plant.__name__)
        assert plant in UNSEEN or not fsck(changed.path), (number, plant.__name__)
        shutil.rmtree(changed.path)


@pytest.mark.parametrize("plant", WITH_KEY)
def test_without_a_checkpoint_that_was_kept_the_owner_of_the_key_can_write_another_history(tmp_path: Path, plant: Plant) -> None:
    folder = new_log(tmp_path / "log", entries(SIZE))
    plant(folder, entries(SIZE))
    assert tlog_check(folder.path).code == 0
    assert fsck(folder.path)
