"""Reading under caps and writing all or nothing."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import LimitError, UsageError


def reason_of(error: OSError) -> str:
    """Returns the system's own words for `error`, such as "Permission denied"."""
    return error.strerror or type(error).__name__


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def open_input(path: Path, *, what: str = "input file") -> BinaryIO:
    """Opens a regular file for reading; raises UsageError that names `what` where that is not possible.

    A pipe is refused at once: opening it does not wait for a writer.
    """
    try:
        stream = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path.open has no opener
    except OSError as err:
        raise UsageError(f"cannot read the {what}: {reason_of(err)}", where=str(path), hint="check the path and its permissions") from err
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


@contextmanager
def atomic_output(path: Path, *, mode: int = 0o666, what: str = "output file") -> Iterator[BinaryIO]:
    """Yields a stream that can seek; the file gets its name only when the block ends without an error.

    `mode` is subject to the umask. A link is replaced, not followed. An existing device or pipe (such as
    /dev/null) is written to, never replaced. Raises UsageError where the file cannot be written.
    """
    special = path.exists() and not path.is_file()
    if path.is_dir():
        raise UsageError(f"the {what} is a folder", where=str(path), hint="name a file")
    try:
        fd, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", suffix=".tmp", dir=None if special else path.parent)
    except OSError as err:
        raise UsageError(
            f"cannot write the {what}: {reason_of(err)}", where=str(path), hint="check that its folder exists and may be written"
        ) from err
    temporary = Path(name)
    try:
        with os.fdopen(fd, "w+b") as stream:
            yield stream
            stream.flush()
            if special:
                stream.seek(0)
                with path.open("wb") as target:
                    shutil.copyfileobj(stream, target)
        if not special:
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(mode & ~umask)
            temporary.replace(path)
    except OSError as err:
        raise UsageError(f"cannot write the {what}: {reason_of(err)}", where=str(path)) from err
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def write_file(path: Path, data: bytes, *, mode: int = 0o666, what: str = "output file") -> None:
    """Writes a small file all or nothing; see `atomic_output`."""
    with atomic_output(path, mode=mode, what=what) as stream:
        stream.write(data)
