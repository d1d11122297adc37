"""Layouts at paths that cannot be looked up, and layouts whose writing was interrupted: one error that says what to do."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, Descriptor
from wasm_oci.oci.layout import (
    INDEX,
    MARKER,
    check_layout,
    complete_layout,
    create_layout,
    find_layout,
    layout_lock,
    read_index,
    write_layout,
)
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest

MANIFEST = Manifest(config=EMPTY, layers=(), artifact_type="application/vnd.mine")
BLOB = Descriptor.of(b"blob", "a/b")


def _write(folder: Path) -> Descriptor:
    return write_layout(folder, MANIFEST.raw, {EMPTY.digest: EMPTY_BLOB}, "v1")


def _store(use: Callable[[LayoutStore], object]) -> Callable[[Path], object]:
    return lambda folder: use(LayoutStore(folder))


def _lock(folder: Path) -> None:
    with layout_lock(folder):
        pass


USES: dict[str, Callable[[Path], object]] = {
    "check_layout": check_layout,
    "find_layout": find_layout,
    "create_layout": create_layout,
    "complete_layout": complete_layout,
    "read_index": read_index,
    "write_layout": _write,
    "open": LayoutStore.open,
    "find_manifest": _store(lambda store: store.find_manifest("v1")),
    "find_manifest by digest": _store(lambda store: store.find_manifest(MANIFEST.descriptor())),
    "fetch_manifest": _store(lambda store: store.fetch_manifest("v1")),
    "put_manifest": _store(lambda store: store.put_manifest(MANIFEST.descriptor(), MANIFEST.raw, "v1")),
    "tags": _store(lambda store: store.tags()),
    "has_blob": _store(lambda store: store.has_blob(BLOB)),
    "put_blob": _store(lambda store: store.put_blob(BLOB, lambda: iter((b"blob",)))),
    "pieces": _store(lambda store: list(store.pieces(BLOB))),
    "referrers": _store(lambda store: list(store.referrers(BLOB.digest))),
    "stored": _store(lambda store: store.stored("v1")),
    "all_stored": _store(lambda store: list(store.all_stored())),
    "find_blob": _store(lambda store: store.find_blob(BLOB.digest)),
    "adopt": _store(lambda store: store.adopt(Path("upload"), BLOB.digest)),
    "link": _store(lambda store: store.link(Path("source"), BLOB.digest)),
    "delete_blob": _store(lambda store: store.delete_blob(BLOB.digest)),
    "delete_tag": _store(lambda store: store.delete_tag("v1")),
    "delete_manifest": _store(lambda store: store.delete_manifest(BLOB.digest)),
}


@pytest.mark.parametrize("use", USES)
def test_a_path_that_may_not_be_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str) -> None:
    folder = tmp_path / "closed"
    _write(folder)
    for name in ("stat", "open", "mkdir", "replace", "unlink", "rename", "listdir", "scandir"):
        monkeypatch.setattr(os, name, _closed(getattr(os, name), folder))
    monkeypatch.setattr("io.open", _closed(open, folder))
    with pytest.raises(UsageError, match="Permission denied"):
        USES[use](folder)


def _closed(function: Callable[..., object], folder: Path) -> Callable[..., object]:
    """The system's function, where the folder belongs to another user."""

    def guarded(path: object, *args: object, **options: object) -> object:
        if isinstance(path, str | os.PathLike) and Path(os.fsdecode(path)).is_relative_to(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return function(path, *args, **options)

    return guarded


@pytest.mark.parametrize("name", ["x" * 300, "nul\0byte"])
@pytest.mark.parametrize("use", USES)
def test_a_path_that_cannot_be(tmp_path: Path, use: str, name: str) -> None:
    """Nothing but an error of this package comes of it; to look for something there may find nothing."""
    try:
        found = USES[use](tmp_path / name)
    except WasmOciError as err:
        assert "\n" not in str(err)
    else:
        assert found in (None, False, (), [])


def _interrupted(folder: Path, step: int) -> None:
    """Leaves what `write_layout` has written when its program is killed before the given step."""
    described = _write(folder)
    order = [folder / "blobs/sha256" / digest.hex for digest in (EMPTY.digest, described.digest)] + [folder / INDEX, folder / MARKER]
    for path in order[step:]:
        path.unlink()
    (folder / "blobs/sha256" / ".unfinished.0123456789abcdef.tmp").write_bytes(b"half")


@pytest.mark.parametrize("step", range(4))
def test_a_layout_that_was_not_finished_says_what_to_do(tmp_path: Path, step: int) -> None:
    folder = tmp_path / "layout"
    _interrupted(folder, step)
    for use in (_write, check_layout, create_layout, LayoutStore.open, USES["put_manifest"], USES["put_blob"], USES["find_manifest"]):
        with pytest.raises(UsageError, match=r"; if writing this layout was interrupted, delete the folder and run again"):
            use(folder)
    shutil.rmtree(folder)
    _write(folder)
    assert LayoutStore.open(folder).tags() == ("v1",)


def test_an_index_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    _write(tmp_path / "layout")
    (tmp_path / "layout" / INDEX).unlink()
    with pytest.raises(UsageError, match=r"layout's index: it does not exist; .*delete the folder and run again"):
        LayoutStore.open(tmp_path / "layout").tags()


def test_the_marker_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    replace = Path.replace

    def note(path: Path, target: Path) -> Path:
        written.append(Path(target).name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", note)
    _write(tmp_path / "one")
    create_layout(tmp_path / "two")
    digests = [EMPTY.digest.hex, Digest.of(MANIFEST.raw).hex]
    assert written == [*digests, INDEX, MARKER, INDEX, MARKER]


def test_a_store_whose_writing_was_interrupted_goes_on(tmp_path: Path) -> None:
    layout = LayoutStore(tmp_path / "layout")
    layout.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,)))
    path = layout.find_blob(EMPTY.digest)
    assert path
    for damage in (b"", b"{"):
        path.write_bytes(damage)
        assert layout.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,))) == EMPTY.size
    path.with_name(".0123.0123456789abcdef.tmp").write_bytes(b"half")
    layout.put_manifest(MANIFEST.descriptor(), MANIFEST.raw, "v1")
    assert layout.fetch_manifest("v1").data == MANIFEST.raw
