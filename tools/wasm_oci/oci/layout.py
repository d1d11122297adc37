"""OCI image layouts: folders with `oci-layout`, `index.json` and `blobs/sha256/<hex>` (image-layout.md).

A layout may come from anyone: digests and sizes are checked whenever content is read, and names are made from
checked digests only. Links inside are followed, because build systems make layouts of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from wasm_oci.digest import Digest, checked, chunks, digest_of
from wasm_oci.errors import DigestError, FormatError, LimitError, NotFoundError, UsageError
from wasm_oci.files import atomic_output, open_input, read_bounded, reason_of, write_file
from wasm_oci.jsontext import parse_object, pretty
from wasm_oci.limits import KIB, LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.deferred import Deferred
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor
from wasm_oci.oci.manifest import Index, Manifest

_MARKER, _INDEX = "oci-layout", "index.json"
_BLOBS = Path("blobs", "sha256")
_VERSION = "1.0.0"
_MARKER_TEXT = b'{"imageLayoutVersion":"1.0.0"}'
_SHOWN_TAGS = 20


def write_layout(folder: Path, manifest: bytes, blobs: Mapping[Digest, Path | bytes], ref_name: str) -> Descriptor:
    """Makes a layout of one manifest in a folder that is absent or empty; returns the manifest's descriptor.

    `blobs` must hold what the manifest names. The digests of those that are files are taken as given. Nothing is
    left behind in the folder where this raises: UsageError, or FormatError for an unusable manifest.
    """
    document = Manifest.parse(manifest, where="manifest")
    described = document.descriptor()
    _claim(folder)
    try:
        for blob in dict.fromkeys((document.config, *document.layers)):
            _place(folder, blob, blobs)
        write_file(folder / _BLOBS / described.digest.hex, manifest, what="manifest")
        write_file(folder / _MARKER, _MARKER_TEXT, what="layout")
        _write_index(folder, Index(manifests=(_tagged(described, ref_name),)))
    except BaseException:
        for entry in (folder / _MARKER, folder / _INDEX):
            entry.unlink(missing_ok=True)
        shutil.rmtree(folder / _BLOBS.parent, ignore_errors=True)
        raise
    return described


def _claim(folder: Path) -> None:
    with _usable(folder, "make"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError("the folder for the layout is not empty", where=str(folder), hint="name a new folder, or empty this one")
        (folder / _BLOBS).mkdir(parents=True)


@contextmanager
def _usable(folder: Path, verb: str) -> Iterator[None]:
    """Makes a UsageError of what the system says about the path: permissions, length, characters."""
    try:
        yield
    except (OSError, ValueError) as err:
        reason = reason_of(err) if isinstance(err, OSError) else "a path cannot have such characters"
        raise UsageError(f"cannot {verb} the layout: {reason}", where=str(folder), hint="check the path and its permissions") from err


def _place(folder: Path, blob: Descriptor, blobs: Mapping[Digest, Path | bytes]) -> None:
    source, target = blobs[blob.digest], folder / _BLOBS / blob.digest.hex
    if isinstance(source, bytes):
        write_file(target, source, what="blob")
        return
    with open_input(source, what="blob") as stream, atomic_output(target, what="blob") as output:
        shutil.copyfileobj(stream, output, LIMITS.chunk)
        if output.tell() != blob.size:
            raise DigestError(f"the file has {output.tell()} bytes now, not {blob.size}", where=str(source), hint="run again")


class Layout:
    """A layout on disk. What is read from it is checked; what is put into it has its name only when complete."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.index = index

    @staticmethod
    def open(folder: Path) -> Layout:
        """Reads the index; raises UsageError, FormatError or LimitError where there is no usable layout."""
        with _usable(folder, "read"):
            there = folder.is_dir()
        if not there:
            raise UsageError("there is no OCI layout", where=str(folder), hint="name the folder that holds index.json")
        path = folder / _MARKER
        marker = parse_object(read_bounded(path, KIB, what="layout's marker file"), where=str(path))
        if marker.get("imageLayoutVersion") != _VERSION:
            raise FormatError(f"imageLayoutVersion must be {_VERSION}", where=str(path), hint="write the layout anew")
        return Layout(folder, _read_index(folder))

    @staticmethod
    def find(folder: Path) -> Layout | None:
        """Like `open`, but returns None where the folder is absent or empty."""
        with _usable(folder, "read"):
            there = folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))
        return Layout.open(folder) if there else None

    @staticmethod
    def create(folder: Path) -> Layout:
        """Opens the layout, and makes an empty one where the folder is absent or empty."""
        layout = Layout.find(folder)
        if layout is None:
            _claim(folder)
            write_file(folder / _MARKER, _MARKER_TEXT, what="layout")
            layout = Layout(folder, Index())
            _write_index(folder, layout.index)
        return layout

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(sorted({tag for entry in self.index.manifests if (tag := _tag_of(entry))}))

    def manifest(self, name: str | Digest | None) -> tuple[Descriptor, bytes]:
        """Returns the manifest or index of a tag or digest; with None, the only one that there is.

        Of several entries the tagged ones count, because referrers have no tag. Raises NotFoundError where nothing
        has that name, UsageError where None could mean several, DigestError or LimitError for a bad blob.
        """
        entry = self._entry(name)
        if entry.size > LIMITS.manifest:
            raise LimitError(f"the manifest has {entry.size} bytes, more than {LIMITS.manifest}", where=self._path(entry.digest))
        return entry, self.read_blob(entry)

    def _entry(self, name: str | Digest | None) -> Descriptor:
        entries = self.index.manifests
        if name is None:
            entries = tuple(entry for entry in entries if _tag_of(entry)) or entries
        elif isinstance(name, Digest):
            entries = tuple(entry for entry in entries if entry.digest == name)
        else:
            entries = tuple(entry for entry in entries if _tag_of(entry) == name)
        tags = ", ".join(tag[:128] for tag in self.tags[:_SHOWN_TAGS])
        shown = f"the tags here are {tags}" if tags else "it has no tags; name a digest"
        if len({entry.digest for entry in entries}) > 1:
            what = f"{len(entries)} manifests could be meant" if name is None else f"tag {name} stands for {len(entries)} manifests"
            raise UsageError(what, where=str(self.folder), hint=shown)
        if not entries:
            what = "the layout is empty" if name is None else f"the layout has no manifest {name}"
            raise NotFoundError(what, where=str(self.folder), hint=shown if self.index.manifests else "push something to it first")
        return entries[0]

    def has(self, blob: Descriptor) -> bool:
        """Says whether a blob is there, whole and unchanged: its content is read."""
        try:
            with self.open_blob(blob) as stream:
                return digest_of(stream) == (blob.digest, blob.size)
        except (NotFoundError, DigestError):
            return False

    def blob_path(self, descriptor: Descriptor) -> Path:
        """Returns where a blob is, or would be."""
        return self.folder / _BLOBS / descriptor.digest.hex

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """Opens a blob; raises NotFoundError, or DigestError where its size is wrong.

        The digest is for the reader to check: see `pieces` and `digest.checked`.
        """
        path = self.blob_path(descriptor)
        if not path.exists():
            raise NotFoundError(f"blob {descriptor.digest} is missing from the layout", where=str(self.folder), hint="write it anew")
        stream = open_input(path, what="blob")
        size = stream.seek(0, 2)
        if size != descriptor.size:
            stream.close()
            raise DigestError(f"the blob has {size} bytes, not {descriptor.size}", where=str(path), hint="write the layout anew")
        stream.seek(0)
        return stream

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yields a blob's content; raises DigestError at the end where it is not what the descriptor says."""
        with self.open_blob(descriptor) as stream:
            yield from checked(chunks(stream), descriptor.digest, descriptor.size, where=self._path(descriptor.digest))

    def read_blob(self, descriptor: Descriptor, *, limit: int = LIMITS.manifest) -> bytes:
        """Returns a small blob, checked; raises LimitError above `limit` bytes."""
        if descriptor.size > limit:
            raise LimitError(f"the blob has {descriptor.size} bytes, more than {limit}", where=self._path(descriptor.digest))
        return b"".join(self.pieces(descriptor))

    def referrers(self, subject: Digest) -> Iterator[tuple[Descriptor, Manifest]]:
        """Yields the manifests of the index that refer to `subject`; raises LimitError where it has too many entries.

        One that cannot be read does not hide the others: its error is raised after the last of them.
        """
        entries = [entry for entry in self.index.manifests if entry.media_type == MANIFEST_MEDIA_TYPE and entry.digest != subject]
        if len(entries) > LIMITS.referrers:
            raise LimitError(f"more than {LIMITS.referrers} manifests to look through", where=str(self.folder))
        deferred = Deferred()
        for entry in entries:
            found = None
            with deferred.entry():
                found = Manifest.parse(self.read_blob(entry), where=self._path(entry.digest))
            if found and found.subject and found.subject.digest == subject:
                yield entry, found
        deferred.close()

    def put_blob(self, pieces: Iterator[bytes], descriptor: Descriptor) -> None:
        """Stores a blob; raises DigestError, and stores nothing, where `pieces` are not what the descriptor says."""
        path = self.folder / _BLOBS / descriptor.digest.hex
        with atomic_output(path, what="blob") as stream:
            for piece in checked(pieces, descriptor.digest, descriptor.size, where=str(path)):
                stream.write(piece)

    def put_manifest(self, descriptor: Descriptor, data: bytes, tag: str | None) -> None:
        """Stores a manifest or index and lists it, under `tag` where given.

        What had the tag before stays listed without one, so that its digest can still be asked for.
        """
        self.put_blob(iter((data,)), descriptor)
        with machine_lock(str((self.folder / _INDEX).resolve())) as locked:
            if not locked:
                raise UsageError("another program is writing to the layout", where=str(self.folder), hint="try again when it is done")
            index = _read_index(self.folder)
            self.index = replace(index, manifests=_with(index.manifests, descriptor, tag))
            _write_index(self.folder, self.index)

    def _path(self, digest: Digest) -> str:
        return str(self.folder / _BLOBS / digest.hex)


