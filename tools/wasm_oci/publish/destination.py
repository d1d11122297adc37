"""Where artifacts go: a repository of a registry, or an OCI layout directory; one interface for both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from wasm_oci.digest import Digest, chunks
from wasm_oci.errors import NotFoundError
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.layout import Layout
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.reference import Reference
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.referrers import attach, list_referrers
from wasm_oci.registry.upload import upload_blob


class Destination(Protocol):
    """Reads and writes of one place. Every method raises WasmOciError where it cannot do or know what is asked."""

    @property
    def name(self) -> str:
        """What it is called in plans and results: host and repository, or the folder."""

    @property
    def credential_source(self) -> str:
        """Where the credential is from, as far as one was needed; never a value."""

    def has_blob(self, blob: Descriptor) -> bool: ...

    def put_blob(self, blob: Descriptor, source: Callable[[], BinaryIO]) -> int:
        """Returns the bytes that were sent; 0 where the blob was there."""

    def has_manifest(self, digest: Digest) -> bool: ...

    def fetch_manifest(self, digest: Digest) -> bytes:
        """Raises NotFoundError where it is not there."""

    def put_manifest(self, manifest: Manifest) -> None:
        """Stores a manifest under its digest; its blobs are there."""

    def has_referrer(self, subject: Digest, referrer: Digest) -> bool:
        """Says whether readers who ask for the referrers of `subject` are told of `referrer`."""

    def attach(self, referrer: Manifest) -> str:
        """Stores a manifest with a subject so that it is found; returns by which way."""

    def tag_digest(self, tag: str) -> Digest | None: ...

    def put_tag(self, tag: str, manifest: Manifest) -> None: ...


class RegistryDestination:
    """A repository of a registry."""

    def __init__(self, reference: Reference, client: RegistryClient) -> None:
        self._reference = reference
        self._client = client

    @property
    def name(self) -> str:
        return self._reference.name

    @property
    def credential_source(self) -> str:
        return self._client.credential_source

    def has_blob(self, blob: Descriptor) -> bool:
        return self._client.has_blob(blob)

    def put_blob(self, blob: Descriptor, source: Callable[[], BinaryIO]) -> int:
        return upload_blob(self._client, blob, source).sent

    def has_manifest(self, digest: Digest) -> bool:
        return self._client.find_manifest(digest) is not None

    def fetch_manifest(self, digest: Digest) -> bytes:
        return self._client.fetch_manifest(digest).data

    def put_manifest(self, manifest: Manifest) -> None:
        self._client.put_manifest(manifest.descriptor().digest, manifest.raw, manifest.MEDIA_TYPE)

    def has_referrer(self, subject: Digest, referrer: Digest) -> bool:
        return list_referrers(self._client, subject).has(referrer)

    def attach(self, referrer: Manifest) -> str:
        return attach(self._client, referrer)

    def tag_digest(self, tag: str) -> Digest | None:
        found = self._client.find_manifest(tag)
        return found.digest if found else None

    def put_tag(self, tag: str, manifest: Manifest) -> None:
        self._client.put_manifest(tag, manifest.raw, manifest.MEDIA_TYPE)


class LayoutDestination:
    """An OCI layout directory, made where it does not exist; referrers are untagged entries of its index."""

    credential_source = "none (a folder)"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return str(self._folder)

    def _layout(self) -> Layout | None:
        """None where nothing was written yet: a plan makes no folder."""
        return Layout.find(self._folder)

    def has_blob(self, blob: Descriptor) -> bool:
        layout = self._layout()
        return layout is not None and layout.has(blob)

    def put_blob(self, blob: Descriptor, source: Callable[[], BinaryIO]) -> int:
        if self.has_blob(blob):
            return 0
        with source() as stream:
            Layout.create(self._folder).put_blob(chunks(stream), blob)
        return blob.size

    def _find(self, name: Digest | str) -> tuple[Descriptor, bytes] | None:
        layout = self._layout()
        try:
            return layout.manifest(name) if layout else None
        except NotFoundError:
            return None

    def has_manifest(self, digest: Digest) -> bool:
        return self._find(digest) is not None

    def fetch_manifest(self, digest: Digest) -> bytes:
        found = self._find(digest)
        if found is None:
            raise NotFoundError(f"manifest {digest} is not there", where=self.name)
        return found[1]

    def put_manifest(self, manifest: Manifest) -> None:
        Layout.create(self._folder).put_manifest(manifest.descriptor(), manifest.raw, None)

    def has_referrer(self, subject: Digest, referrer: Digest) -> bool:
        layout = self._layout()
        return layout is not None and any(found.digest == referrer for found, _ in layout.referrers(subject))

    def attach(self, referrer: Manifest) -> str:
        self.put_manifest(referrer)
        return "index.json"

    def tag_digest(self, tag: str) -> Digest | None:
        found = self._find(tag)
        return found[0].digest if found else None

    def put_tag(self, tag: str, manifest: Manifest) -> None:
        Layout.create(self._folder).put_manifest(manifest.descriptor(), manifest.raw, tag)
