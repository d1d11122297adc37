"""Where components come from: a repository of a registry, or an OCI layout directory; one interface for both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from wasm_oci.digest import Digest
from wasm_oci.limits import LIMITS
from wasm_oci.oci.deferred import Deferred
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout import Layout
from wasm_oci.oci.manifest import Manifest
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.referrers import artifact_type_of, find_referrers


class Source(Protocol):
    """Reads of one place; what they return is checked against its digest."""

    @property
    def name(self) -> str:
        """Host and repository, or the folder."""

    def manifest(self) -> tuple[Descriptor, bytes]:
        """Returns what the user named."""

    def pieces(self, blob: Descriptor) -> Iterator[bytes]:
        """Yields a blob; raises DigestError at its end where it is another one."""

    def signatures(self, subject: Digest) -> Iterator[bytes]:
        """Yields the detached signatures that refer to a manifest; unverified.

        Those that cannot be read are passed over; where there were any, an error follows the last signature.
        """


class RegistrySource:
    """A repository of a registry."""

    def __init__(self, name: str, wanted: Digest | str, client: RegistryClient) -> None:
        """`name` is host and repository, `wanted` a digest or tag."""
        self.name = name
        self._wanted = wanted
        self._client = client

    def manifest(self) -> tuple[Descriptor, bytes]:
        fetched = self._client.fetch_manifest(self._wanted)
        return fetched.descriptor, fetched.data

    def pieces(self, blob: Descriptor) -> Iterator[bytes]:
        return self._client.blob_pieces(blob)

    def signatures(self, subject: Digest) -> Iterator[bytes]:
        return _payloads(self, find_referrers(self._client, subject, SIGNATURE_MEDIA_TYPE))


class LayoutSource:
    """An OCI layout directory."""

    def __init__(self, layout: Layout, wanted: str | Digest | None) -> None:
        """`wanted` is a tag or digest, None for the only manifest of the layout."""
        self._layout = layout
        self._wanted = wanted

    @property
    def name(self) -> str:
        return str(self._layout.folder)

    def manifest(self) -> tuple[Descriptor, bytes]:
        return self._layout.manifest(self._wanted)

    def pieces(self, blob: Descriptor) -> Iterator[bytes]:
        return self._layout.pieces(blob)

    def signatures(self, subject: Digest) -> Iterator[bytes]:
        found = (manifest for _, manifest in self._layout.referrers(subject))
        return _payloads(self, (manifest for manifest in found if artifact_type_of(manifest) == SIGNATURE_MEDIA_TYPE))


def _payloads(source: Source, manifests: Iterator[Manifest]) -> Iterator[bytes]:
    deferred = Deferred()
    for manifest in manifests:
        for layer in manifest.layers:
            if layer.media_type != SIGNATURE_MEDIA_TYPE or layer.size > LIMITS.signature_section:
                continue
            payload = None
            with deferred.entry():
                payload = b"".join(source.pieces(layer))
            if payload is not None:
                yield payload
    deferred.close()
