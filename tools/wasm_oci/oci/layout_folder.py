"""The folder of an OCI image layout: what its index lists, where its blobs are, and edits of both.

It takes any media type and any annotations, as a registry must. `LayoutStore` is what clients read, more strictly.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, UsageError
from wasm_oci.files import atomic_path, file_type, read_bounded, real_path
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.layout import (
    blob_path,
    create_layout,
    find_layout,
    layout_lock,
    make_blob_path,
    parse_index,
    read_index_bytes,
    usable,
    write_index,
)
from wasm_oci.oci.layout_index import LayoutIndex, tag_of
from wasm_oci.oci.store import FetchedManifest


class LayoutFolder:
    """A folder, which need not exist: it is made by the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._latest: tuple[bytes, LayoutIndex] | None = None
        """The index as it was last read or written."""

    def exists(self) -> bool:
        """Returns whether there is a layout; raises UsageError, FormatError or LimitError where something else is there."""
        return find_layout(self.folder)

    def create(self) -> None:
        """Makes the layout where there is none; raises what `exists` raises, and UsageError where it cannot be made."""
        create_layout(self.folder)

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps all other writers from changing the index while a block runs; raises UsageError where one does not end."""
        return layout_lock(self.folder)

    def _index(self) -> LayoutIndex:
        """Returns the index as it is now, for reading only; it is parsed again only where it has changed."""
        if not self.exists():
            return LayoutIndex()
        data, latest = read_index_bytes(self.folder), self._latest
        if latest is None or latest[0] != data:
            latest = self._latest = (data, parse_index(self.folder, data))
        return latest[1]

    def _edit(self, edit: Callable[[LayoutIndex], bool]) -> bool:
        """Carries out an edit, and writes the index where it returns that it changed something; nothing where there is no layout."""
        if not self.exists():
            return False
        with self.exclusive():
            index = self._index().copy()
            changed = edit(index)
            if changed:
                self._latest = (write_index(self.folder, index), index)
        return changed

    def stored(self, name: Digest | str) -> FetchedManifest | None:
        """Returns the manifest of a digest or tag, of whatever media type; None where it is not listed, or its file is not there.

        For a registry, which serves what others read: of the entry only the digest and the media type are looked at.
        """
        for entry, digest in _with_digests(self._index().named(name)):
            if found := self._stored(entry, digest):
                return found
        return None

    def all_stored(self) -> Iterator[FetchedManifest]:
        """Yields what `stored` returns for each digest that is listed, in their order."""
        entries = {digest: entry for entry, digest in _with_digests(self._index().objects())}
        for digest in sorted(entries):
            if found := self._stored(entries[digest], digest):
                yield found

    def _stored(self, entry: JsonObject, digest: Digest) -> FetchedManifest | None:
        path = blob_path(self.folder, digest)
        try:
            data = read_bounded(path, LIMITS.manifest, what="manifest")
        except UsageError:
            if self.find_blob(digest) is None:
                return None
            raise
        if not digest.is_of(data):
            raise DigestError("the manifest is damaged: it has another digest", where=str(path), hint="push it again")
        media_type = entry.get("mediaType")
        found = Descriptor(media_type=media_type if isinstance(media_type, str) else "", digest=digest, size=len(data))
        return FetchedManifest(descriptor=found, data=data)

    def listed(self) -> frozenset[Digest]:
        """Returns the digests of all manifests that the index lists, as far as they can be read."""
        return frozenset(digest for _, digest in _with_digests(self._index().objects()))

    def tagged(self) -> dict[str, Digest]:
        """Returns what each tag stands for, of those whose entry has a digest that can be read."""
        return {tag: digest for entry, digest in _with_digests(self._index().objects()) if (tag := tag_of(entry))}

    def find_blob(self, digest: Digest) -> Path | None:
        """Returns the file of a blob or manifest, None where there is none. Its content is for the reader to check."""
        path = blob_path(self.folder, digest)
        return path if file_type(path, what="blob") == stat.S_IFREG else None

    def adopt(self, file: Path, digest: Digest) -> None:
        """Moves a file of the same file system to its place as a blob; the caller has computed its digest."""
        self.create()
        target = make_blob_path(self.folder, digest)
        with usable(self.folder, "write to"):
            file.replace(target)

    def link(self, source: Path, digest: Digest) -> None:
        """Takes over a blob of another layout: by a second link where the file system can, else by a copy."""
        self.create()
        target = make_blob_path(self.folder, digest)
        if file_type(target, what="blob") == stat.S_IFREG:
            return
        with atomic_path(target, what="blob") as temporary:
            temporary.unlink()
            try:
                os.link(real_path(source), temporary)
            except OSError:
                shutil.copyfile(source, temporary)

    def delete_blob(self, digest: Digest) -> bool:
        """Returns whether it was there. What the index lists is no blob in this sense."""
        if self.find_blob(digest) is None:
            return False
        with self.exclusive():
            if self._index().named(digest):
                return False
            self._unlink(digest)
            return True

    def delete_tag(self, tag: str) -> bool:
        """The manifest stays, under its digest. Returns whether the tag was there."""
        return self._edit(lambda index: index.delete_tag(tag))

    def delete_manifest(self, digest: Digest) -> bool:
        """Removes a manifest and all its tags; returns whether it was listed."""
        if not self._edit(lambda index: index.delete(digest)):
            return False
        self._unlink(digest)
        return True

    def _unlink(self, digest: Digest) -> None:
        with usable(self.folder, "write to"):
            blob_path(self.folder, digest).unlink(missing_ok=True)


def _with_digests(entries: Iterable[JsonObject]) -> Iterator[tuple[JsonObject, Digest]]:
    """Yields entries with their digests; those whose digest cannot be read are passed over."""
    for entry in entries:
        with suppress(FormatError):
            yield entry, Digest.parse(entry.get("digest"))
