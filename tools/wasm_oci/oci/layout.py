"""The files of OCI image layouts: `oci-layout`, `index.json` and `blobs/<algorithm>/<hex>` (image-layout.md)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, LimitError, UsageError
from wasm_oci.files import atomic_output, open_input, read_bounded, reason_of, write_file
from wasm_oci.jsontext import parse_object
from wasm_oci.limits import KIB, LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.layout_index import LayoutIndex
from wasm_oci.oci.manifest import Manifest

MARKER, INDEX = "oci-layout", "index.json"
_BLOBS = Path("blobs", "sha256")
_VERSION = "1.0.0"
_MARKER_TEXT = b'{"imageLayoutVersion":"1.0.0"}'


def blob_path(folder: Path, digest: Digest) -> Path:
    """Returns where the blob of a layout is, or would be."""
    return folder / _BLOBS.parent / digest.algorithm / digest.hex


def make_blob_path(folder: Path, digest: Digest) -> Path:
    """Returns `blob_path`, in a folder that exists; raises UsageError where it cannot be made."""
    path = blob_path(folder, digest)
    if digest.algorithm != _BLOBS.name:
        with _usable(folder, "write to"):
            path.parent.mkdir(exist_ok=True)
    return path


def find_layout(folder: Path) -> bool:
    """Returns whether there is a layout, False where the folder is absent or empty.

    A folder with no more than what an interrupted `create_layout` leaves is empty. Raises UsageError, FormatError or LimitError
    where something else is there.
    """
    with _usable(folder, "read"):
        if not folder.exists() or (folder.is_dir() and not (folder / MARKER).exists() and all(map(_is_left_over, folder.iterdir()))):
            return False
    check_layout(folder)
    return True


def check_layout(folder: Path) -> None:
    """Raises UsageError, FormatError or LimitError where there is no usable layout."""
    with _usable(folder, "read"):
        there = folder.is_dir()
    if not there:
        raise UsageError("there is no OCI layout", where=str(folder), hint="name the folder that holds index.json")
    path = folder / MARKER
    marker = parse_object(read_bounded(path, KIB, what="layout's marker file"), where=str(path))
    if marker.get("imageLayoutVersion") != _VERSION:
        raise FormatError(f"imageLayoutVersion must be {_VERSION}", where=str(path), hint="write the layout anew")


def create_layout(folder: Path) -> None:
    """Makes an empty layout where the folder is absent or empty; leaves one that is there. Several programs may do so at once.

    Raises what `find_layout` raises, and UsageError where the folder cannot be made.
    """
    if not find_layout(folder):
        complete_layout(folder)


def complete_layout(folder: Path) -> None:
    """Adds what is missing of a layout's folder and files, and changes nothing that is there; raises UsageError."""
    if (folder / MARKER).exists() and (folder / INDEX).exists() and (folder / _BLOBS).is_dir():
        return
    with _usable(folder, "make"):
        (folder / _BLOBS).mkdir(parents=True, exist_ok=True)
    with layout_lock(folder):
        if not (folder / INDEX).exists():
            write_index(folder, LayoutIndex())
        if not (folder / MARKER).exists():  # last: with it the layout is complete
            write_file(folder / MARKER, _MARKER_TEXT, what="layout")


@contextmanager
def layout_lock(folder: Path) -> Iterator[None]:
    """Keeps the other programs of this machine from changing the index while the block runs; raises UsageError where one does not end."""
    with machine_lock(str((folder / INDEX).resolve())) as locked:
        if not locked:
            raise UsageError("another program is writing to the layout", where=str(folder), hint="try again when it is done")
        yield


def read_index(folder: Path) -> LayoutIndex:
    """Raises UsageError, FormatError or LimitError for an index that cannot be used."""
    path, limit = folder / INDEX, LIMITS.layout_index
    return LayoutIndex.parse(read_bounded(path, limit, what="layout's index"), where=str(path), limit=limit)


def write_index(folder: Path, index: LayoutIndex) -> None:
    """Replaces the index as a whole; raises LimitError, and leaves it, where it would be larger than `read_index` takes."""
    data = index.encode()
    if len(data) > LIMITS.layout_index:
        raise LimitError(
            f"the layout's index would be larger than {LIMITS.layout_index} bytes",
            where=str(folder / INDEX),
            hint="use another folder, or remove manifests from this one",
        )
    write_file(folder / INDEX, data, what="layout's index")


def write_layout(folder: Path, manifest: bytes, blobs: Mapping[Digest, Path | bytes], ref_name: str) -> Descriptor:
    """Makes a layout of one manifest in a folder that is absent or empty; returns the manifest's descriptor.

    `blobs` must hold what the manifest names. The digests of those that are files are taken as given. Nothing is
    left behind in the folder where this raises: UsageError, or FormatError for an unusable manifest.
    """
    document = Manifest.parse(manifest, where="manifest")
    described = document.descriptor()
    index = LayoutIndex()
    index.put(described.to_json(), ref_name)
    _claim(folder)
    try:
        for blob in dict.fromkeys((document.config, *document.layers)):
            _place(folder, blob, blobs)
        write_file(blob_path(folder, described.digest), manifest, what="manifest")
        write_file(folder / MARKER, _MARKER_TEXT, what="layout")
        write_index(folder, index)
    except BaseException:
        for entry in (folder / MARKER, folder / INDEX):
            entry.unlink(missing_ok=True)
        shutil.rmtree(folder / _BLOBS.parent, ignore_errors=True)
        raise
    return described


def _claim(folder: Path) -> None:
    with _usable(folder, "make"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError("the folder for the layout is not empty", where=str(folder), hint="name a new folder, or empty this one")
        (folder / _BLOBS).mkdir(parents=True)


def _is_left_over(path: Path) -> bool:
    """Whether this is what `complete_layout` makes before the marker: a folder without blobs, an empty index, a file not yet renamed."""
    if path.name == _BLOBS.parent.name:
        return path.is_dir() and not any(path.glob("sha256/*")) and all(entry.name == "sha256" for entry in path.iterdir())
    if path.name == INDEX:
        empty = LayoutIndex().encode()
        return path.stat().st_size == len(empty) and path.read_bytes() == empty
    return path.name.startswith((f".{INDEX}.", f".{MARKER}.")) and path.suffix == ".tmp"


@contextmanager
def _usable(folder: Path, verb: str) -> Iterator[None]:
    """Makes a UsageError of what the system says about the path: permissions, length, characters."""
    try:
        yield
    except (OSError, ValueError) as err:
        what = f"cannot {verb} the layout: {reason_of(err)}"
        raise UsageError(what, where=str(folder), hint="check the path and its permissions") from err


def _place(folder: Path, blob: Descriptor, blobs: Mapping[Digest, Path | bytes]) -> None:
    source, target = blobs[blob.digest], make_blob_path(folder, blob.digest)
    if isinstance(source, bytes):
        write_file(target, source, what="blob")
        return
    with open_input(source, what="blob") as stream, atomic_output(target, what="blob") as output:
        shutil.copyfileobj(stream, output, LIMITS.chunk)
        if output.tell() != blob.size:
            raise DigestError(f"the file has {output.tell()} bytes now, not {blob.size}", where=str(source), hint="run again")
