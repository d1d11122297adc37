"""Locks between the programs of one machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from fakes.timing import FakeTime
from wasm_oci.locks import file_lock, machine_lock


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home: only the folder for temporary files is left."""
    for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_one_holder_at_a_time() -> None:
    time = FakeTime()
    with machine_lock("a", timing=time.timing) as first:
        with machine_lock("a", timing=time.timing, patience=2.0) as second, machine_lock("b") as other:
            assert (first, second, other) == (True, False, True)
        assert sum(time.waits) == pytest.approx(2.0, abs=0.1)
    with machine_lock("a") as again:
        assert again


def test_an_error_releases_the_lock() -> None:
    with pytest.raises(RuntimeError), machine_lock("a"):
        raise RuntimeError
    with machine_lock("a", patience=0) as locked:
        assert locked


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    with machine_lock("a"):
        (folder,) = tmp_path.iterdir()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with machine_lock("a") as locked:
        assert not locked


@pytest.mark.parametrize(
    ("variable", "folder"), [("XDG_RUNTIME_DIR", "wasm_oci-locks"), ("XDG_CACHE_HOME", "wasm_oci"), ("HOME", ".cache")]
)
def test_a_folder_that_only_this_user_can_make_comes_first(
    variable: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"
    own.mkdir(mode=0o700)
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    monkeypatch.setenv(variable, str(own))
    with machine_lock("a") as locked:
        assert locked
    assert [path.name for path in own.iterdir()] == [folder]
    assert not list(shared.iterdir())


def test_a_runtime_folder_that_others_may_write_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, cache = tmp_path / "runtime", tmp_path / "cache"
    runtime.mkdir()
    runtime.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    with machine_lock("a") as locked:
        assert locked
    assert not list(runtime.iterdir())
    assert cache.is_dir()


def test_a_lock_is_seen_by_another_program_and_ends_with_it(tmp_path: Path) -> None:
    """However it ends: SIGKILL leaves it no time to give its lock back."""
    script = (
        f"import sys, time; sys.path[:] = {sys.path!r}; from pathlib import Path; from wasm_oci.locks import file_lock\n"
        "with file_lock(Path('lock')) as locked:\n    print(locked, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with file_lock(tmp_path / "lock") as locked:
            assert not locked
        other.kill()
    with file_lock(tmp_path / "lock") as locked:
        assert locked
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_threads_hold_it_one_after_the_other() -> None:
    held, most = [0], [0]

    def work() -> None:
        for _ in range(5):
            with machine_lock("a", patience=30) as locked:
                assert locked
                held[0] += 1
                most[0] = max(most[0], held[0])
                held[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (held, most) == ([0], [1])


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), file_lock(tmp_path / "link"):
        pass
    assert not (tmp_path / "elsewhere").exists()
