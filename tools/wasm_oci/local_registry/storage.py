"""Repositories on disk: each is one OCI image layout (image specification, image-layout.md).

`index.json` is the only truth about tags and manifests; it is read for each request and replaced as a whole,
so that a layout which another program wrote is served as it is.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import read_bounded, write_file
from wasm_oci.jsontext import JsonObject, parse_object, pretty
from wasm_oci.limits import LIMITS
from wasm_oci.local_registry.names import folder_of, is_repository, name_of
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, REF_NAME_ANNOTATION

_INDEX_FILE_LIMIT = 16 * LIMITS.manifest


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
        found = (name_of(self.root, Path(folder)) for folder, _, files in os.walk(self.root) if "index.json" in files)
        return sorted(name for name in found if is_repository(name))


class Repository:
    """One layout. Every method is safe to call from several threads."""

    def __init__(self, folder: Path, lock: threading.RLock) -> None:
        self.folder = folder
        self.lock = lock
        """Held by those who must see no change between a check and a write."""

    def exists(self) -> bool:
        return (self.folder / "index.json").is_file()

    def blob(self, digest: Digest) -> Path | None:
        path = self._blob_path(digest)
        return path if path.is_file() else None

    def adopt(self, file: Path, digest: Digest) -> None:
        """Moves a complete file, whose digest the caller has computed, to its place."""
        with self.lock:
            self._create()
            file.replace(self._blob_path(digest))

    def mount(self, source: Path, digest: Digest) -> None:
        """Takes over another repository's blob: by a second link where the file system can, else by a copy."""
        with self.lock:
            self._create()
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
            if path is None or self._descriptors(self._entries(), digest):
                return False
            path.unlink()
            return True

    def tags(self) -> dict[str, Digest]:
        return {name: digest for name, digest, _ in _parsed(self._entries()) if name}

    def manifests(self) -> Iterator[StoredManifest]:
        """Yields all manifests, each once, in the order of their digests."""
        types = {digest: str(entry.get("mediaType", "")) for _, digest, entry in _parsed(self._entries())}
        for digest in sorted(types):
            with suppress(UsageError):
                data = read_bounded(self._blob_path(digest), LIMITS.manifest, what="stored manifest")
                yield StoredManifest(digest=digest, media_type=types[digest], data=data)

    def has_manifest(self, digest: Digest) -> bool:
        return self.blob(digest) is not None and bool(self._descriptors(self._entries(), digest))

    def manifest(self, reference: str | Digest) -> StoredManifest | None:
        """Returns the manifest with this tag or digest."""
        with self.lock:
            for name, digest, entry in _parsed(self._entries()):
                path = self.blob(digest)
                if reference in (name, digest) and path:
                    data = read_bounded(path, LIMITS.manifest, what="stored manifest")
                    return StoredManifest(digest=digest, media_type=str(entry.get("mediaType", "")), data=data)
        return None

    def put_manifest(self, data: bytes, *, digest: Digest, descriptor: JsonObject, tag: str | None) -> None:
        """Stores a manifest and moves `tag` to it; without a tag it is kept under its digest alone."""
        with self.lock:
            self._create()
            path = self._blob_path(digest)
            if not path.exists():
                write_file(path, data)
            entries = self._entries()
            if tag is None:
                if not self._descriptors(entries, digest):
                    self._write([*entries, descriptor])
                return
            rest = self._without_tag(entries, tag)
            rest = [entry for entry in rest if not (entry.get("digest") == str(digest) and _tag_of(entry) is None)]
            annotations = {**descriptor.get("annotations", {}), REF_NAME_ANNOTATION: tag}
            self._write([*rest, {**descriptor, "annotations": annotations}])

    def delete_tag(self, tag: str) -> bool:
        with self.lock:
            entries = self._entries()
            if not any(_tag_of(entry) == tag for entry in entries):
                return False
            self._write(self._without_tag(entries, tag))
            return True

    def delete_manifest(self, digest: Digest) -> bool:
        """Removes the manifest and all its tags."""
        with self.lock:
            entries = self._entries()
            if not self._descriptors(entries, digest):
                return False
            self._write([entry for entry in entries if entry.get("digest") != str(digest)])
            with suppress(FileNotFoundError):
                self._blob_path(digest).unlink()
            return True

    def _blob_path(self, digest: Digest) -> Path:
        return self.folder / "blobs" / "sha256" / digest.hex

    def _create(self) -> None:
        (self.folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        if not (self.folder / "oci-layout").exists():
            write_file(self.folder / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        if not self.exists():
            self._write([])

    def _entries(self) -> list[JsonObject]:
        if not self.exists():
            return []
        path = self.folder / "index.json"
        document = parse_object(read_bounded(path, _INDEX_FILE_LIMIT, what="index of a layout"), where=str(path), limit=_INDEX_FILE_LIMIT)
        entries = document.get("manifests")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise FormatError("manifests is not a list of objects", where=str(path))
        return entries

    def _write(self, entries: list[JsonObject]) -> None:
        document = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": entries}
        write_file(self.folder / "index.json", pretty(document))

    @staticmethod
    def _descriptors(entries: list[JsonObject], digest: Digest) -> list[JsonObject]:
        return [entry for entry in entries if entry.get("digest") == str(digest)]

    def _without_tag(self, entries: list[JsonObject], tag: str) -> list[JsonObject]:
        """Takes the tag away; a manifest that loses its last one stays, under its digest."""
        rest = [entry for entry in entries if _tag_of(entry) != tag]
        for entry in entries:
            if _tag_of(entry) == tag and all(other.get("digest") != entry.get("digest") for other in rest):
                annotations = {key: value for key, value in entry["annotations"].items() if key != REF_NAME_ANNOTATION}
                bare = {key: value for key, value in entry.items() if key != "annotations"}
                rest.append({**bare, "annotations": annotations} if annotations else bare)
        return rest


def _tag_of(entry: JsonObject) -> str | None:
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME_ANNOTATION) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None


def _parsed(entries: list[JsonObject]) -> Iterator[tuple[str | None, Digest, JsonObject]]:
    """Yields tag, digest and descriptor; entries of other digest algorithms are passed over."""
    for entry in entries:
        with suppress(FormatError):
            yield _tag_of(entry), Digest.parse(entry.get("digest")), entry
