"""Copies a manifest, and all that it names, from one store to another; the bytes stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import find_referrers, listed_referrers
from wasm_oci.oci.store import FetchedManifest, ManifestName, Store

_DEPTH = 8
"""Indexes in indexes, and referrers of referrers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A copy that is complete."""

    manifest: FetchedManifest
    """The manifest that was asked for: what to put under a tag."""
    manifests: tuple[Digest, ...]
    """All manifests and indexes that belong to it, referrers too, in the order in which they were stored."""
    bytes_sent: int
    """0 where everything was there."""


def copy(source: Store, destination: Store, digest: Digest, *, referrers: bool) -> Copied:
    """Copies a manifest or index with its blobs, children first; what is there is not sent again. No tag is written.

    With `referrers`, also what refers to each of these manifests, after it. Raises NotFoundError or DigestError for what
    the source lacks or has in another form, FormatError for a document that is neither manifest nor index, LimitError for
    one that is nested too deeply, and whatever else the stores raise; the manifest then is not at the destination unless
    it was there before or only its referrers are missing.
    """
    run = _Copy(source=source, destination=destination, referrers=referrers)
    fetched = run.copy(digest)
    return Copied(manifest=fetched, manifests=tuple(run.done), bytes_sent=run.sent)


@dataclass(slots=True, kw_only=True)
class _Copy:
    source: Store
    destination: Store
    referrers: bool
    done: dict[Digest, None] = field(default_factory=dict)
    sent: int = 0

    def copy(self, name: ManifestName, *, depth: int = 0, child: bool = False) -> FetchedManifest:
        """Copies what `name` stands for, and its referrers."""
        fetched = self.source.fetch_manifest(name)
        descriptor = fetched.descriptor
        if descriptor.digest in self.done:
            return fetched
        self._content(fetched, depth)
        if self.destination.find_manifest(descriptor if child else descriptor.digest) is None:
            self.destination.put_manifest(descriptor, fetched.data, child=child)
            self.sent += descriptor.size
        self.done[descriptor.digest] = None
        self._referrers(descriptor.digest, depth)
        return fetched

    def _content(self, fetched: FetchedManifest, depth: int) -> None:
        """Copies what a manifest or index names."""
        descriptor = fetched.descriptor
        where = f"{self.source.name}@{descriptor.digest}"
        if depth > _DEPTH:
            raise LimitError(f"more than {_DEPTH} levels of indexes and referrers", where=where)
        if descriptor.media_type == INDEX_MEDIA_TYPE:
            for entry in dict.fromkeys(Index.parse(fetched.data, where=where).manifests):
                self.copy(entry, depth=depth + 1, child=True)
        elif descriptor.media_type == MANIFEST_MEDIA_TYPE:
            manifest = Manifest.parse(fetched.data, where=where)
            for blob in dict.fromkeys((manifest.config, *manifest.layers)):
                self._blob(blob)
        else:
            raise FormatError(
                f"this is a {descriptor.media_type[:80]}, neither an image manifest nor an index",
                where=where,
                hint="copy it with another program",
            )

    def _blob(self, blob: Descriptor) -> None:
        self.sent += self.destination.put_blob(blob, partial(self.source.pieces, blob))

    def _referrers(self, subject: Digest, depth: int) -> None:
        if not self.referrers:
            return
        found = list(find_referrers(self.source, subject))
        listed = listed_referrers(self.destination, found)
        for referrer in found:
            descriptor = referrer.descriptor()
            if descriptor.digest in self.done:
                continue
            self._content(FetchedManifest(descriptor=descriptor, data=referrer.raw), depth + 1)
            if descriptor.digest not in listed or self.destination.find_manifest(descriptor.digest) is None:
                self.destination.attach(referrer)
                self.sent += descriptor.size
            self.done[descriptor.digest] = None
            self._referrers(descriptor.digest, depth + 1)
