"""OCI image layouts as tar archives, the transport `oci-archive` of skopeo (containers-transports(5)).

An archive is written with sorted names and without times or owners, so that the same layout makes the same bytes. One that is read may come
from anyone: only plain files with the names of a layout are unpacked, and everything that could lead elsewhere is refused
(POSIX.1-2001, pax interchange format).
"""

from __future__ import annotations

import io
import re
import shutil
import tarfile
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError, LimitError, UsageError
from wasm_oci.files import atomic_output, file_type, open_input, read_bounded, real_path, reason_of
from wasm_oci.limits import KIB, LIMITS
from wasm_oci.oci.layout import INDEX, MARKER, read_index
from wasm_oci.oci.layout_store import LayoutStore

ARCHIVE_PREFIX = "oci-archive:"
_BLOCK = 512
_NAME = re.compile(r"oci-layout|index\.json|blobs/(sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})")
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}
"""How files begin that these programs have compressed."""
_COMPRESSED_NAME = re.compile(r"\.(?:tar\.(?:gz|xz|bz2|zst|Z)|tgz|txz|tbz2?|tzst)$", re.IGNORECASE)
_EXTENDED = 64 * KIB
_ENTRIES = 200_000
_MAKE_AGAIN = "write the archive again with `wasm_oci archive`"


class _UnpackedStore(LayoutStore):
    """An archive, unpacked in a folder of its own that goes with this object."""

    credential_source = "none (a file)"

    def __init__(self, file: Path) -> None:
        try:
            folder = Path(tempfile.mkdtemp(prefix="wasm_oci."))
        except OSError as err:
            raise UsageError(
                f"cannot make a temporary folder: {reason_of(err)}", hint="set TMPDIR to a folder that may be written"
            ) from err
        self.file = file
        self._end = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        super().__init__(folder)

    @property
    def name(self) -> str:
        return f"{ARCHIVE_PREFIX}{self.file}"


class ArchiveStore(_UnpackedStore):
    """An archive that is read."""

    def __init__(self, file: Path) -> None:
        """Raises UsageError for a file that cannot be read, FormatError or LimitError for one that is not the archive of a layout."""
        super().__init__(file)
        unpack(file, self.folder)

    def as_now(self) -> LayoutStore:
        return self


class ArchiveOutput(_UnpackedStore):
    """An archive that is published to, and that need not exist: the file is as it was until `finish` writes it anew."""

    def __init__(self, file: Path) -> None:
        """Raises what `ArchiveStore` raises, and UsageError for a name that says that it is compressed."""
        super().__init__(check_archive_name(file))
        self._before = _version(file)
        if self._before:
            unpack(file, self.folder)

    @property
    def identity(self) -> str:
        return str(real_path(self.file, what="archive"))

    def finish(self) -> None:
        """Writes the file, with all that was published to it.

        Raises UsageError where it cannot be written, and where another program has written it meanwhile.
        """
        if _version(self.file) != self._before:
            raise UsageError("another program has changed the archive meanwhile", where=str(self.file), hint="run again")
        pack(self.folder, self.file)
        self._before = _version(self.file)


def _version(file: Path) -> tuple[int, ...] | None:
    """Returns what tells two contents of a file apart without reading it, None where there is no file."""
    if file_type(file, what="archive") is None:
        return None
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def check_archive_name(file: Path) -> Path:
    """Returns the file of an archive that is to be written; raises UsageError for a name that says that it is compressed."""
    if suffix := _COMPRESSED_NAME.search(file.name):
        plain = file.with_name(file.name[: suffix.start()] + ".tar")
        raise UsageError("archives are not compressed: their blobs would gain little", where=str(file), hint=f"write {plain}")
    return file


