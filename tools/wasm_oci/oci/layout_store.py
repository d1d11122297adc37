"""An OCI image layout as a store.

A layout may come from anyone: digests and sizes are checked whenever content is read, and names are made from
checked digests only. Links inside are followed, because build systems make layouts of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from wasm_oci.digest import Digest, checked, chunks, digest_of
from wasm_oci.errors import DigestError, FormatError, LimitError, NotFoundError, UsageError
from wasm_oci.files import atomic_output, file_type, open_input, real_path
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.layout import blob_path, check_layout, make_blob_path, read_index
from wasm_oci.oci.layout_folder import LayoutFolder
from wasm_oci.oci.layout_index import LayoutIndex, is_descriptor, tag_of
from wasm_oci.oci.layout_referrers import ListedReferrers, listed_manifests
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.store import Content, FetchedManifest, ManifestName

_SHOWN_TAGS = 20


class LayoutStore(LayoutFolder):
    """A folder, which need not exist: it is made by the first write. Referrers are untagged entries of its index."""

    credential_source = "none (a folder)"
    connection = ""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._listed = ListedReferrers()

    @staticmethod
    def open(folder: Path) -> LayoutStore:
        """Raises UsageError, FormatError or LimitError where there is no usable layout."""
        check_layout(folder)
        return LayoutStore(folder)

    @staticmethod
    def snapshot(folder: Path) -> LayoutStore:
        """Returns a layout as it is now, for reading: its index is read once. Raises as `open`."""
        check_layout(folder)
        return _Snapshot(folder)

    def as_now(self) -> LayoutStore:
        """Raises as `open`."""
        return LayoutStore.snapshot(self.folder)

    @property
    def name(self) -> str:
        """The folder as `layout_target` takes it, so that what a command shows can be given to the next: a path by its form."""
        by_its_form = self.folder.is_absolute() or self.folder.parts[:1] in ((), ("..",))
        return str(self.folder) if by_its_form else f"./{self.folder}"

    @property
    def identity(self) -> str:
        return str(real_path(self.folder, what="layout"))

    @property
    def place(self) -> str:
        return self.identity

    @property
    def whole(self) -> bool:
        return False

    def only_manifest(self) -> Descriptor:
        """Returns the only manifest that there is. Of several entries the tagged ones count, because referrers have no tag.

        Raises NotFoundError where there is none, UsageError where several could be meant, FormatError for a malformed entry.
        """
        index = self._index()
        entries = [entry for entry in index.objects() if tag_of(entry)] or list(index.objects())
        if not entries:
            raise NotFoundError("the layout is empty", where=self.name, hint="push something to it first")
        if (count := _digests(entries)) > 1:
            raise UsageError(f"{count} manifests match: the name is ambiguous", where=self.name, hint=_shown(index))
        return index.read(entries)

    def find_manifest(self, name: ManifestName) -> Descriptor | None:
        found = self._find(self._index(), name)
        return self._read(found).descriptor if found and isinstance(name, str) else found

    def _find(self, index: LayoutIndex, name: ManifestName) -> Descriptor | None:
        """Raises UsageError for a tag of several manifests, FormatError for one whose entry is malformed."""
        if not isinstance(name, str):
            digest = name.digest if isinstance(name, Descriptor) else name
            entries = [entry for entry in index.named(digest) if is_descriptor(entry)]
            if entries:
                return index.read(entries)
            return name if isinstance(name, Descriptor) and self.has_blob(name) else None
        entries = index.named(name)
        if (count := _digests(entries)) > 1:
            raise UsageError(f"tag {name} names {count} manifests", where=self.name, hint=_shown(index))
        return index.read(entries) if entries else None

    def fetch_manifest(self, name: ManifestName) -> FetchedManifest:
        index = self._index()
        found = self._find(index, name)
        if found is None:
            text = name.digest if isinstance(name, Descriptor) else name
            hint = _shown(index) if index.entries else "push something to it first"
            raise NotFoundError(f"the layout has no manifest {text}", where=self.name, hint=hint)
        return self._read(found)

    def _read(self, found: Descriptor) -> FetchedManifest:
        if found.size > LIMITS.manifest:
            raise LimitError(f"the manifest has {found.size} bytes, more than {LIMITS.manifest}", where=self._where(found.digest))
        return FetchedManifest(descriptor=found, data=b"".join(self.pieces(found)))

    def put_manifest(self, descriptor: Descriptor, data: bytes, tag: str | None = None, *, child: bool = False) -> None:
        """What had the tag before stays listed without one, so that its digest can still be asked for."""
        self.create()
        self._write_blob(descriptor, iter((data,)))
        if not child:
            self._edit(lambda index: index.put(descriptor.to_json(), tag))

    def tags(self) -> tuple[str, ...]:
        tags = tuple(self._index().tags())
        if len(tags) > LIMITS.tags:
            raise LimitError(f"{len(tags)} tags exceed the limit of {LIMITS.tags}", where=self.name)
        return tags

    def has_blob(self, blob: Descriptor) -> bool:
        """Reads the content: a damaged blob is not there."""
        try:
            with self.open_blob(blob) as stream:
                return digest_of(stream, blob.digest.algorithm) == (blob.digest, blob.size)
        except (NotFoundError, DigestError):
            return False

    def blob_path(self, blob: Descriptor) -> Path:
        """Returns where a blob is, or would be."""
        return blob_path(self.folder, blob.digest)

    def open_blob(self, blob: Descriptor) -> BinaryIO:
        """Opens a blob; raises NotFoundError, or DigestError where its size is wrong. The digest is for the reader to check."""
        path = self.blob_path(blob)
        if file_type(path, what="blob") is None:
            raise NotFoundError(f"blob {blob.digest} is missing from the layout", where=self.name, hint="write the layout again")
        stream = open_input(path, what="blob")
        size = stream.seek(0, 2)
        if size != blob.size:
            stream.close()
            raise DigestError(f"the blob has {size} bytes, not {blob.size}", where=str(path), hint="write the layout again")
        stream.seek(0)
        return stream

    def pieces(self, blob: Descriptor) -> Iterator[bytes]:
        with self.open_blob(blob) as stream:
            yield from checked(chunks(stream), blob.digest, blob.size, where=self._where(blob.digest))

    def put_blob(self, blob: Descriptor, content: Content, *, missing: bool = False) -> int:
        if not missing and self.has_blob(blob):
            return 0
        self.create()
        self._write_blob(blob, content())
        return blob.size

    def _write_blob(self, blob: Descriptor, pieces: Iterator[bytes]) -> None:
        path = make_blob_path(self.folder, blob.digest)
        with atomic_output(path, what="blob") as stream, checked(pieces, blob.digest, blob.size, where=str(path)) as whole:
            for piece in whole:
                stream.write(piece)

    def other_manifests(self, subject: Digest) -> tuple[list[Descriptor], list[FormatError]]:
        """Returns all manifests and indexes that are listed but `subject`, each once, and what is wrong with malformed entries.

        Raises LimitError where they are too many to look through.
        """
        listed = listed_manifests(self._index(), where=self.name)
        return [entry for entry in listed.entries if entry.digest != subject], listed.unreadable

    def referrers(self, subject: Digest, artifact_type: str | None = None) -> Iterator[Descriptor]:
        """Looks through the manifests of the index; raises LimitError where they are too many."""
        subjects = self._digests_of(subject)
        for found in self._listed.of(self._index(), subjects, read=self._read, where=self.name):
            if artifact_type in (None, found.artifact_type):
                yield found

    def _digests_of(self, subject: Digest) -> frozenset[Digest]:
        """The digests of a manifest by every algorithm, where it is here and undamaged."""
        try:
            return Digest.all_of(self.fetch_manifest(subject).data)
        except (NotFoundError, FormatError, DigestError, LimitError):
            return frozenset({subject})

    def attach(self, referrer: Manifest | Index) -> str:
        self.put_manifest(referrer.descriptor(), referrer.raw)
        return "index.json"

    def _where(self, digest: Digest) -> str:
        return str(blob_path(self.folder, digest))


class _Snapshot(LayoutStore):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._read_once = read_index(folder)

    def as_now(self) -> LayoutStore:
        return self

    def _index(self) -> LayoutIndex:
        return self._read_once


def _digests(entries: Iterable[JsonObject]) -> int:
    return len({str(entry.get("digest")) for entry in entries})


def _shown(index: LayoutIndex) -> str:
    tags = ", ".join(tag[:128] for tag in index.tags()[:_SHOWN_TAGS])
    return f"use one of the tags {tags}" if tags else "the layout has no tags: use a digest"
