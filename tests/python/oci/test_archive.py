"""Archives of layouts: the same bytes each time, and nothing but a layout is unpacked."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from wasm_oci.errors import FormatError, LimitError, UsageError, WasmOciError
from wasm_oci.oci import archive as module
from wasm_oci.oci.archive import ArchiveStore, pack
from wasm_oci.oci.layout_store import LayoutStore

BLOB = "blobs/sha256/" + "0" * 64


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "image")


def info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = size, kind, link
    return entry


def written(path: Path, *entries: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    """A layout without manifests, and these entries."""
    layout = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", b'{"schemaVersion":2,"manifests":[]}')]
    with tarfile.open(path, "w", format=form) as archive:
        for name, data in layout:
            archive.addfile(info(name, len(data)), io.BytesIO(data))
        for entry, data in entries:
            archive.addfile(entry, io.BytesIO(data))
    return path


def test_the_same_layout_makes_the_same_bytes_and_comes_back(image: Image, tmp_path: Path) -> None:
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    pack(image.folder, first)
    for path in image.folder.rglob("*"):
        path.touch()
    pack(image.folder, second)
    assert first.read_bytes() == second.read_bytes()
    store = ArchiveStore(first)
    assert store.tags() == LayoutStore(image.folder).tags()
    assert b"".join(store.pieces(image.manifest.layers[0])) == image.wasm


def test_the_folder_goes_with_the_store(image: Image, tmp_path: Path) -> None:
    pack(image.folder, tmp_path / "a.tar")
    store = ArchiveStore(tmp_path / "a.tar")
    folder = store.folder
    assert folder.exists()
    del store
    assert not folder.exists()


def test_other_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.tar", (info("manifest.json", 2), b"[]"), (info("./blobs", kind=tarfile.DIRTYPE), b""), (info(f"./{BLOB}", 3), b"abc")
    )
    store = ArchiveStore(path)
    assert (store.folder / BLOB).read_bytes() == b"abc"
    assert not (store.folder / "manifest.json").exists()


def test_an_archive_of_a_whole_folder_is_read(image: Image, tmp_path: Path) -> None:
    """As `tar -cf a.tar .` writes it: with an entry for the folder itself, and whatever else is there."""
    (image.folder / "notes" / "more").mkdir(parents=True)
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(image.folder, "./")
    assert ArchiveStore(path).fetch_manifest("v1").descriptor.digest == image.digest


@pytest.mark.parametrize(
    ("start", "program"), [(b"\x1f\x8b\x08", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh9", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd")]
)
def test_a_compressed_archive_is_named_as_such(tmp_path: Path, start: bytes, program: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(start + bytes(range(256)) * 4)
    with pytest.raises(FormatError) as caught:
        ArchiveStore(path)
    assert str(caught.value) == f"{path}: it is compressed with {program}; decompress it with `{program} -d` first"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_are_read(tmp_path: Path, form: int) -> None:
    name = "blobs/sha512/" + "a" * 128
    store = ArchiveStore(written(tmp_path / "a.tar", (info(name, 1), b"x"), form=form))
    assert (store.folder / name).read_bytes() == b"x"


@pytest.mark.parametrize(
    "entry",
    [
        info("../escape", 0),
        info("/etc/passwd", 0),
        info("blobs/../../escape", 0),
        info("C:\\escape", 0),
        info("a\\..\\b", 0),
        info(BLOB, kind=tarfile.SYMTYPE, link="/etc/passwd"),
        info(BLOB, kind=tarfile.LNKTYPE, link="index.json"),
        info(BLOB, kind=tarfile.FIFOTYPE),
        info(BLOB, kind=tarfile.CHRTYPE),
        info("index.json", 0),
        info("../folder", kind=tarfile.DIRTYPE),
        info("x" * 300 + "/../../y", 0),
    ],
    ids=lambda entry: f"{entry.name[:12]}-{entry.type.decode()}",
)
def test_what_leads_elsewhere_is_refused(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    path = written(tmp_path / "a.tar", (entry, b""))
    with pytest.raises(FormatError):
        ArchiveStore(path)
    assert not (tmp_path / "escape").exists()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2100])


def no_layout(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.addfile(info(BLOB))


def compressed(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(info(BLOB))


def huge(path: Path) -> None:
    data = bytearray(written(path, (info(BLOB), b"")).read_bytes())
    entry = info(BLOB, 1 << 40)
    header = entry.tobuf(tarfile.GNU_FORMAT)
    at = data.index(BLOB.encode())
    data[at : at + 512] = header
    path.write_bytes(data)


def long_header(path: Path) -> None:
    entry = info(BLOB)
    entry.pax_headers = {"comment": "x" * (1 << 17)}
    written(path, (entry, b""))


def sparse(path: Path) -> None:
    entry = info(BLOB)
    entry.pax_headers = {"GNU.sparse.size": "99999"}
    written(path, (entry, b""))


@pytest.mark.parametrize("make", [truncated, no_layout, compressed, huge, long_header, sparse])
def test_what_is_not_the_archive_of_a_layout_is_refused(image: Image, tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "a.tar"
    pack(image.folder, path)
    make(path)
    with pytest.raises(WasmOciError) as caught:
        ArchiveStore(path)
    assert caught.type in (FormatError, LimitError)


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENTRIES", 10)
    path = written(tmp_path / "a.tar", *[(info(f"file{number}"), b"") for number in range(20)])
    with pytest.raises(LimitError, match="more than 10 entries"):
        ArchiveStore(path)


def test_a_file_that_is_absent_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        ArchiveStore(tmp_path / "absent.tar")
