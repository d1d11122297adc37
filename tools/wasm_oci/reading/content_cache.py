"""A folder with content that was read, by digest: what is used of it is what its digest says, whoever wrote it.

It is marked as a cache for other programs (Cache Directory Tagging Specification, `CACHEDIR.TAG`).
"""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from wasm_oci.digest import ALGORITHMS, Digest, checked, chunks, digest_of
from wasm_oci.errors import FormatError, UsageError, WasmOciError
from wasm_oci.files import file_type, open_input, read_bounded, reason_of, write_file
from wasm_oci.jsontext import parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.layout import blob_path
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.registry.client import manifest_type

_log = logging.getLogger(__name__)

_TAG = "CACHEDIR.TAG"
_TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# Content of registries by digest, kept by wasm_oci. It may be removed.\n"
_OWN = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}|\..*\.tmp")
_LEFT_OVER = 24 * 3600.0
"""Seconds after which a file that was never finished is removed."""


class ContentCache:
    """Manifests and blobs by digest; safe to share between threads and programs.

    What is damaged counts as absent. What cannot be kept is not an error: a warning says so once.
    """

    def __init__(self, folder: Path, *, limit: int = LIMITS.cache) -> None:
        """Makes the folder where there is none, and removes what was not used for longest until it has `limit` bytes at most.

        Raises UsageError for a folder that holds anything but such a cache, or that cannot be made.
        """
        self._folder, self._limit, self._warned = folder, limit, False
        _claim(folder)
        self._trim()

    def manifest(self, digest: Digest) -> FetchedManifest | None:
        """Returns a manifest or index, None where it is not there."""
        path = blob_path(self._folder, digest)
        if file_type(path, what="cached manifest") != stat.S_IFREG:
            return None
        with suppress(WasmOciError):
            data = read_bounded(path, LIMITS.manifest, what="cached manifest")
            if digest.is_of(data):
                media_type = manifest_type(parse_object(data, where=str(path), limit=LIMITS.manifest), "")
                _touch(path)
                return FetchedManifest(descriptor=Descriptor(media_type=media_type, digest=digest, size=len(data)), data=data)
        self._drop(path)
        return None

    def keep_manifest(self, fetched: FetchedManifest) -> None:
        """Keeps what was checked against its digest, if its media type is known from its content."""
        path = blob_path(self._folder, fetched.descriptor.digest)
        with suppress(FormatError):
            document = parse_object(fetched.data, where=str(path), limit=LIMITS.manifest)
            if manifest_type(document, "") == fetched.descriptor.media_type:
                try:
                    _make_folder(path.parent)
                    write_file(path, fetched.data, what="cached manifest")
                except (UsageError, OSError) as err:
                    self._warn(err)

    def pieces(self, blob: Descriptor) -> Iterator[bytes] | None:
        """Returns the content of a blob, checked before and while it is read; None where it is not there."""
        path = blob_path(self._folder, blob.digest)
        if file_type(path, what="cached blob") != stat.S_IFREG:
            return None
        try:
            stream = open_input(path, what="cached blob")
        except UsageError:
            return None
        with suppress(WasmOciError):
            if digest_of(stream, blob.digest.algorithm) == (blob.digest, blob.size):
                stream.seek(0)
                _touch(path)
                return _rest(stream, blob, where=str(path))
        stream.close()
        self._drop(path)
        return None

    def keeping(self, blob: Descriptor, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yields `pieces`, which raise at their end where they are not the blob, and keeps them if they reach it."""
        writing = _Writing(blob_path(self._folder, blob.digest)) if blob.size <= self._limit else None
        try:
            for piece in pieces:
                if writing and (problem := writing.write(piece)):
                    self._warn(problem)
                    writing = None
                yield piece
            if writing and (problem := writing.finish()):
                self._warn(problem)
        finally:
            if writing:
                writing.abandon()

    def _warn(self, problem: UsageError | OSError) -> None:
        if not self._warned:
            self._warned = True
            reason = reason_of(problem) if isinstance(problem, OSError) else problem
            _log.warning("%s: cannot keep what was read: %s", self._folder, reason)

    def _drop(self, path: Path) -> None:
        _log.warning("%s is damaged; it is read again", path)
        with suppress(OSError):
            path.unlink()

    def _trim(self) -> None:
        found, now = list[tuple[float, int, Path]](), time.time()
        for path in _own_files(self._folder):
            with suppress(OSError):
                status = path.lstat()
                if not stat.S_ISREG(status.st_mode):
                    continue
                if not path.name.endswith(".tmp"):
                    found.append((status.st_mtime, status.st_size, path))
                elif status.st_mtime < now - _LEFT_OVER:
                    path.unlink()
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit:
                return
            with suppress(OSError):
                path.unlink()
                total -= size


class _Writing:
    """A file that gets its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: BinaryIO | None = None
        self._temporary = path.with_name(f".{path.name[:32]}.{os.urandom(8).hex()}.tmp")

    def write(self, piece: bytes) -> OSError | None:
        """Returns what the system says, None where it was written."""
        try:
            if self._stream is None:
                _make_folder(self._path.parent)
                self._stream = self._temporary.open("xb")
            self._stream.write(piece)
        except OSError as err:
            self.abandon()
            return err
        return None

    def finish(self) -> OSError | None:
        """The same for the whole file; an empty blob is not kept."""
        if self._stream is None:
            return None
        try:
            self._stream.close()
            self._temporary.replace(self._path)
        except OSError as err:
            return err
        return None

    def abandon(self) -> None:
        """Removes what was not finished."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
            with suppress(OSError):
                self._temporary.unlink()


def _claim(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (folder / _TAG).exists():
            return
        if any(not path.name.startswith(f".{_TAG}.") for path in folder.iterdir()):
            raise UsageError("the folder holds other files", where=str(folder), hint="name a new or an empty folder as cache_dir")
    except (OSError, ValueError) as err:
        raise UsageError(f"cannot make the cache: {reason_of(err)}", where=str(folder), hint="check cache_dir and its permissions") from err
    write_file(folder / _TAG, _TAG_TEXT, what="cache")


def _own_files(folder: Path) -> Iterator[Path]:
    """Yields what may be removed: what has the name of a kept file, or of an unfinished one, and is not behind a link."""
    blobs = folder / "blobs"
    for place in () if blobs.is_symlink() else (blobs / algorithm for algorithm in ALGORITHMS):
        if not place.is_symlink():
            yield from (path for path in place.glob("*") if _OWN.fullmatch(path.name))


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _touch(path: Path) -> None:
    """Notes that a file was used."""
    with suppress(OSError):
        os.utime(path)


def _rest(stream: BinaryIO, blob: Descriptor, *, where: str) -> Iterator[bytes]:
    with stream:
        yield from checked(chunks(stream), blob.digest, blob.size, where=where)
