"""Files that are on the disk, whole, once writing them returns: what was acknowledged survives a crash and a loss of power."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import reason_of

_STAGED = ".staged"


class DurableFolder:
    """Writes files below a folder, for one process at a time; each is replaced as a whole, or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, data: bytes) -> None:
        """Raises UsageError where the file cannot be written."""
        try:
            self._write(name, data)
        except OSError as err:
            raise _unwritable(self._folder / name, err) from err

    def rename(self, old: str, new: str) -> None:
        """Raises UsageError where that is not possible."""
        try:
            (self._folder / old).replace(self._folder / new)
            _sync_folder((self._folder / new).parent)
        except OSError as err:
            raise _unwritable(self._folder / new, err) from err

    def remove_folder(self, name: str) -> None:
        """Removes a folder of files, if it is there, at any time from now on; raises UsageError where that is not possible."""
        path = self._folder / name
        try:
            for file in path.iterdir() if path.is_dir() else ():
                file.unlink()
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError as err:
            raise _unwritable(path, err) from err

    def _write(self, name: str, data: bytes) -> None:
        path, staged = self._folder / name, self._folder / _STAGED
        self._make_folder(path.parent)
        staged.unlink(missing_ok=True)  # a link there would be followed
        with staged.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        staged.replace(path)
        _sync_folder(path.parent)

    def _make_folder(self, folder: Path) -> None:
        if folder == self._folder or folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable; Windows has nothing for that, and NTFS keeps a journal of names."""
    if sys.platform == "win32":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot write the log: {reason_of(error)}", where=str(path), hint="check the folder's permissions and its free space"
    )
