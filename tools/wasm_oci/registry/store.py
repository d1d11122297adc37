"""A repository of a registry as a store."""

from __future__ import annotations

from collections.abc import Iterator

from wasm_oci.digest import SHA256, Digest
from wasm_oci.errors import NotFoundError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.store import Content, FetchedManifest, ManifestName
from wasm_oci.registry.blobs import blob_ends, blob_pieces, has_blob
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.referrers import attach, has_api, list_referrers, too_many
from wasm_oci.registry.upload import upload_blob


class RegistryStore:
    """A repository of a registry, as its client reaches it."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        return self._client.where

    @property
    def repository(self) -> str:
        return self._client.repository

    @property
    def place(self) -> str:
        return self._client.base

    @property
    def identity(self) -> str:
        return self.name

    @property
    def whole(self) -> bool:
        return True

    @property
    def credential_source(self) -> str:
        return self._client.credential_source

    @property
    def token_service(self) -> str:
        """The URL, without scopes, where the registry has tokens issued; empty as long as it asked for none."""
        return self._client.auth.token_service

    @property
    def connection(self) -> str:
        return "" if self._client.encrypted else "plain HTTP, not encrypted"

    def find_manifest(self, name: ManifestName) -> Descriptor | None:
        return self._client.find_manifest(_plain(name))

    def fetch_manifest(self, name: ManifestName) -> FetchedManifest:
        return self._client.fetch_manifest(_plain(name))

    def read_tag(self, tag: str) -> FetchedManifest | None:
        """Returns the manifest that a tag names, None where it does not exist; both by one GET."""
        return self._client.read_manifest(tag)

    def put_manifest(self, descriptor: Descriptor, data: bytes, tag: str | None = None, *, child: bool = False) -> None:
        del child  # a registry stores each manifest under its digest
        self._client.put_manifest(tag or descriptor.digest, data, descriptor.media_type)

    def tags(self) -> tuple[str, ...]:
        return self._client.tags()

    def has_blob(self, blob: Descriptor) -> bool:
        """A small blob that HEAD does not find counts as missing: sending it costs no more than asking again.

        Nothing is asked for in a repository that the registry does not know.
        """
        return not self._client.unknown and has_blob(self._client, blob, confirm=blob.size > LIMITS.small_blob)

    def pieces(self, blob: Descriptor) -> Iterator[bytes]:
        return blob_pieces(self._client, blob)

    def ends(self, blob: Descriptor, length: int) -> tuple[bytes, bytes] | None:
        """Returns the first and the last `length` bytes of a longer blob, None where the registry knows no ranges."""
        return blob_ends(self._client, blob, length)

    def put_blob(self, blob: Descriptor, content: Content, *, missing: bool = False) -> int:
        return upload_blob(self._client, blob, content, missing=missing).sent

    def mount_blob(self, blob: Descriptor, content: Content, source: str) -> int:
        return upload_blob(self._client, blob, content, mount_from=source, missing=True).sent

    def referrers(self, subject: Digest, artifact_type: str | None = None) -> Iterator[Descriptor]:
        """Those that are listed with the wanted type come first: registries list wrong types, and the number is limited."""
        lists = [list_referrers(self._client, each) for each in self._digests_of(subject)]
        each_once = {entry.digest: entry for listed in lists for entry in listed.entries}.values()
        entries = sorted(each_once, key=lambda entry: artifact_type not in (None, entry.artifact_type))
        yield from entries[: LIMITS.referrers]
        if len(entries) > LIMITS.referrers:
            raise too_many(self._client, subject)
        for listed in lists:
            if listed.doubt:
                raise listed.doubt

    def has_referrers_api(self, subject: Digest) -> bool | None:
        return has_api(self._client, subject)

    def _digests_of(self, subject: Digest) -> tuple[Digest, ...]:
        """The digest of a subject and, where that is not SHA-256, which most programs use, also its SHA-256 digest."""
        if subject.algorithm == SHA256:
            return (subject,)
        try:
            return (subject, Digest.of(self._client.fetch_manifest(subject).data))
        except NotFoundError:
            return (subject,)

    def attach(self, referrer: Manifest | Index) -> str:
        return attach(self._client, referrer)


def _plain(name: ManifestName) -> Digest | str:
    return name.digest if isinstance(name, Descriptor) else name
