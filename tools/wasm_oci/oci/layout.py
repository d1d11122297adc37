"""The files of OCI image layouts: `oci-layout`, `index.json` and `blobs/<algorithm>/<hex>` (image-layout.md)."""

from __future__ import annotations

import shlex
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, LimitError, UsageError
from wasm_oci.files import atomic_output, file_type, open_input, read_bounded, real_path, reason_of, write_file
from wasm_oci.jsontext import parse_object
from wasm_oci.limits import KIB, LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.layout_index import LayoutIndex
from wasm_oci.oci.manifest import Manifest

MARKER, INDEX = "oci-layout", "index.json"
_BLOBS = Path("blobs", "sha256")
_VERSION = "1.0.0"
_WASM = b"\0asm"
_UNFINISHED = "if writing this layout was interrupted, delete the folder and run again; otherwise name another folder"
_MARKER_TEXT = b'{"imageLayoutVersion":"1.0.0"}'


def blob_path(folder: Path, digest: Digest) -> Path:
    """Returns where the blob of a layout is, or would be."""
    return folder.joinpath(_BLOBS.parts[0], *digest.text.split(":"))


def make_blob_path(folder: Path, digest: Digest) -> Path:
    """Returns `blob_path`, in a folder that exists; raises UsageError where it cannot be made."""
    path = blob_path(folder, digest)
    if digest.algorithm != _BLOBS.name:
        with usable(folder, "write to"):
            path.parent.mkdir(exist_ok=True)
    return path


def find_layout(folder: Path) -> bool:
    """Returns whether there is a layout, False where the folder is absent or empty.

    A folder with no more than what an interrupted `create_layout` leaves is empty. Raises UsageError, FormatError or LimitError
    where something else is there.
    """
    kind = file_type(folder, what="layout")
    if kind is None:
        return False
    if kind == stat.S_IFDIR and file_type(folder / MARKER, what="layout") is None:
        with usable(folder, "read"):
            if all(map(_is_left_over, folder.iterdir())):
                return False
    check_layout(folder)
    return True


def check_layout(folder: Path) -> None:
    """Raises UsageError, FormatError or LimitError where there is no usable layout."""
    kind = file_type(folder, what="layout")
    if kind != stat.S_IFDIR:
        what = "not an OCI image layout" + (": there is no such folder" if kind is None else "")
        raise UsageError(what, where=str(folder), hint=_remedy(folder, kind))
    path = folder / MARKER
    if file_type(path, what="layout's marker file") is None:
        hint = _UNFINISHED if _is_unfinished(folder) else "name the folder of a layout, or a new or empty one to publish to"
        raise UsageError(f"not an OCI image layout: it has no file {MARKER}", where=str(folder), hint=hint)
    marker = parse_object(_read(path, KIB, what="layout's marker file"), where=str(path))
    if marker.get("imageLayoutVersion") != _VERSION:
        raise FormatError(f"imageLayoutVersion must be {_VERSION}", where=str(path), hint="write the layout again")


def _remedy(path: Path, kind: int | None) -> str:
    """What to do about a path that is no folder: a component may be meant, or a layout in an archive."""
    if kind is None:
        return "check the path"
    if kind == stat.S_IFREG:
        with suppress(UsageError), open_input(path) as stream:
            if stream.read(len(_WASM)) == _WASM:
                return f"make a layout of it first, with `wasm_oci image -i {shlex.quote(str(path))} -o DIR`, and name DIR"
    return "name the folder that holds index.json, or write oci-archive:FILE for an archive of one"


def create_layout(folder: Path) -> None:
    """Makes an empty layout where the folder is absent or empty; leaves one that is there. Several programs may do so at once.

    Raises what `find_layout` raises, and UsageError where the folder cannot be made.
    """
    if not find_layout(folder):
        complete_layout(folder)


