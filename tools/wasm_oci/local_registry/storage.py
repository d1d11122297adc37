"""Repositories on disk: each is one OCI image layout (image specification, image-layout.md).

`index.json` is the only truth about tags and manifests; it is read for each request and replaced as a whole,
so that a layout which another program wrote is served as it is.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wasm_oci.local_registry.names import folder_of, is_repository, name_of
from wasm_oci.oci.layout import INDEX, complete_layout
from wasm_oci.oci.layout_store import LayoutStore


class Storage:
    """All repositories below one folder, which belongs to this object alone while it is in use."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "_incoming"
        """Where uploads grow; no repository's folder can have this name."""
        self._locks: dict[str, threading.RLock] = {}
        self._guard = threading.Lock()
        root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir()

    def repository(self, name: str) -> Repository:
        """`name` must be valid. The repository need not exist: it comes into being with its first content."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.RLock())
        return Repository(folder_of(self.root, name), lock)

    def names(self) -> list[str]:
        """Returns the names of the repositories that exist, sorted."""
        found = (name_of(self.root, Path(folder)) for folder, _, files in os.walk(self.root) if INDEX in files)
        return sorted(name for name in found if is_repository(name))


class Repository(LayoutStore):
    """A layout that may have those of other repositories inside. Several threads may use it at once."""

    def __init__(self, folder: Path, lock: threading.RLock) -> None:
        super().__init__(folder)
        self.lock = lock
        """Held by those who must see no change between a check and a write."""

    def exists(self) -> bool:
        return (self.folder / INDEX).is_file()

    def create(self) -> None:
        with self.lock:
            complete_layout(self.folder)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self.lock, super().exclusive():
            yield
