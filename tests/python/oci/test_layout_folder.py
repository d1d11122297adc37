"""What a registry needs of a layout: any media type, finished files, links, and deletion."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, LimitError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest

DATA = b'{"anything": "a registry is given"}'


def _put(layout: LayoutStore, media_type: str = "not a media type", data: bytes = DATA, tag: str | None = "v1") -> Digest:
    described = Descriptor(media_type=media_type, digest=Digest.of(data), size=len(data), artifact_type="not one either")
    layout.put_manifest(described, data, tag)
    return described.digest


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_manifest_of_any_media_type_is_given_back(tmp_path: Path) -> None:
    layout = LayoutStore(tmp_path / "layout")
    assert (layout.stored("v1"), layout.listed(), layout.tagged(), list(layout.all_stored())) == (None, frozenset(), {}, [])
    digest = _put(layout)
    for found in (layout.stored("v1"), layout.stored(digest), *layout.all_stored()):
        assert found
        assert (found.descriptor.media_type, found.data) == ("not a media type", DATA)
    assert (set(layout.listed()), layout.tagged()) == ({digest}, {"v1": digest})


def test_a_damaged_manifest_is_not_given_back(tmp_path: Path) -> None:
    layout = LayoutStore(tmp_path / "layout")
    path = layout.find_blob(_put(layout))
    assert path
    path.write_bytes(DATA.upper())
    with pytest.raises(DigestError, match="the manifest is damaged"):
        layout.stored("v1")
    path.write_bytes(b" " * (LIMITS.manifest + 1))
    with pytest.raises(LimitError):
        layout.stored("v1")
    path.unlink()
    assert layout.stored("v1") is None
    path.mkdir()
    assert layout.stored("v1") is None


def test_a_manifest_that_cannot_be_read_is_not_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = LayoutStore(tmp_path / "layout")
    _put(layout)

    def refuse(path: Path, limit: int, *, what: str) -> bytes:
        if path.name == "index.json":
            return read_bounded(path, limit, what=what)
        raise UsageError(f"cannot read the {what}: Permission denied", where=str(path))

    monkeypatch.setattr("wasm_oci.oci.layout_folder.read_bounded", refuse)
    with pytest.raises(UsageError, match="cannot read the manifest: Permission denied"):
        layout.stored("v1")


def test_a_finished_file_is_adopted_unread(tmp_path: Path) -> None:
    layout, upload = LayoutStore(tmp_path / "layout"), tmp_path / "upload"
    upload.write_bytes(b"blob")
    layout.adopt(upload, Digest.of(b"blob"))
    path = layout.find_blob(Digest.of(b"blob"))
    assert path
    assert (path.read_bytes(), upload.exists()) == (b"blob", False)


def test_a_blob_of_another_layout_is_linked_or_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blob").write_bytes(b"blob")
    (tmp_path / "by_name").symlink_to("blob")
    digest = Digest.of(b"blob")
    for number, source in enumerate(("blob", "by_name")):
        layout = LayoutStore(tmp_path / f"linked{number}")
        for _ in range(2):
            layout.link(tmp_path / source, digest)
        path = layout.find_blob(digest)
        assert path
        assert (path.samefile(tmp_path / "blob"), path.is_symlink()) == (True, False)
    monkeypatch.setattr(os, "link", _fail)
    layout = LayoutStore(tmp_path / "copied")
    layout.link(tmp_path / "blob", digest)
    path = layout.find_blob(digest)
    assert path
    assert (path.read_bytes(), path.samefile(tmp_path / "blob")) == (b"blob", False)


def test_a_link_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = LayoutStore(tmp_path / "layout")
    layout.create()
    before = _files(tmp_path)
    monkeypatch.setattr(os, "link", _fail)

    def copy(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", copy)
    with pytest.raises(UsageError, match="No space left on device"):
        layout.link(tmp_path / "source", Digest.of(b"blob"))
    assert _files(tmp_path) == before


def test_deletion(tmp_path: Path) -> None:
    layout = LayoutStore(tmp_path / "layout")
    assert (layout.delete_tag("v1"), layout.delete_manifest(Digest.of(DATA)), layout.delete_blob(Digest.of(DATA))) == (False,) * 3
    assert not layout.folder.exists()
    digest = _put(layout)
    assert not layout.delete_blob(digest)
    assert (layout.delete_tag("v1"), layout.delete_tag("v1")) == (True, False)
    assert layout.stored(digest)
    assert (layout.delete_manifest(digest), layout.delete_manifest(digest)) == (True, False)
    assert layout.find_blob(digest) is None
    layout.put_blob(Descriptor.of(b"blob", "a/b"), lambda: iter((b"blob",)))
    assert (layout.delete_blob(Digest.of(b"blob")), layout.delete_blob(Digest.of(b"blob"))) == (True, False)


def _fail(*_: object) -> None:
    raise OSError(95, "Operation not supported")


def test_a_snapshot_reads_the_index_once(tmp_path: Path) -> None:
    written = LayoutStore(tmp_path / "layout")
    first, second = (Manifest(config=EMPTY, layers=(EMPTY,), annotations={"note": note}) for note in ("first", "second"))
    written.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,)))
    written.put_manifest(first.descriptor(), first.encode(), "v1")
    snapshot = LayoutStore.snapshot(written.folder)
    written.put_manifest(second.descriptor(), second.encode(), "v1")
    assert snapshot.only_manifest().digest == snapshot.fetch_manifest("v1").descriptor.digest == first.descriptor().digest
    assert LayoutStore.snapshot(written.folder).fetch_manifest("v1").descriptor.digest == second.descriptor().digest
    with pytest.raises(UsageError, match="not an OCI image layout"):
        LayoutStore.snapshot(tmp_path / "absent")