def complete_layout(folder: Path) -> None:
    """Adds what is missing of a layout's folder and files, and changes nothing that is there; raises UsageError."""
    if all(file_type(folder / part, what="layout") is not None for part in (MARKER, INDEX, _BLOBS)):
        return
    with usable(folder, "make"):
        (folder / _BLOBS).mkdir(parents=True, exist_ok=True)
    with layout_lock(folder):
        if file_type(folder / INDEX, what="layout") is None:
            write_index(folder, LayoutIndex())
        if file_type(folder / MARKER, what="layout") is None:  # last: with it the layout is complete
            write_file(folder / MARKER, _MARKER_TEXT, what="layout")


@contextmanager
def layout_lock(folder: Path) -> Iterator[None]:
    """Keeps the other programs of this machine from changing the index while the block runs; raises UsageError where one does not end."""
    with machine_lock(str(real_path(folder / INDEX, what="layout"))) as locked:
        if not locked:
            raise UsageError("another program is writing to the layout", where=str(folder), hint="try again when it is done")
        yield


def read_index(folder: Path) -> LayoutIndex:
    """Raises UsageError, FormatError or LimitError for an index that cannot be used."""
    return parse_index(folder, read_index_bytes(folder))


def read_index_bytes(folder: Path) -> bytes:
    """Raises UsageError or LimitError for an index that cannot be read."""
    return _read(folder / INDEX, LIMITS.layout_index, what="layout's index")


def parse_index(folder: Path, data: bytes) -> LayoutIndex:
    """Raises FormatError for an index that cannot be used."""
    return LayoutIndex.parse(data, where=str(folder / INDEX), limit=LIMITS.layout_index)


def _read(path: Path, limit: int, *, what: str) -> bytes:
    """Returns one of the two files without which a folder is not a layout."""
    if file_type(path, what=what) is None:
        raise UsageError(f"cannot read the {what}: it does not exist", where=str(path), hint=_UNFINISHED)
    return read_bounded(path, limit, what=what)


def write_index(folder: Path, index: LayoutIndex) -> bytes:
    """Replaces the index as a whole and returns what is written.

    Raises LimitError, and leaves it, where it would be larger than `read_index` takes.
    """
    data = index.encode()
    if len(data) > LIMITS.layout_index:
        raise LimitError(
            f"the layout's index would be larger than {LIMITS.layout_index} bytes",
            where=str(folder / INDEX),
            hint="use another folder, or remove manifests from this one",
        )
    write_file(folder / INDEX, data, what="layout's index")
    return data


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
        write_index(folder, index)
        write_file(folder / MARKER, _MARKER_TEXT, what="layout")  # last, as in `complete_layout`
    except BaseException:
        for entry in (folder / MARKER, folder / INDEX):
            with suppress(OSError):
                entry.unlink()
        shutil.rmtree(folder / _BLOBS.parent, ignore_errors=True)
        raise
    return described


def _claim(folder: Path) -> None:
    with usable(folder, "make"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            hint = _UNFINISHED if _is_unfinished(folder) else "name a new folder, or empty this one"
            raise UsageError("the folder for the layout is not empty", where=str(folder), hint=hint)
        (folder / _BLOBS).mkdir(parents=True)


def _is_unfinished(folder: Path) -> bool:
    """Whether there is a part of a layout, and nothing else: only then may a message say to delete the folder."""
    with usable(folder, "read"):
        names = {entry.name for entry in folder.iterdir()}
    return _BLOBS.parent.name in names and all(name in (_BLOBS.parent.name, INDEX) or _is_temporary(name) for name in names)


def _is_left_over(path: Path) -> bool:
    """Whether this is what `complete_layout` makes before the marker: a folder without blobs, an empty index, a file not yet renamed."""
    if path.name == _BLOBS.parent.name:
        return path.is_dir() and not any(path.glob("sha256/*")) and all(entry.name == "sha256" for entry in path.iterdir())
    if path.name == INDEX:
        empty = LayoutIndex().encode()
        return path.stat().st_size == len(empty) and path.read_bytes() == empty
    return _is_temporary(path.name)


def _is_temporary(name: str) -> bool:
    """Whether a file of the layout was to be renamed from this one."""
    return name.startswith((f".{INDEX}.", f".{MARKER}.")) and name.endswith(".tmp")


@contextmanager
def usable(folder: Path, verb: str) -> Iterator[None]:
    """Raises UsageError for what the system says about the path: permissions, length, characters."""
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
