"""Locks between processes on one machine, by filelock: the system releases them however a process ends."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.limits import LIMITS
from wasm_oci.timing import REAL_TIME, Timing

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PAUSE = 0.02


@contextmanager
def file_lock(path: Path, *, patience: float = 0) -> Iterator[bool]:
    """Holds the lock of a file, which it creates, while the block runs; yields False if it is not acquired within `patience` seconds.

    Raises OSError for a file that cannot be locked.
    """
    lock = _acquire(path, REAL_TIME, patience)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


@contextmanager
def machine_lock(name: str, *, timing: Timing = REAL_TIME, patience: float = LIMITS.retry_budget) -> Iterator[bool]:
    """Holds the lock `name` while the block runs; yields False if it is not acquired within `patience` seconds.

    It works between processes of one user, for operations that registries do not perform atomically. It reduces lost updates
    without preventing them, so callers must still check the result of an update.
    """
    lock = None
    for folder in _folders():
        with suppress(OSError, ValueError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_own(folder):
                lock = _acquire(folder / hashlib.sha256(name.encode()).hexdigest()[:32], timing, patience)
                break
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def _acquire(path: Path, timing: Timing, patience: float) -> BaseFileLock | None:
    """Returns the acquired lock, or None if another process holds it that long; raises OSError for a file that cannot be locked."""
    import logging

    from filelock import FileLock, Timeout

    logging.getLogger("filelock").setLevel(logging.WARNING)  # it logs each attempt
    # The file stays: if it were deleted with its lock, two processes could each lock a file of their own.
    lock = FileLock(path, mode=0o600, thread_local=False, preserve_lock_file=True)
    deadline = timing.clock() + patience
    while True:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if timing.clock() >= deadline:
                return None
            timing.sleep(_PAUSE)
        else:
            return lock


def _folders() -> Iterator[Path]:
    """Yields candidate folders, best first: other users can write only to the parent of the last one."""
    from platformdirs import user_cache_path

    # platformdirs warns about a runtime folder of another user and falls back to a temporary one; better ones follow here.
    if (runtime := os.environ.get("XDG_RUNTIME_DIR", "")) and _is_own(Path(runtime)):
        yield Path(runtime, "wasm_oci-locks")
    with suppress(RuntimeError):  # a user without a home directory
        yield user_cache_path("wasm_oci", appauthor=False) / "locks"
    yield Path(tempfile.gettempdir(), f"wasm_oci-locks-{_user()}")


def _is_own(folder: Path) -> bool:
    """Whether only this user can write there; on Windows the permissions of the parent apply."""
    try:
        found = folder.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode) and (sys.platform == "win32" or (found.st_uid == _user() and not found.st_mode & 0o022))


def _user() -> int:
    return 0 if sys.platform == "win32" else os.getuid()
