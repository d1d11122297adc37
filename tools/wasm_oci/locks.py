"""A lock between the programs of one machine that run as one user, for what registries do not do atomically."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wasm_oci.limits import LIMITS
from wasm_oci.timing import REAL_TIME, Timing

_PAUSE = 0.02


@contextmanager
def machine_lock(name: str, *, timing: Timing = REAL_TIME, patience: float = LIMITS.retry_budget) -> Iterator[bool]:
    """Holds the lock `name` while the block runs; yields False where it cannot be had in `patience` seconds.

    It is a help against lost updates, not a guarantee: who uses it must still look at what came of the update.
    """
    handle = _open(name)
    if handle is None:
        yield False
        return
    try:
        deadline = timing.clock() + patience
        while not (locked := _try_lock(handle)) and timing.clock() < deadline:
            timing.sleep(_PAUSE)
        yield locked
    finally:
        os.close(handle)


def _open(name: str) -> int | None:
    for folder in _folders():
        with suppress(OSError, ValueError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_own(folder):
                return os.open(folder / hashlib.sha256(name.encode()).hexdigest()[:32], os.O_RDWR | os.O_CREAT, 0o600)
    return None


def _folders() -> Iterator[Path]:
    """Yields where locks may be, best first: only the last one is where other users may come first."""
    if (runtime := os.environ.get("XDG_RUNTIME_DIR", "")) and _is_own(Path(runtime)):
        yield Path(runtime, "wasm_oci-locks")
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home raises where there is none
    for cache in (os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", ""), str(Path(home, ".cache"))):
        if Path(cache).is_absolute():
            yield Path(cache, "wasm_oci", "locks")
    yield Path(tempfile.gettempdir(), f"wasm_oci-locks-{_user()}")


def _is_own(folder: Path) -> bool:
    """Whether nobody else can write there; on Windows the rights of the parent decide."""
    try:
        found = folder.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode) and (sys.platform == "win32" or (found.st_uid == _user() and not found.st_mode & 0o022))


def _user() -> int:
    return 0 if sys.platform == "win32" else os.getuid()


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
