"""Facts about an artifact in a registry; see `oci.inspection`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.inspection import inspect_artifact
from wasm_oci.oci.reference import Reference
from wasm_oci.publish import resolve
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.referrers import list_referrers


class RegistryPlace:
    """What a reference names."""

    def __init__(self, reference: Reference, client: RegistryClient) -> None:
        self.name = reference.name
        self._wanted = resolve.wanted(reference)
        self._client = client

    def manifest(self) -> tuple[Descriptor, bytes]:
        fetched = self._client.fetch_manifest(self._wanted)
        return fetched.descriptor, fetched.data

    def blob(self, descriptor: Descriptor) -> bytes:
        if descriptor.size > LIMITS.config_blob:
            raise LimitError(f"the config has {descriptor.size} bytes, more than {LIMITS.config_blob}", where=self.name)
        return b"".join(self._client.blob_pieces(descriptor))

    def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        return list_referrers(self._client, subject).entries


def inspect_reference(text: str) -> JsonObject:
    """Returns what `inspect_artifact` says of a reference; raises UsageError for one without tag and digest."""
    reference = Reference.parse(text)
    with closing(resolve.make_transport()) as transport:
        return inspect_artifact(RegistryPlace(reference, resolve.reading_client(reference, transport)))
