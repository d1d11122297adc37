"""Mounts of blobs from another repository: what a registry says of them is looked at, and not asked for without end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fakes.clients import client_of
from instruments.faults import Fault
from instruments.registry import RunningRegistry
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.registry.blobs import has_blob
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.upload import Uploaded, upload_blob

BASE = "library/base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """What a registry answers to mounts only."""

    status: int

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        return ServedResponse(status=self.status) if "mount" in request.query else carry(request)


def upload(client: RegistryClient, number: int, *, mount_from: str = BASE) -> Uploaded:
    data = bytes([number])
    return upload_blob(client, Descriptor.of(data, "application/wasm"), lambda: iter((data,)), mount_from=mount_from, missing=True)


def asked(registry: RunningRegistry) -> list[str]:
    """Method of each request so far, `mount` for one that asks for that."""
    return ["mount" if "mount" in record.query else record.method for record in registry.requests]


@pytest.mark.parametrize(("status", "mounts"), [(201, 1), (401, 1), (403, 1), (405, 1), (400, 3), (404, 3), (409, 3), (500, 3), (503, 3)])
def test_mounts_that_never_work_are_given_up(client: RegistryClient, registry: RunningRegistry, status: int, mounts: int) -> None:
    """201: of a blob that is not there. What may work for the next blob is tried again with that, and not waited for."""
    registry.faults.add(Fault(method="POST", effect=Mounts(status=status), times=None))
    assert [upload(client, number) for number in range(3)] == [Uploaded(sent=1)] * 3
    assert asked(registry).count("mount") == mounts


def test_mounts_that_work_are_looked_for_once(client: RegistryClient, registry: RunningRegistry) -> None:
    with client_of(registry, repository=BASE) as base:
        for number in range(3):
            upload(base, number, mount_from="")
    registry.requests.clear()
    assert [upload(client, number) for number in range(3)] == [Uploaded(sent=0, mounted=True)] * 3
    assert asked(registry) == ["mount", "HEAD", "mount", "mount"]
    assert all(has_blob(client, Descriptor.of(bytes([number]), "application/wasm")) for number in range(3))
