"""Bounded reads and atomic writes."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from wasm_oci.errors import LimitError, UsageError

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


def reason_of(error: OSError | ValueError) -> str:
    """Returns the system's own words for `error`, such as "Permission denied"."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "the path contains invalid characters"


def file_type(path: Path, *, what: str = "file") -> int | None:
    """Returns the file type of `path`, as `stat.S_IFMT` does; None if nothing exists there, or nothing can.

    Raises UsageError that names `what` for a path that cannot be looked up.
    """
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError) as err:
        if isinstance(err, OSError) and err.errno in _ABSENT:
            return None
        raise UsageError(
            f"cannot look up the {what}: {reason_of(err)}", where=str(path), hint="check the path and its permissions"
        ) from err


def real_path(path: Path, *, what: str = "file") -> Path:
    """Returns the absolute path with links resolved; the file need not exist. Raises UsageError that names `what`."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as err:
        raise UsageError(f"cannot look up the {what}: {reason_of(err)}", where=str(path), hint="check the path") from err


def spare_files(outputs: Iterable[Path | None], files: Iterable[Path | None], *, what: str) -> None:
    """Raises UsageError if an output would replace one of `files`, under any name; None entries are ignored."""
    kept = {identity for path in files if path is not None for identity in _identities(path)}
    for output in outputs:
        if output is not None and not kept.isdisjoint(_identities(output)):
            raise UsageError(f"this {what} would be overwritten", where=str(output), hint="name another output")


def _identities(path: Path) -> list[Path | tuple[int, int]]:
    """Returns the resolved path and the inode: names may differ in case only."""
    found: list[Path | tuple[int, int]] = [real_path(path)]
    with suppress(OSError):
        status = path.stat()
        found.append((status.st_dev, status.st_ino))
    return found


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


class _Input(io.FileIO):
    """A file whose read errors name it: a regular file may open and still be unreadable."""

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path, what
        super().__init__(path, opener=_without_waiting)

    def readinto(self, buffer: Any, /) -> int:
        try:
            return super().readinto(buffer) or 0
        except OSError as err:
            raise _unreadable(self._path, self._what, err) from err

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as err:
            raise _unreadable(self._path, self._what, err) from err


def _unreadable(path: Path, what: str, error: OSError | ValueError) -> UsageError:
    return UsageError(f"cannot read the {what}: {reason_of(error)}", where=str(path), hint="check the path and its permissions")


def open_input(path: Path, *, what: str = "input file") -> BinaryIO:
    """Opens a regular file for reading; raises UsageError that names `what` if opening or a later read fails.

    A pipe is refused immediately: opening it does not wait for a writer.
    """
    try:
        stream = cast(BinaryIO, io.BufferedReader(_Input(path, what)))
    except (OSError, ValueError) as err:
        raise _unreadable(path, what, err) from err
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise UsageError(f"the {what} is not a regular file", where=str(path), hint="save it to a file first")
    return stream


def read_bounded(path: Path, limit: int, *, what: str) -> bytes:
    """Returns the content of a file of at most `limit` bytes; raises UsageError or LimitError."""
    with open_input(path, what=what) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise LimitError(f"the {what} is larger than {limit} bytes", where=str(path))
    return data


def _create(path: Path, mode: int) -> None:
    """Creates a file; the system applies the umask, which a program with threads cannot query safely."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode))


def _temporary_folder() -> Path:
    import tempfile

    return Path(tempfile.gettempdir())


def _write_special(path: Path, content: BinaryIO) -> None:
    """Writes `content` to a device, or to a pipe with a reader; raises OSError, immediately if a pipe has none."""
    import shutil

    try:
        target = open(path, "wb", opener=lambda name, _: _without_waiting(name, os.O_WRONLY))  # noqa: SIM115 - Path.open has no opener
    except OSError as err:
        if err.errno == errno.ENXIO:
            raise OSError(err.errno, "the pipe has no reader") from err
        raise
    with target:
        if hasattr(os, "O_NONBLOCK"):
            os.set_blocking(target.fileno(), True)
        shutil.copyfileobj(content, target)


@contextmanager
def atomic_path(path: Path, *, mode: int = 0o666, what: str = "output file") -> Iterator[Path]:
    """Yields a new empty file in the folder of `path`, which is renamed to `path` only if the block ends without an error.

    `mode` is subject to the umask. A link is replaced, not followed. An existing device or pipe (such as
    /dev/null) is written to, never replaced. Raises UsageError where the file cannot be written.
    """
    found = file_type(path, what=what)
    special = found not in (None, stat.S_IFREG)
    if found == stat.S_IFDIR:
        raise UsageError(f"the {what} is a folder", where=str(path), hint="name a file")
    folder = _temporary_folder() if special else path.parent
    temporary = folder / f".{path.name[:32]}.{os.urandom(8).hex()}.tmp"
    try:  # the name is known before the file exists: a signal may end the program at any time
        with _naming(path, what, hint="check that its folder exists and may be written"):
            _create(temporary, 0o600 if special else mode)
        with _naming(path, what):
            yield temporary
            if special:
                with temporary.open("rb") as content:
                    _write_special(path, content)
            else:
                temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def _naming(path: Path, what: str, *, hint: str = "") -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise UsageError(f"cannot write the {what}: {reason_of(err)}", where=str(path), hint=hint) from err


@contextmanager
def atomic_output(path: Path, *, mode: int = 0o666, what: str = "output file") -> Iterator[BinaryIO]:
    """Yields a seekable stream; see `atomic_path`."""
    with atomic_path(path, mode=mode, what=what) as temporary, temporary.open("r+b") as stream:
        yield stream


def write_file(path: Path, data: bytes, *, mode: int = 0o666, what: str = "output file") -> None:
    """Writes a small file atomically; see `atomic_output`."""
    with atomic_output(path, mode=mode, what=what) as stream:
        stream.write(data)
