"""New key files: all or none, each with its mode from the beginning, and nothing overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import reason_of

BASE64 = "base64"
"""The form of a key as text for a variable, beside those of key files."""


def write_new(*files: tuple[Path, bytes, int], behind_link: bool = False) -> None:
    """Creates all files, each with its mode, or none; raises UsageError where one exists already or cannot be made.

    With `behind_link` the first is a relative link to a file `.NAME.owner-only` beside it, which may exist.
    """
    first = files[0][0]
    with _named_errors(first):
        target = first.with_name(f".{first.name}.owner-only") if behind_link else first
    with ExitStack() as undo:
        if behind_link:
            with _named_errors(target):
                target.unlink(missing_ok=True)
        for path, data, mode in files:
            place = target if path is first else path
            with _named_errors(path):
                descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
                undo.callback(place.unlink)
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(data)
        if behind_link:
            with _named_errors(first):
                _link(first, target)
        undo.pop_all()


def _link(path: Path, target: Path) -> None:
    """Makes `path` a relative link; where the system has none for this user, the file itself."""
    try:
        path.symlink_to(target.name)
    except OSError as err:
        if isinstance(err, FileExistsError):
            raise
        target.rename(path)


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as err:
        raise UsageError("the key file exists already", where=str(path), hint="name a new file, or move the old one away") from err
    except (OSError, ValueError) as err:
        raise UsageError(f"cannot write the key file: {reason_of(err)}", where=str(path), hint="check its folder") from err
