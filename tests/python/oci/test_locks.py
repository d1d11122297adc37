"""Locks between the programs of one machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from fakes.timing import FakeTime
from wasm_oci.oci.locks import machine_lock


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
