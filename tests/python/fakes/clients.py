"""Clients of a registry whose time passes only when it is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from fakes.timing import IMPATIENT, FakeTime
from instruments.registry import RunningRegistry
from wasm_oci.http.transport import Transport
from wasm_oci.limits import Limits
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.reference import Reference
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.credential import ANONYMOUS, Credential
from wasm_oci.registry.upload import upload_blob
from wasm_oci.timing import Timing

REPOSITORY = "library/hello"


@contextmanager
def client_of(
    registry: RunningRegistry | str,
    *,
    timing: Timing | None = None,
    limits: Limits = IMPATIENT,
    credential: Credential = ANONYMOUS,
    repository: str = REPOSITORY,
) -> Iterator[RegistryClient]:
    """A client that may push to a repository; `registry` may be a host."""
    host = registry if isinstance(registry, str) else registry.host
    with closing(Transport(limits=limits, timing=timing or FakeTime().timing, environ={})) as transport:
        yield RegistryClient(Reference.parse(f"{host}/{repository}"), transport=transport, lookup=lambda: credential, actions="pull,push")


def put_blob(client: RegistryClient, data: bytes, media_type: str = "application/octet-stream") -> Descriptor:
    blob = Descriptor.of(data, media_type)
    upload_blob(client, blob, lambda: iter((data,)))
    return blob
