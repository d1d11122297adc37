"""The interface to a place that holds manifests, blobs, tags and referrers: a folder or a repository of a registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.manifest import Index, Manifest

ManifestName = Digest | str | Descriptor
"""A digest, a tag, or the descriptor by which an index names the manifest: a layout need not list such a one by itself."""

NOT_STORED = "run again; if this persists, the registry does not store what it is sent"
"""The remedy where what was accepted does not come back."""

Content = Callable[[], Iterator[bytes]]
"""Opens the content of a blob, once for each attempt to store it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedManifest:
    """A manifest or index as it came, with the digest of its bytes."""

    descriptor: Descriptor
    data: bytes = field(repr=False)


class Store(Protocol):
    """Reads and writes of one place; what is read is checked against its digest.

    Every method raises WasmOciError where it cannot do or know what is asked. Nothing is ever assumed.
    """

    @property
    def name(self) -> str:
        """Host and repository, or the folder: what it is called in plans and results."""

    @property
    def place(self) -> str:
        """What may be out of order as a whole, and takes so many requests at a time: a registry, or the folder."""

    @property
    def identity(self) -> str:
        """Is the same for two stores of one place, however each was named."""

    @property
    def whole(self) -> bool:
        """Whether a manifest that is there has its blobs, because none is taken without them."""

    @property
    def credential_source(self) -> str:
        """Where the credential is from, as far as one was needed; never a value."""

    @property
    def connection(self) -> str:
        """What a plan says of how it is reached; empty where that is encrypted or on this machine."""

    def find_manifest(self, name: ManifestName) -> Descriptor | None:
        """Returns what a name stands for, None where it is not there; what a tag names is known of its content."""

    def fetch_manifest(self, name: ManifestName) -> FetchedManifest:
        """Raises NotFoundError where it is not there."""

    def put_manifest(self, descriptor: Descriptor, data: bytes, tag: str | None = None, *, child: bool = False) -> None:
        """Stores a manifest or index under its digest, and under `tag` where given; what it names is there.

        With `child`, an index follows that names it, so that a layout does not list it.
        """

    def tags(self) -> tuple[str, ...]:
        """Returns all tags, sorted; raises where they are more than the limit, so that a list is never cut short."""

    def has_blob(self, blob: Descriptor) -> bool:
        """Says whether the blob is there, whole."""

    def pieces(self, blob: Descriptor) -> Iterator[bytes]:
        """Yields a blob; raises NotFoundError, or DigestError at its end where it is another one.

        The consumer must throw away what it got when this raises.
        """

    def put_blob(self, blob: Descriptor, content: Content, *, missing: bool = False) -> int:
        """Stores a blob and returns the bytes that were sent, 0 where it was there.

        With `missing` it is known not to be there, and that is not asked again.
        Raises DigestError, and stores nothing, where `content` is not the blob.
        """

    def referrers(self, subject: Digest, artifact_type: str | None = None) -> Iterator[Descriptor]:
        """Yields what is listed as referring to a manifest; with `artifact_type`, at least all of that type.

        Lists may name wrong types and what is gone: see `referrers.find_referrers`. An entry that cannot be read does not
        hide the others: its error is raised after the last of them.
        """

    def attach(self, referrer: Manifest | Index) -> str:
        """Stores a manifest with a subject so that `referrers` yields it; returns by which way it is found."""


@runtime_checkable
class MountingStore(Protocol):
    """A repository of a registry, which can take over a blob of another of its repositories."""

    @property
    def repository(self) -> str:
        """Its name at the registry."""

    def mount_blob(self, blob: Descriptor, content: Content, source: str) -> int:
        """Stores a blob that is missing here and that the repository `source` has, and returns the bytes that were sent.

        0 where it was mounted; where the registry does not do that, the blob is sent.
        """


def read_blob(store: Store, blob: Descriptor, *, limit: int, what: str = "blob") -> bytes:
    """Returns a small blob, checked; raises LimitError above `limit` bytes."""
    if blob.size > limit:
        raise LimitError(f"the {what} has {blob.size} bytes, more than {limit}", where=f"{store.name}@{blob.digest}")
    return b"".join(store.pieces(blob))


@runtime_checkable
class FinishedStore(Protocol):
    """A store that keeps what it is given only once all of it is there, such as a file."""

    def finish(self) -> None:
        """Keeps what was written."""


@runtime_checkable
class ReferrersApiStore(Protocol):
    """A place that may lack the referrers API; one that keeps its lists itself, such as a folder, is none."""

    def has_referrers_api(self, subject: Digest) -> bool | None:
        """Returns whether it has the API; None where it has no such repository yet, and may say so for that reason only."""


@runtime_checkable
class TagReader(Protocol):
    """A store where asking what a tag names costs as much as reading it."""

    def read_tag(self, tag: str) -> FetchedManifest | None:
        """Returns what the tag names, None where it does not exist."""


@runtime_checkable
class SnapshotStore(Protocol):
    """A store that can be read as it is now, many times at the cost of once."""

    def as_now(self) -> Store:
        """Returns the same place for reading, which does not see what is written later."""


def find_tag(store: Store, tag: str, expected: Digest) -> Digest | None:
    """Returns what a tag names; that it is `expected` already, so that nothing has to be done, is believed of its content only."""
    if isinstance(store, TagReader):
        fetched = store.read_tag(tag)
        return _named(fetched, expected) if fetched else None
    found = store.find_manifest(tag)
    if found is None or (found.digest != expected and found.digest.algorithm == expected.algorithm):
        return found.digest if found else None
    return tagged_digest(store, tag, expected)


def tagged_digest(store: Store, tag: str, expected: Digest) -> Digest:
    """Returns the digest of the content that a tag gives: `expected` where it has that one, whichever the store names."""
    return _named(store.fetch_manifest(tag), expected)


def _named(fetched: FetchedManifest, expected: Digest) -> Digest:
    return expected if expected.is_of(fetched.data) else fetched.descriptor.digest
