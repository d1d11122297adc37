"""Repositories on disk: each is one OCI image layout (image specification, image-layout.md).

`index.json` is the only truth about tags and manifests; it is read for each request and replaced as a whole,
so that a layout which another program wrote is served as it is.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import read_bounded, write_file
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.local_registry.names import folder_of, is_repository, name_of
from wasm_oci.oci.layout import INDEX, blob_path, complete_layout, layout_lock, read_index, write_index
from wasm_oci.oci.layout_index import LayoutIndex, tag_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredManifest:
    """A manifest's bytes and what `index.json` says about them."""

    digest: Digest
    media_type: str
    data: bytes = field(repr=False)


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


class Repository:
    """One layout. Every method is safe to call from several threads."""

    def __init__(self, folder: Path, lock: threading.RLock) -> None:
        self.folder = folder
        self.lock = lock
        """Held by those who must see no change between a check and a write."""

    def exists(self) -> bool:
        return (self.folder / INDEX).is_file()

    def blob(self, digest: Digest) -> Path | None:
        path = self._blob_path(digest)
        return path if path.is_file() else None

    def adopt(self, file: Path, digest: Digest) -> None:
        """Moves a complete file, whose digest the caller has computed, to its place."""
        with self.lock:
            complete_layout(self.folder)
            file.replace(self._blob_path(digest))

    def mount(self, source: Path, digest: Digest) -> None:
        """Takes over another repository's blob: by a second link where the file system can, else by a copy."""
        with self.lock:
            complete_layout(self.folder)
            target = self._blob_path(digest)
            if target.exists():
                return
            temporary = target.with_name(f".{digest.hex}.{threading.get_ident()}.tmp")
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
            temporary.replace(target)

    def delete_blob(self, digest: Digest) -> bool:
        """Returns whether it was there. A manifest is no blob in this sense."""
        with self.lock:
            path = self.blob(digest)
            if path is None or self._index().named(digest):
                return False
            path.unlink()
            return True

    def tags(self) -> dict[str, Digest]:
        return {tag: digest for entry, digest in _readable(self._index().objects()) if (tag := tag_of(entry))}

    def manifests(self) -> Iterator[StoredManifest]:
        """Yields all manifests, each once, in the order of their digests."""
        types = {digest: _media_type(entry) for entry, digest in _readable(self._index().objects())}
        for digest in sorted(types):
            with suppress(UsageError):
                data = read_bounded(self._blob_path(digest), LIMITS.manifest, what="stored manifest")
                yield StoredManifest(digest=digest, media_type=types[digest], data=data)

    def has_manifest(self, digest: Digest) -> bool:
        return self.blob(digest) is not None and bool(self._index().named(digest))

    def manifest(self, reference: str | Digest) -> StoredManifest | None:
        """Returns the manifest with this tag or digest."""
        with self.lock:
            for entry, digest in _readable(self._index().named(reference)):
                if path := self.blob(digest):
                    data = read_bounded(path, LIMITS.manifest, what="stored manifest")
                    return StoredManifest(digest=digest, media_type=_media_type(entry), data=data)
        return None

    def put_manifest(self, data: bytes, *, digest: Digest, descriptor: JsonObject, tag: str | None) -> None:
        """Stores a manifest and moves `tag` to it; without a tag it is kept under its digest alone."""
        with self.lock:
            complete_layout(self.folder)
            path = self._blob_path(digest)
            if not path.exists():
                write_file(path, data)
            self._edit(lambda index: index.put(descriptor, tag))

    def delete_tag(self, tag: str) -> bool:
        """The manifest stays, under its digest. Returns whether the tag was there."""
        with self.lock:
            return self._edit(lambda index: index.delete_tag(tag))

    def delete_manifest(self, digest: Digest) -> bool:
        """Removes the manifest and all its tags; returns whether it was there."""
        with self.lock:
            if not self._edit(lambda index: index.delete(digest)):
                return False
            with suppress(FileNotFoundError):
                self._blob_path(digest).unlink()
            return True

    def _blob_path(self, digest: Digest) -> Path:
        return blob_path(self.folder, digest)

    def _index(self) -> LayoutIndex:
        return read_index(self.folder) if self.exists() else LayoutIndex()

    def _edit(self, edit: Callable[[LayoutIndex], bool]) -> bool:
        """Carries out an edit, and writes the index where it says that it changed something."""
        if not self.exists():
            return False
        with layout_lock(self.folder):
            index = self._index()
            changed = edit(index)
            if changed:
                write_index(self.folder, index)
        return changed


def _media_type(entry: JsonObject) -> str:
    return str(entry.get("mediaType", ""))


def _readable(entries: Iterable[JsonObject]) -> Iterator[tuple[JsonObject, Digest]]:
    """Yields entries with their digests; those of other digest algorithms are passed over."""
    for entry in entries:
        with suppress(FormatError):
            yield entry, Digest.parse(entry.get("digest"))
