"""The folder in which a registry keeps its layouts, and the lock that gives it to one program at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import reason_of

_LOCK_FILE = "_lock"
"""No repository's folder can have this name."""


def default_state() -> Path:
    """Returns where this user's programs keep their state on this platform (XDG Base Directory on Linux).

    Raises UsageError where the user has no home.
    """
    from platformdirs import user_state_path

    try:
        return user_state_path("wasm_oci", appauthor=False) / "registry"
    except RuntimeError as err:
        raise UsageError("this user has no state folder", hint="name a folder with --state") from err


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Creates the folder and holds its lock; raises UsageError where another program holds it."""
    from wasm_oci.locks import file_lock  # not for --help

    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            locked = stack.enter_context(file_lock(folder / _LOCK_FILE))
        except OSError as err:
            raise UsageError(
                f"cannot use the state folder: {reason_of(err)}", where=str(folder), hint="name another folder with --state"
            ) from err
        if not locked:
            raise UsageError(
                "another local registry uses this state folder", where=str(folder), hint="stop it, or name another folder with --state"
            )
        yield
