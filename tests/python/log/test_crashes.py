"""A writer that dies at any step, and a machine that loses power: the next one goes on, and nobody ever sees a fork."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from log.logs import VERIFIER, add, copied, entries, new_log, read
from wasm_oci.errors import DigestError
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.folder import LogFolder


class Died(BaseException):
    pass


@dataclass
class Machine:
    """Counts what a writer does to files, and ends it at a step; a loss of power undoes what is not synced."""

    dies_at: int = 1_000_000
    step: int = 0
    renamed: dict[Path, bytes | None] = field(default_factory=dict)
    made: list[Path] = field(default_factory=list)

    def begin(self) -> None:
        self.step += 1
        if self.step > self.dies_at:
            raise Died

    def install(self, patch: pytest.MonkeyPatch) -> None:
        replace, mkdir = Path.replace, Path.mkdir

        def dying_replace(old: Path, new: Path) -> Path:
            self.begin()
            self.renamed.setdefault(old, old.read_bytes())
            self.renamed.setdefault(new, new.read_bytes() if new.exists() else None)
            return replace(old, new)

        def dying_mkdir(path: Path, *args: Any, **options: Any) -> None:
            self.begin()
            self.made += [path] if not path.exists() else []
            mkdir(path, *args, **options)

        def dying_fsync(number: int) -> None:
            synced = Path(f"/proc/self/fd/{number}").readlink()
            try:
                self.begin()
            except Died:
                if synced.is_file():
                    os.ftruncate(number, os.fstat(number).st_size // 2)
                raise
            for path in [path for path in self.renamed if path.parent == synced]:
                del self.renamed[path]
            self.made = [path for path in self.made if path.parent != synced]

        patch.setattr(Path, "replace", dying_replace)
        patch.setattr(Path, "mkdir", dying_mkdir)
        patch.setattr(os, "fsync", dying_fsync)
        for name in ("unlink", "rmdir"):
            patch.setattr(Path, name, self._counted(getattr(Path, name)))

    def _counted(self, method: Callable[..., None]) -> Callable[..., None]:
        def counted(path: Path, *args: Any, **options: Any) -> None:
            self.begin()
            method(path, *args, **options)

        return counted

    def lose_power(self) -> None:
        """Undoes what was not synced, all of it: the worst that may happen to names."""
        for path, data in self.renamed.items():
            if data is None:
                path.unlink(missing_ok=True)
            elif path.name != ".staged":
                path.write_bytes(data)
        for path in reversed(self.made):
            for file in sorted(path.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
            if path.exists():
                path.rmdir()


def seen_in(folder: LogFolder) -> list[Checkpoint]:
    try:
        return [folder.checkpoint(VERIFIER)]
    except DigestError:
        return []


@pytest.mark.parametrize("power", [False, True], ids=["killed", "power lost"])
@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 2), (254, 1), (255, 1), (256, 1), (300, 3), (511, 2), (200, 400)])
def test_a_crash_at_each_step(tmp_path: Path, size: int, count: int, *, power: bool) -> None:
    whole = new_log(tmp_path / "whole", entries(size))
    before = whole.checkpoint(VERIFIER)
    with pytest.MonkeyPatch.context() as patch:
        counting = Machine()
        counting.install(patch)
        add(copied(whole, tmp_path / "counted"), entries(count, size))
    assert counting.step > 10
    sizes = set()
    for step in range(counting.step):
        folder, machine = copied(whole, tmp_path / f"died at {step}"), Machine(dies_at=step)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Died):
            machine.install(patch)
            add(folder, entries(count, size))
        seen = [before, *seen_in(folder)]
        if power:
            machine.lose_power()
        seen += seen_in(folder)
        assert seen[-1].size in (size, size + count)
        found = read(folder, before)
        assert found == entries(seen[-1].size), "what a reader sees is whole at every step"
        others = [b'{"other":%d}' % number for number in range(count + 1)]
        last = add(folder, others)
        records = read(folder, *seen)
        assert records[:size] == entries(size)
        assert records[size:] in (others, [*entries(count, size), *others]), "all of what was being appended, or nothing"
        assert len(records) == last.size
        sizes.add(last.size)
    assert sizes == {size + count + 1, size + 2 * count + 1}, "both were met"


def test_a_checkpoint_that_was_left_behind_is_put_in_place(tmp_path: Path) -> None:
    folder = new_log(tmp_path / "log", entries(5))
    ahead = copied(folder, tmp_path / "ahead")
    add(ahead, entries(2, 5))
    checkpoint, following = folder.path / "checkpoint", folder.path / "checkpoint.next"
    for name in ("tile/0/000.p/7", "tile/entries/000.p/7"):
        (folder.path / name).write_bytes((ahead.path / name).read_bytes())
    (ahead.path / "checkpoint").rename(following)
    assert read(folder) == entries(5)
    add(folder, entries(1, 7))
    assert read(folder) == entries(8)
    assert not following.exists()
    assert b"\n8\n" in checkpoint.read_bytes()


@pytest.mark.parametrize("kind", ["older", "of another log", "without its tiles", "malformed"])
def test_a_checkpoint_that_was_put_there_is_refused(tmp_path: Path, kind: str) -> None:
    from wasm_oci.errors import WasmOciError

    folder = new_log(tmp_path / "log", entries(5))
    old = (folder.path / "checkpoint").read_bytes()
    other = new_log(tmp_path / "other", [b"other", *entries(6)])
    add(folder, entries(2, 5))
    wrong = {"older": old, "malformed": b"", "of another log": (other.path / "checkpoint").read_bytes()}
    if kind == "without its tiles":
        ahead = copied(folder, tmp_path / "ahead")
        add(ahead, entries(1, 7))
        wrong[kind] = (ahead.path / "checkpoint").read_bytes()
    (folder.path / "checkpoint.next").write_bytes(wrong[kind])
    with pytest.raises(WasmOciError) as raised:
        add(folder, entries(1, 7))
    assert raised.value.exit_code == 4
    assert read(folder) == entries(7)
