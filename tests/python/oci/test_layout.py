"""Layouts: written deterministically, read with suspicion, and used as destinations."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, LimitError, NotFoundError, UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.oci import layout_referrers
from wasm_oci.oci.descriptor import (
    EMPTY,
    EMPTY_BLOB,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    SIGNATURE_MEDIA_TYPE,
    WASM_CONFIG_MEDIA_TYPE,
    WASM_LAYER_MEDIA_TYPE,
    Descriptor,
)
from wasm_oci.oci.layout import create_layout, find_layout, write_layout
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest, signature_referrer
from wasm_oci.oci.referrers import find_referrers, listed_digests
from wasm_oci.oci.store import ManifestName, read_blob

CONFIG, WASM = b'{"os":"wasip2"}', b"\0asm\x0d\0\1\0"
REF_NAME = "org.opencontainers.image.ref.name"


def _manifest(note: str = "") -> Manifest:
    annotations = {"note": note} if note else {}
    config, layer = Descriptor.of(CONFIG, WASM_CONFIG_MEDIA_TYPE), Descriptor.of(WASM, WASM_LAYER_MEDIA_TYPE)
    return Manifest(config=config, layers=(layer,), annotations=annotations)


def _write(folder: Path, note: str = "", tag: str = "v1") -> Descriptor:
    source = folder.parent / "source.wasm"
    source.write_bytes(WASM)
    return write_layout(folder, _manifest(note).encode(), {Digest.of(CONFIG): CONFIG, Digest.of(WASM): source}, tag)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _blob(folder: Path, digest: Digest) -> Path:
    return folder / "blobs" / "sha256" / digest.hex


def _index(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "index.json").read_bytes()))


def _created(folder: Path) -> LayoutStore:
    create_layout(folder)
    return LayoutStore.open(folder)


def _digest(layout: LayoutStore, name: ManifestName) -> Digest:
    return layout.fetch_manifest(name).descriptor.digest


def _only(layout: LayoutStore) -> Digest:
    return _digest(layout, layout.only_manifest())


def _read(layout: LayoutStore, blob: Descriptor) -> bytes:
    return read_blob(layout, blob, limit=LIMITS.manifest)


def _put_blob(layout: LayoutStore, blob: Descriptor, *pieces: bytes) -> int:
    return layout.put_blob(blob, lambda: iter(pieces))


def _change_index(folder: Path, **change: Any) -> None:
    path = folder / "index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def test_the_files_of_a_layout(tmp_path: Path) -> None:
    described = _write(tmp_path / "layout")
    files = _files(tmp_path / "layout")
    assert files.pop("oci-layout") == b'{"imageLayoutVersion":"1.0.0"}'
    assert json.loads(files.pop("index.json")) == {
        "schemaVersion": 2,
        "mediaType": INDEX_MEDIA_TYPE,
        "manifests": [
            {"mediaType": MANIFEST_MEDIA_TYPE, "digest": str(described.digest), "size": described.size, "annotations": {REF_NAME: "v1"}}
        ],
    }
    contents = (CONFIG, WASM, _manifest().encode())
    assert files == {f"blobs/sha256/{Digest.of(data).hex}": data for data in contents}


def test_same_input_same_bytes(tmp_path: Path) -> None:
    _write(tmp_path / "one")
    _write(tmp_path / "two")
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_an_empty_folder_may_exist(tmp_path: Path) -> None:
    (tmp_path / "layout").mkdir()
    _write(tmp_path / "layout")
    assert LayoutStore.open(tmp_path / "layout").tags() == ("v1",)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="is not empty"):
        write_layout(tmp_path, _manifest().encode(), {}, "v1")
    assert _files(tmp_path) == {"mine": b"x"}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot make the layout"):
        write_layout(tmp_path / "file" / "layout", _manifest().encode(), {}, "v1")


@pytest.mark.parametrize("name", ["n" * 300, "a\0b"])
def test_a_path_that_no_layout_can_have(tmp_path: Path, name: str) -> None:
    for use in (LayoutStore.open, create_layout, lambda folder: write_layout(folder, _manifest().encode(), {}, "v1")):
        with pytest.raises(UsageError, match="layout"):
            use(tmp_path / name)


@pytest.mark.parametrize("data", [b"", WASM[:-1], b"\0" * len(WASM)])
def test_a_damaged_blob_is_not_there(tmp_path: Path, data: bytes) -> None:
    layout, blob = _created(tmp_path), Descriptor.of(WASM, WASM_LAYER_MEDIA_TYPE)
    assert _put_blob(layout, blob, WASM) == len(WASM)
    assert layout.has_blob(blob)
    (tmp_path / "blobs/sha256" / blob.digest.hex).write_bytes(data)
    assert not layout.has_blob(blob)


def test_nothing_is_left_of_a_failed_write(tmp_path: Path) -> None:
    (tmp_path / "source.wasm").write_bytes(WASM + b"grown")
    blobs: dict[Digest, Path | bytes] = {Digest.of(CONFIG): CONFIG, Digest.of(WASM): tmp_path / "source.wasm"}
    with pytest.raises(DigestError, match="the file has 13 bytes now, not 8"):
        write_layout(tmp_path / "layout", _manifest().encode(), blobs, "v1")
    blobs[Digest.of(WASM)] = tmp_path / "none.wasm"
    with pytest.raises(UsageError, match="cannot read the blob"):
        write_layout(tmp_path / "layout", _manifest().encode(), blobs, "v1")
    assert list((tmp_path / "layout").iterdir()) == []


def test_read_back(tmp_path: Path) -> None:
    described = _write(tmp_path / "layout")
    layout = LayoutStore.open(tmp_path / "layout")
    names: tuple[ManifestName, ...] = ("v1", described.digest, described, layout.only_manifest())
    for name in names:
        fetched = layout.fetch_manifest(name)
        assert (fetched.descriptor.digest, fetched.data) == (described.digest, _manifest().encode())
    layer = _manifest().layers[0]
    assert layout.has_blob(layer)
    assert not layout.has_blob(Descriptor.of(b"another", WASM_LAYER_MEDIA_TYPE))
    assert b"".join(layout.pieces(layer)) == WASM
    with layout.open_blob(layer) as stream:
        assert stream.read() == WASM


def test_a_layout_of_links_is_read(tmp_path: Path) -> None:
    described = _write(tmp_path / "real")
    for path in (tmp_path / "real").rglob("*"):
        if path.is_file():
            link = tmp_path / "links" / path.relative_to(tmp_path / "real")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    layout = LayoutStore.open(tmp_path / "links")
    assert _digest(layout, "v1") == described.digest
    assert _read(layout, _manifest().layers[0]) == WASM


def test_a_flipped_byte_of_any_blob_is_found(tmp_path: Path) -> None:
    described = _write(tmp_path / "layout")
    layout = LayoutStore.open(tmp_path / "layout")
    for blob in (_manifest().config, _manifest().layers[0], described):
        path = _blob(tmp_path / "layout", blob.digest)
        good = path.read_bytes()
        path.write_bytes(good[:-1] + bytes((good[-1] ^ 1,)))
        with pytest.raises(DigestError, match="content has digest"):
            _read(layout, blob)
        path.write_bytes(good)
        assert _read(layout, blob) == good


def test_a_changed_manifest_is_not_returned(tmp_path: Path) -> None:
    described = _write(tmp_path / "layout")
    path = _blob(tmp_path / "layout", described.digest)
    path.write_bytes(path.read_bytes().replace(b"application/wasm", b"application/evil"))
    with pytest.raises(DigestError, match="content has digest"):
        LayoutStore.open(tmp_path / "layout").fetch_manifest("v1")


@pytest.mark.parametrize("data", [WASM[:-1], WASM + b"x", b""])
def test_a_blob_of_the_wrong_size(tmp_path: Path, data: bytes) -> None:
    _write(tmp_path / "layout")
    layer = _manifest().layers[0]
    _blob(tmp_path / "layout", layer.digest).write_bytes(data)
    with pytest.raises(DigestError, match=f"the blob has {len(data)} bytes, not 8"):
        LayoutStore.open(tmp_path / "layout").open_blob(layer)


def test_a_missing_blob(tmp_path: Path) -> None:
    _write(tmp_path / "layout")
    layer = _manifest().layers[0]
    _blob(tmp_path / "layout", layer.digest).unlink()
    with pytest.raises(NotFoundError, match="is missing from the layout"):
        LayoutStore.open(tmp_path / "layout").open_blob(layer)


def test_a_pipe_in_place_of_a_blob_does_not_hang(tmp_path: Path) -> None:
    _write(tmp_path / "layout")
    layer = _manifest().layers[0]
    path = _blob(tmp_path / "layout", layer.digest)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match="is not a regular file"):
        LayoutStore.open(tmp_path / "layout").open_blob(layer)


@pytest.mark.parametrize("digest", ["sha256:../../../../etc/passwd", "../../secret", "sha256:" + "A" * 64])
def test_a_digest_that_is_a_path_is_refused(tmp_path: Path, digest: str) -> None:
    _write(tmp_path / "layout")
    _change_index(tmp_path / "layout", manifests=[{"mediaType": MANIFEST_MEDIA_TYPE, "digest": digest, "size": 1}])
    with pytest.raises(FormatError, match=r"manifests\[0\]\.digest.*is not a digest"):
        LayoutStore.open(tmp_path / "layout").only_manifest()


def test_the_index_may_promise_another_size(tmp_path: Path) -> None:
    described = _write(tmp_path / "layout")
    _change_index(tmp_path / "layout", manifests=[replace(described, size=1).to_json()])
    with pytest.raises(DigestError, match="bytes, not 1"):
        _only(LayoutStore.open(tmp_path / "layout"))
    _change_index(tmp_path / "layout", manifests=[replace(described, size=LIMITS.manifest + 1).to_json()])
    with pytest.raises(LimitError, match="the manifest has"):
        _only(LayoutStore.open(tmp_path / "layout"))


def test_a_blob_beyond_the_readers_limit(tmp_path: Path) -> None:
    _write(tmp_path / "layout")
    with pytest.raises(LimitError, match="the blob has 8 bytes, more than 7"):
        read_blob(LayoutStore.open(tmp_path / "layout"), _manifest().layers[0], limit=7)


def test_no_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an OCI image layout: there is no such folder; check the path"):
        LayoutStore.open(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"tar")
    with pytest.raises(UsageError, match=r"name the folder that holds index\.json, or write oci-archive:FILE"):
        LayoutStore.open(tmp_path / "file")
    with pytest.raises(UsageError, match="not an OCI image layout: it has no file oci-layout; name the folder of a layout"):
        LayoutStore.open(tmp_path)
    assert not find_layout(tmp_path / "none")
    (tmp_path / "file").unlink()
    assert not find_layout(tmp_path)


@pytest.mark.parametrize("marker", [b"{}", b'{"imageLayoutVersion":"2.0.0"}', b"junk", b" " * 5000])
def test_a_marker_of_another_version(tmp_path: Path, marker: bytes) -> None:
    _write(tmp_path / "layout")
    (tmp_path / "layout" / "oci-layout").write_bytes(marker)
    with pytest.raises(FormatError):
        LayoutStore.open(tmp_path / "layout")


def test_an_index_that_is_malformed_or_too_large(tmp_path: Path) -> None:
    _write(tmp_path / "layout")
    (tmp_path / "layout" / "index.json").write_bytes(b"{")
    with pytest.raises(FormatError, match="not valid JSON"):
        LayoutStore.open(tmp_path / "layout").tags()
    (tmp_path / "layout" / "index.json").write_bytes(b" " * (LIMITS.layout_index + 1))
    with pytest.raises(LimitError):
        LayoutStore.open(tmp_path / "layout").tags()


def test_an_index_that_could_not_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = _created(tmp_path / "layout")
    _put(layout, "1", "v1")
    before = (tmp_path / "layout/index.json").read_bytes()
    monkeypatch.setattr("wasm_oci.oci.layout.LIMITS", replace(LIMITS, layout_index=len(before)))
    with pytest.raises(LimitError, match="index would be larger than"):
        _put(layout, "2", "v2")
    assert (tmp_path / "layout/index.json").read_bytes() == before
    assert layout.tags() == ("v1",)


def test_first_writes_at_the_same_time(tmp_path: Path) -> None:
    blobs = [Descriptor.of(b"%d" % number, WASM_LAYER_MEDIA_TYPE) for number in range(8)]
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        start = threading.Barrier(len(blobs))

        def write(number: int, folder: Path = folder, start: threading.Barrier = start) -> int:
            start.wait()
            manifest = _manifest(str(number))
            LayoutStore(folder).put_manifest(manifest.descriptor(), manifest.raw, f"v{number}")
            return _put_blob(LayoutStore(folder), blobs[number], b"%d" % number)

        with ThreadPoolExecutor(len(blobs)) as pool:
            assert list(pool.map(write, range(len(blobs)))) == [1] * len(blobs)
        assert len(LayoutStore.open(folder).tags()) == len(blobs)


@pytest.mark.parametrize(
    "left",
    [{}, {"index.json": None}, {".oci-layout.0123456789abcdef.tmp": b"{"}, {".index.json.0123456789abcdef.tmp": b"", "index.json": None}],
)
@pytest.mark.parametrize("blobs", ["blobs", "blobs/sha256"])
def test_what_an_interrupted_creation_leaves_is_empty(tmp_path: Path, blobs: str, left: dict[str, bytes | None]) -> None:
    (tmp_path / "whole").mkdir()
    create_layout(tmp_path / "whole")
    folder = tmp_path / "layout"
    (folder / blobs).mkdir(parents=True)
    for name, data in left.items():
        (folder / name).write_bytes((tmp_path / "whole/index.json").read_bytes() if data is None else data)
    assert not find_layout(folder)
    assert LayoutStore(folder).find_manifest("v1") is None
    _put(LayoutStore(folder), "1", "v1")
    assert LayoutStore.open(folder).tags() == ("v1",)


@pytest.mark.parametrize("name", ["mine", "blobs/sha256/aa", "blobs/sha512/aa", "blobs/mine", "index.json"])
def test_a_folder_of_somebody_else_is_not_made_a_layout(tmp_path: Path, name: str) -> None:
    (tmp_path / "blobs/sha256").mkdir(parents=True)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UsageError, match="not an OCI image layout: it has no file oci-layout"):
        create_layout(tmp_path)
    assert not (tmp_path / "oci-layout").exists()


@pytest.mark.parametrize("folders", [("src",), ("blobs/sha256", "src")])
def test_nobody_is_told_to_delete_a_folder_of_other_files(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "mine").write_bytes(b"x")
    for use in (LayoutStore.open, create_layout):
        with pytest.raises(UsageError) as caught:
            use(tmp_path)
        assert "delete" not in caught.value.hint


def _put(layout: LayoutStore, note: str, tag: str | None) -> Descriptor:
    manifest = _manifest(note)
    layout.put_manifest(manifest.descriptor(), manifest.raw, tag)
    return manifest.descriptor()


def test_of_several_manifests_one_must_be_named(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    one, two = _put(layout, "1", "one"), _put(layout, "2", "two")
    assert _digest(layout, "one") == one.digest
    assert _digest(layout, "two") == two.digest
    with pytest.raises(UsageError, match="2 manifests match: the name is ambiguous; use one of the tags one, two"):
        layout.only_manifest()
    with pytest.raises(NotFoundError, match="has no manifest three; use one of the tags one, two"):
        layout.fetch_manifest("three")
    with pytest.raises(NotFoundError, match="has no manifest sha256:"):
        layout.fetch_manifest(Digest.of(b"another"))


def test_several_untagged_manifests(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    _put(layout, "1", None)
    two = _put(layout, "2", None)
    with pytest.raises(UsageError, match="2 manifests match: the name is ambiguous; the layout has no tags: use a digest"):
        layout.only_manifest()
    assert layout.find_manifest(two.digest) == two


def test_one_tag_for_two_manifests_is_ambiguous(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    entries = [replace(_put(layout, note, None), annotations={REF_NAME: "v1"}).to_json() for note in "12"]
    _change_index(tmp_path / "layout", manifests=entries)
    with pytest.raises(UsageError, match="tag v1 names 2 manifests"):
        LayoutStore.open(tmp_path / "layout").fetch_manifest("v1")


def test_an_empty_layout_as_destination(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    assert _index(tmp_path / "layout") == {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": []}
    assert (layout.tags(), layout.find_manifest("v1")) == ((), None)
    with pytest.raises(NotFoundError, match="the layout is empty; push something to it first"):
        layout.only_manifest()


def test_put_blob_stores_only_what_was_promised(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    blob = Descriptor.of(WASM, WASM_LAYER_MEDIA_TYPE)
    for wrong in (WASM[:-1], WASM + b"x", b"\0" * len(WASM)):
        with pytest.raises(DigestError):
            _put_blob(layout, blob, wrong)
        assert list((tmp_path / "layout" / "blobs" / "sha256").iterdir()) == []
    _put_blob(layout, blob, WASM[:3], WASM[3:])
    assert _read(layout, blob) == WASM


def test_put_manifest_checks_its_digest(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    with pytest.raises(DigestError):
        layout.put_manifest(_manifest("1").descriptor(), _manifest("2").raw, "v1")
    assert _index(tmp_path / "layout")["manifests"] == []


def test_a_moved_tag_leaves_the_old_manifest_under_its_digest(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    old, new = _put(layout, "old", "v1"), _put(layout, "new", "v1")
    layout = LayoutStore.open(tmp_path / "layout")
    assert _digest(layout, "v1") == new.digest
    assert _only(layout) == new.digest
    assert layout.find_manifest(old.digest) == old
    assert layout.tags() == ("v1",)


def test_putting_again_changes_nothing(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    for tag in (None, "v1", "v1", None, "v2"):
        _put(layout, "1", tag)
    before = _files(tmp_path / "layout")
    _put(layout, "1", None)
    _put(layout, "1", "v1")
    assert sorted(entry["annotations"][REF_NAME] for entry in _index(tmp_path / "layout")["manifests"]) == ["v1", "v2"]
    assert set(_files(tmp_path / "layout")) == set(before)


def test_what_others_wrote_into_the_index_is_kept(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    other = Descriptor(media_type="application/x", digest=Digest.of(b"x"), size=1, platform={"os": "wasip2"}, annotations={"a": "b"})
    _change_index(tmp_path / "layout", manifests=[other.to_json()], annotations={"c": "d"})
    _put(layout, "1", "v1")
    index = _index(tmp_path / "layout")
    assert index["manifests"][0] == other.to_json()
    assert index["annotations"] == {"c": "d"}


def test_referrers_are_untagged_entries(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    subject = _put(layout, "1", "v1")
    other = _put(layout, "2", "v2")
    referrer = signature_referrer(subject, b"signature")
    _put_blob(layout, EMPTY, EMPTY_BLOB)
    _put_blob(layout, referrer.layers[0], b"signature")
    layout.put_manifest(referrer.descriptor(), referrer.raw, None)
    (found,) = LayoutStore.open(tmp_path / "layout").referrers(subject.digest)
    assert (found.digest, found.artifact_type) == (referrer.descriptor().digest, SIGNATURE_MEDIA_TYPE)
    assert list(layout.referrers(subject.digest, "application/vnd.other")) == []
    assert list(find_referrers(layout, subject.digest, SIGNATURE_MEDIA_TYPE)) == [referrer]
    assert list(layout.referrers(other.digest)) == []
    assert layout.tags() == ("v1", "v2")


def test_an_entry_that_cannot_be_read_is_an_error_after_the_last_referrer(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    subject = _put(layout, "1", "v1")
    layout.attach(referrer := signature_referrer(subject, b"signature"))
    digest = referrer.descriptor().digest
    good = _index(tmp_path / "layout")["manifests"]
    other = {"mediaType": MANIFEST_MEDIA_TYPE, "digest": "sha384:" + "a" * 96, "size": 1}
    _change_index(tmp_path / "layout", manifests=[other, {**other, "size": "many"}, *good])
    assert [entry.digest for entry in layout.referrers(subject.digest)] == [digest]
    malformed: tuple[Any, ...] = (
        "text",
        {},
        {"mediaType": MANIFEST_MEDIA_TYPE, "digest": "sha256:aa", "size": 1},
        {**good[-1], "size": -1},
    )
    for entry in malformed:
        _change_index(tmp_path / "layout", manifests=[other, entry, *good])
        listed = layout.referrers(subject.digest)
        assert next(listed).digest == digest
        with pytest.raises(FormatError, match=r"manifests\[1\].*; correct or remove this entry"):
            next(listed)
        with pytest.raises(FormatError):
            list(find_referrers(layout, subject.digest))
        assert listed_digests(layout, subject.digest, [digest, Digest.of(b"")]) == {digest}
    _blob(tmp_path / "layout", digest).write_bytes(b"")
    with pytest.raises(DigestError):
        listed_digests(layout, subject.digest, [digest])


def test_manifests_that_could_be_meant_are_counted_once(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    one, two = _put(layout, "1", "v1"), _put(layout, "2", "v2")
    entries = [replace(one, annotations={REF_NAME: tag}).to_json() for tag in ("v1", "v3")]
    _change_index(tmp_path / "layout", manifests=[*entries, replace(two, annotations={REF_NAME: "v3"}).to_json(), *entries])
    with pytest.raises(UsageError, match="2 manifests match: the name is ambiguous"):
        layout.only_manifest()
    with pytest.raises(UsageError, match="tag v3 names 2 manifests"):
        layout.find_manifest("v3")


def test_a_referrer_with_many_tags_is_listed_once_and_counts_once(tmp_path: Path) -> None:
    layout = _created(tmp_path / "layout")
    subject = _put(layout, "1", "v1")
    referrer = signature_referrer(subject, b"signature")
    layout.put_manifest(referrer.descriptor(), referrer.raw)
    tags = [replace(referrer.descriptor(), annotations={REF_NAME: f"s{n}"}).to_json() for n in range(LIMITS.referrers + 1)]
    _change_index(tmp_path / "layout", manifests=[subject.to_json(), *tags])
    assert [found.digest for found in layout.referrers(subject.digest)] == [referrer.descriptor().digest]


def test_manifests_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_referrers, "LIMITS", replace(LIMITS, layout_manifests=10))
    layout = _created(tmp_path / "layout")
    subject = _put(layout, "1", "v1")
    for count in (9, 10):
        many = [replace(subject, digest=Digest.of(str(n).encode())).to_json() for n in range(count)]
        _change_index(tmp_path / "layout", manifests=[subject.to_json(), *many])
        store = LayoutStore.open(tmp_path / "layout")
        with pytest.raises(NotFoundError if count == 9 else LimitError, match="is missing" if count == 9 else "more than 10 manifests"):
            list(store.referrers(subject.digest))


def test_a_layout_lists_the_signatures_of_a_whole_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a registry's list of referrers may have; each is read once, however many subjects are asked for."""
    layout = _created(tmp_path / "layout")
    subject = _put(layout, "1", "v1")
    others = [replace(subject, digest=Digest.of(b"subject %d" % number)) for number in range(1_500)]
    entries = []
    for number, each in enumerate([subject, *others]):
        signature = Manifest(config=EMPTY, layers=(), artifact_type="application/vnd.note", subject=each, annotations={"n": str(number)})
        (tmp_path / "layout/blobs/sha256" / signature.descriptor().digest.hex).write_bytes(signature.raw)
        entries.append(signature.descriptor().to_json())
    _change_index(tmp_path / "layout", manifests=[subject.to_json(), *entries])
    store, read = LayoutStore.open(tmp_path / "layout"), list[Descriptor]()
    pieces = LayoutStore.pieces

    def counted(self: LayoutStore, blob: Descriptor) -> Iterator[bytes]:
        read.append(blob)
        return pieces(self, blob)

    monkeypatch.setattr(LayoutStore, "pieces", counted)
    for number in (0, 1, 1_499, 1_500):
        asked = [subject, *others][number]
        assert [found.annotations for found in store.referrers(asked.digest)] == [{"n": str(number)}]
    assert len([blob for blob in read if blob.digest != subject.digest]) == 1_501
    new = Manifest(config=EMPTY, layers=(), artifact_type="application/vnd.note", subject=subject, annotations={"n": "new"})
    LayoutStore(tmp_path / "layout").attach(new)
    assert {found.annotations["n"] for found in store.referrers(subject.digest)} == {"0", "new"}, "others may write to it meanwhile"
    assert len([blob for blob in read if blob.digest != subject.digest]) == 1_502