def unpack(file: Path, folder: Path) -> None:
    """Writes the layout in an archive to an empty folder; raises what `ArchiveStore` raises. Digests are for readers to check."""
    seen = set[str]()
    with open_input(file, what="archive") as stream:
        for name, size in _entries(stream, where=str(file)):
            if name in seen:
                raise FormatError(f"{name} is in the archive twice", where=str(file), hint=_MAKE_AGAIN)
            seen.add(name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_output(target, what="blob") as output:
                _copy(stream, output, size, where=str(file))
    if not {MARKER, INDEX} <= seen:
        raise FormatError("it holds no OCI image layout", where=str(file), hint=_MAKE_AGAIN)
    (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)


def _entries(stream: BinaryIO, *, where: str) -> Iterator[tuple[str, int]]:
    """Yields name and size of each file of a layout; the consumer reads the file before it asks for the next."""
    count, extended = 0, dict[str, str]()
    while header := _header(stream, where=where):
        count += 1
        if count > _ENTRIES:
            raise LimitError(f"more than {_ENTRIES} entries", where=where, hint="use a smaller archive")
        if header.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
            extended |= _extended(header, _read_small(stream, header.size, where=where), where=where)
            continue
        name = extended.pop("path", header.name)
        size = _number(extended.pop("size", str(header.size)), where=where)
        extended.clear()
        if header.type == tarfile.DIRTYPE and size == 0:
            if name.rstrip("/") not in ("", ".") and not _is_plain(name.rstrip("/").removeprefix("./")):
                raise FormatError(f"it holds a folder with the name {name[:200]!r}", where=where, hint="do not use this file")
            continue
        plain = name.removeprefix("./")
        if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise FormatError(f"{plain[:200]!r} is a link or a special file", where=where, hint="do not use this file")
        if not _is_plain(plain):
            raise FormatError(f"{name[:200]!r} leads out of the archive", where=where, hint="do not use this file")
        if size > LIMITS.wasm_file:
            raise LimitError(f"{plain[:200]} has {size} bytes, more than {LIMITS.wasm_file}", where=where)
        end = stream.tell() + size
        if _NAME.fullmatch(plain):
            yield plain, size
        stream.seek(end + -size % _BLOCK)


def _is_plain(name: str) -> bool:
    """Whether a name stays where it is unpacked, on every system."""
    return bool(name) and "\\" not in name and ":" not in name and all(part not in ("", ".", "..") for part in name.split("/"))


def _header(stream: BinaryIO, *, where: str) -> tarfile.TarInfo | None:
    """Returns the next header, None at the end of the archive."""
    block = stream.read(_BLOCK)
    if not block.strip(b"\0") and len(block) in (0, _BLOCK):
        return None
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as err:
        if program := next((name for start, name in _COMPRESSED.items() if block.startswith(start)), ""):
            raise FormatError(f"it is compressed with {program}", where=where, hint=f"decompress it with `{program} -d` first") from err
        raise FormatError(f"it is not a tar archive: {err}", where=where, hint=_MAKE_AGAIN) from err
    if header.size < 0:
        raise FormatError("an entry has a negative size", where=where, hint="do not use this file")
    return header


def _read_small(stream: BinaryIO, size: int, *, where: str) -> bytes:
    if size > _EXTENDED:
        raise LimitError(f"an extended header has {size} bytes, more than {_EXTENDED}", where=where)
    data = stream.read(size + -size % _BLOCK)
    if len(data) < size:
        raise _truncated(where)
    return data[:size]


def _extended(header: tarfile.TarInfo, data: bytes, *, where: str) -> dict[str, str]:
    """Returns what an extended header says of the next entry, as far as that is looked at."""
    if header.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.rstrip(b"\0").decode("utf-8", "surrogateescape")}
    found: dict[str, str] = {}
    while data:
        length = data.partition(b" ")[0]
        if not (length.isdigit() and 0 < len(length) < 6 and len(length) + 2 < int(length) <= len(data)):
            raise FormatError("an extended header is malformed", where=where, hint=_MAKE_AGAIN)
        record, data = data[len(length) + 1 : int(length) - 1], data[int(length) :]
        key, _, value = record.partition(b"=")
        if key.startswith(b"GNU.sparse"):
            raise FormatError("it holds a sparse file", where=where, hint=_MAKE_AGAIN)
        if key in (b"path", b"size") and header.type == tarfile.XHDTYPE:
            found[key.decode()] = value.decode("utf-8", "surrogateescape")
    return found


def _number(text: str, *, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FormatError("an entry has a malformed size", where=where, hint=_MAKE_AGAIN)
    return int(text)


def _copy(stream: BinaryIO, output: BinaryIO, size: int, *, where: str) -> None:
    while size:
        piece = stream.read(min(size, LIMITS.chunk))
        if not piece:
            raise _truncated(where)
        output.write(piece)
        size -= len(piece)


def _truncated(where: str) -> FormatError:
    return FormatError("the archive ends in the middle of a file", where=where, hint="copy it again")


def pack(folder: Path, file: Path) -> None:
    """Writes a layout to an archive, all or nothing; the same layout makes the same bytes.

    Raises UsageError, FormatError or LimitError for a layout that cannot be read, UsageError for a file that cannot be written.
    """
    index = read_index(folder).sorted_bytes()
    with atomic_output(file, what="archive") as output, tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in ((MARKER, read_bounded(folder / MARKER, KIB, what="layout")), (INDEX, index)):
            archive.addfile(_entry(name, len(data)), io.BytesIO(data))
        for path in sorted((folder / "blobs").glob("sha*/*")):
            name = path.relative_to(folder).as_posix()
            if _NAME.fullmatch(name):
                with open_input(path, what="blob") as stream:
                    size = stream.seek(0, 2)
                    stream.seek(0)
                    archive.addfile(_entry(name, size), stream)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o644, 0
    return entry
