"""The cache on this machine: what is used of it is what its digest says, and it touches nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import layout_of, signed_image
from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, UsageError
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout import blob_path
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.reading.content_cache import ContentCache

DATA = b"content" * 100
BLOB = Descriptor.of(DATA, "a/b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "some" / "cache"


def read(cache: ContentCache, blob: Descriptor) -> bytes | None:
    pieces = cache.pieces(blob)
    return None if pieces is None else b"".join(pieces)


def keep(cache: ContentCache, data: bytes) -> Descriptor:
    blob = Descriptor.of(data, "a/b")
    assert b"".join(cache.keeping(blob, iter((data[:3], data[3:])))) == data
    return blob


def files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "blobs").rglob("*") if path.is_file())


def test_what_is_kept_is_found_in_the_next_run(folder: Path) -> None:
    assert read(ContentCache(folder), BLOB) is None
    keep(ContentCache(folder), DATA)
    assert read(ContentCache(folder), BLOB) == DATA
    assert (folder / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0, "what it holds may be of a private registry"


def test_a_manifest_has_the_media_type_of_its_content(folder: Path, tmp_path: Path) -> None:
    manifest = layout_of(tmp_path / "image", b"\0asm").manifest
    cache, described = ContentCache(folder), manifest.descriptor()
    fetched = FetchedManifest(descriptor=described, data=manifest.encode())
    assert cache.manifest(described.digest) is None
    cache.keep_manifest(fetched)
    assert cache.manifest(described.digest) == fetched
    data = b'{"schemaVersion": 1}'
    other = FetchedManifest(descriptor=Descriptor.of(data, MANIFEST_MEDIA_TYPE), data=data)
    cache.keep_manifest(other)
    assert cache.manifest(other.descriptor.digest) is None, "its media type is the registry's only"


@pytest.mark.parametrize("damage", [b"", DATA[:-1], DATA[:-1] + b"?", DATA + b"x"], ids=["empty", "short", "changed", "long"])
def test_what_is_damaged_is_absent(folder: Path, caplog: pytest.LogCaptureFixture, damage: bytes) -> None:
    cache = ContentCache(folder)
    keep(cache, DATA)
    path = blob_path(folder, BLOB.digest)
    path.write_bytes(damage)
    assert (read(cache, BLOB), path.exists()) == (None, False)
    assert f"{path} is damaged; it is read again" in caplog.text
    path.write_bytes(damage)
    assert (cache.manifest(BLOB.digest), path.exists()) == (None, False)


def test_what_does_not_reach_its_end_is_not_kept(folder: Path) -> None:
    cache = ContentCache(folder)

    def broken() -> Iterator[bytes]:
        yield DATA[:10]
        raise DigestError("no")

    with pytest.raises(DigestError):
        list(cache.keeping(BLOB, broken()))
    half = cache.keeping(BLOB, iter((DATA[:10], DATA[10:])))
    next(half)
    half.close()  # type: ignore[attr-defined]  # it is a generator
    assert (read(cache, BLOB), files(folder)) == (None, [])


def test_a_folder_with_anything_else_in_it_is_left_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="the folder holds other files; name a new or an empty folder as cache_dir"):
        ContentCache(folder, limit=0)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    (folder / "thesis.txt").rename(folder.parent / "file")
    with pytest.raises(UsageError, match="cannot make the cache"):
        ContentCache(folder.parent / "file")


def test_what_was_not_used_for_longest_goes_first(folder: Path) -> None:
    cache = ContentCache(folder)
    blobs = [keep(cache, bytes([number]) * 100) for number in range(4)]
    for number, blob in enumerate(blobs):
        os.utime(blob_path(folder, blob.digest), (1_000 + number, 1_000 + number))
    assert read(cache, blobs[0])
    (folder / "blobs/sha256/.old.tmp").write_bytes(b"x")
    os.utime(folder / "blobs/sha256/.old.tmp", (1_000, 1_000))
    (folder / "blobs/sha256/.new.tmp").write_bytes(b"x")
    cache = ContentCache(folder, limit=250)
    assert [read(cache, blob) is not None for blob in blobs] == [True, False, False, True]
    assert [path.name for path in files(folder) if path.suffix == ".tmp"] == [".new.tmp"], "another run may be writing it"
    assert read(cache, keep(cache, bytes(251))) is None, "what is larger than the whole is not kept"


@pytest.mark.parametrize("link", ["blobs", "blobs/sha256"])
def test_nothing_is_removed_behind_a_link(folder: Path, tmp_path: Path, link: str) -> None:
    ContentCache(folder)
    other = tmp_path / "other"
    (other / "sha256").mkdir(parents=True)
    kept = [other / ("a" * 64), other / ".a.tmp", other / "sha256" / ("a" * 64), other / "sha256" / ".a.tmp"]
    for path in kept:
        path.write_bytes(b"somebody's")
        os.utime(path, (1_000, 1_000))
    (folder / link).parent.mkdir(exist_ok=True)
    (folder / link).symlink_to(other)
    ContentCache(folder, limit=0)
    assert all(path.exists() for path in kept)


def test_what_the_cache_did_not_write_is_not_removed(folder: Path, tmp_path: Path) -> None:
    blob = keep(ContentCache(folder), DATA)
    place = folder / "blobs/sha256"
    (tmp_path / "file").write_bytes(b"somebody's")
    (place / ("b" * 64)).symlink_to(tmp_path / "file")
    (place / "notes.txt").write_bytes(b"somebody's")
    ContentCache(folder, limit=0)
    assert (blob_path(folder, blob.digest).exists(), (place / "notes.txt").exists(), (tmp_path / "file").exists()) == (False, True, True)


def test_a_cache_that_cannot_be_written_to_stops_nobody(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = ContentCache(folder)
    (folder / "blobs").write_bytes(b"a file in the way")
    keep(cache, DATA)
    manifest = signed_image(tmp_path / "image").manifest
    cache.keep_manifest(FetchedManifest(descriptor=manifest.descriptor(), data=manifest.encode()))
    keep(cache, DATA)
    assert caplog.text.count("cannot keep what was read") == 1


def test_many_write_one_blob_at_once(folder: Path) -> None:
    cache = ContentCache(folder)
    threads = [threading.Thread(target=keep, args=(cache, DATA)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (read(cache, BLOB), files(folder)) == (DATA, [blob_path(folder, BLOB.digest)])


def test_digests_of_another_algorithm(folder: Path) -> None:
    cache = ContentCache(folder)
    blob = Descriptor(media_type="a/b", digest=Digest.of(DATA, "sha512"), size=len(DATA))
    list(cache.keeping(blob, iter((DATA,))))
    assert (read(cache, blob), read(cache, BLOB)) == (DATA, None)
