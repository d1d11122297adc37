"""The folder in which a registry keeps its layouts, and the lock that gives it to one program at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import UsageError
from wasm_oci.files import reason_of

_LOCK_FILE = "_lock"
"""No repository's folder can have this name."""


def default_state(environ: Mapping[str, str], *, home: Path, platform: str = sys.platform) -> Path:
    """Returns where this user's programs keep their state on this platform (XDG Base Directory on Linux)."""
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        given = environ.get("XDG_STATE_HOME", "")
        base = Path(given) if given.startswith("/") else home / ".local" / "state"
    return base / "wasm_oci" / "registry"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Creates the folder and holds its lock; raises UsageError where another program holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / _LOCK_FILE).open("a+b")
    except OSError as err:
        raise UsageError(f"cannot use the state folder: {reason_of(err)}", where=str(folder), hint="name another with --state") from err
    with stream:
        try:
            _lock(stream)
        except OSError as err:
            raise UsageError(
                "another local registry uses this state folder", where=str(folder), hint="end it, or name another with --state"
            ) from err
        yield


def _lock(stream: BinaryIO) -> None:
    """The system releases the lock when the file is closed, however the program ends."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
