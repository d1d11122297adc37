"""Looking at an artifact in a registry; a module of its own, because it loads the HTTP client."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing

from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError, UsageError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.credentials import AuthSetting
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.inspection import inspect_artifact
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.referrers import list_referrers
from wasm_oci.oci.registry import RegistryClient
from wasm_oci.oci.transport import Transport


class RegistryPlace:
    """A manifest in a registry."""

    def __init__(self, reference: Reference, client: RegistryClient) -> None:
        self.name = str(reference)
        self._wanted = reference.digest or reference.tag or "latest"
        self._client = client

    def manifest(self) -> tuple[Descriptor, bytes]:
        fetched = self._client.fetch_manifest(self._wanted)
        return fetched.descriptor, fetched.data

    def blob(self, descriptor: Descriptor) -> bytes:
        if descriptor.size > LIMITS.config_blob:
            raise LimitError(f"the blob has {descriptor.size} bytes, more than {LIMITS.config_blob}", where=self.name)
        return b"".join(self._client.blob_pieces(descriptor))

    def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        return list_referrers(self._client, subject).entries


def inspect_reference(text: str) -> JsonObject:
    """Returns the facts about what `text` names; credentials are found as Docker's and Podman's are."""
    reference = Reference.parse(text)
    if reference.tag is None and reference.digest is None:
        raise UsageError(f"{reference} names neither tag nor digest", hint=f"write {reference}:TAG or {reference}@sha256:…")
    lookup = AuthSetting(entry=reference.registry).lookup(reference.registry, reference.repository, os.environ)
    with closing(Transport()) as transport:
        return inspect_artifact(RegistryPlace(reference, RegistryClient(reference, transport=transport, lookup=lookup)))