def _with(entries: tuple[Descriptor, ...], descriptor: Descriptor, tag: str | None) -> tuple[Descriptor, ...]:
    """Returns the entries with `descriptor` listed under `tag`."""
    kept = [_tagged(entry, None) if tag and _tag_of(entry) == tag else entry for entry in entries]
    if tag:
        kept.append(_tagged(descriptor, tag))
    else:
        kept.append(descriptor)
    named = {entry.digest for entry in kept if _tag_of(entry)}
    seen: set[tuple[Digest, str | None]] = set()
    result = []
    for entry in kept:
        key = (entry.digest, _tag_of(entry))
        if key not in seen and (key[1] or entry.digest not in named):
            result.append(entry)
        seen.add(key)
    return tuple(result)


def _tag_of(entry: Descriptor) -> str | None:
    return entry.annotations.get(REF_NAME_ANNOTATION)


def _tagged(entry: Descriptor, tag: str | None) -> Descriptor:
    others = {key: value for key, value in entry.annotations.items() if key != REF_NAME_ANNOTATION}
    return replace(entry, annotations={**others, REF_NAME_ANNOTATION: tag} if tag else others)


def _read_index(folder: Path) -> Index:
    path = folder / _INDEX
    return Index.parse(read_bounded(path, LIMITS.manifest, what="layout's index"), where=str(path))


def _write_index(folder: Path, index: Index) -> None:
    document = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": [entry.to_json() for entry in index.manifests]}
    if index.annotations:
        document["annotations"] = dict(index.annotations)
    write_file(folder / _INDEX, pretty(document), what="layout's index")
