"""Blobs that do not get through in one request: a proxy in front of the registry refuses them, or the connection breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from fakes.clients import client_of
from fakes.timing import IMPATIENT, FakeTime
from instruments.effects import Disconnect, Effect, FixedBody, Hangup, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry
from wasm_oci.digest import SHA256, SHA512, Digest
from wasm_oci.errors import DigestError, RegistryError
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.registry.blobs import blob_pieces, has_blob
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.upload import Uploaded, upload_blob

BLOB = bytes(range(256)) * 40
DESCRIPTOR = Descriptor.of(BLOB, "application/wasm")
LIMITS = replace(IMPATIENT, upload_chunk=4096, upload_chunk_least=1024, upload_chunk_most=6000)
CHUNKS = [4096, 4096, len(BLOB) - 8192]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Refuses what is larger than `most` bytes, and carries the rest to the registry."""

    most: int
    status: int = 413
    body: bytes = b"<html>413 Request Entity Too Large</html>"

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        if (request.body.length or 0) > self.most:
            return ServedResponse(status=self.status, body=self.body)
        return carry(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """Changes headers of the response."""

    headers: Mapping[str, str] = field(default_factory=dict)

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        return replace(response, headers={**response.headers, **self.headers})


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfTaken:
    """A registry that stores the first half of a chunk, and says so."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        data = b"".join(request.body.pieces())
        first, _, _ = request.headers["content-range"].partition("-")
        half = data[: len(data) // 2]
        headers = {**request.headers, "content-range": f"{first}-{int(first) + len(half) - 1}"}
        return carry(replace(request, headers=headers, body=FixedBody(half)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreaksOff:
    """The connection breaks after some bytes, which the registry keeps."""

    kept: int
    changed: bool = False
    """Whether it keeps other bytes."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        data = b"".join(request.body.pieces())[: self.kept]
        headers = {**request.headers, "content-range": f"0-{len(data) - 1}"}
        body = FixedBody(bytes(len(data)) if self.changed else data)
        carry(replace(request, method="PATCH", query={}, headers=headers, body=body))
        raise Disconnect


@pytest.fixture
def client(registry: RunningRegistry) -> Iterator[RegistryClient]:
    with client_of(registry, limits=LIMITS) as opened:
        yield opened


def behind(registry: RunningRegistry, proxy: Effect) -> None:
    registry.faults.add(Fault(method="PUT|PATCH", path="/uploads/", effect=proxy, times=None))


def upload(client: RegistryClient, blob: Descriptor = DESCRIPTOR) -> None:
    assert upload_blob(client, blob, lambda: iter((BLOB[:100], BLOB[100:]))) == Uploaded(sent=len(BLOB))
    assert b"".join(blob_pieces(client, blob)) == BLOB


def in_halves(content: bytes) -> Iterator[bytes]:
    """What is wrong with a content is known before its last piece goes."""
    half = len(content) // 2
    return iter((content[:half], content[half:]))


def sizes(registry: RunningRegistry) -> list[int]:
    """How much of the blob each request had that was accepted."""
    return [request.received for request in registry.requests if request.method == "PATCH" and request.status < 300]


@pytest.mark.parametrize("algorithm", [SHA256, SHA512])
def test_a_blob_that_is_too_large_for_one_request_goes_in_chunks(registry: RunningRegistry, client: RegistryClient, algorithm: str) -> None:
    behind(registry, Proxy(most=4096))
    upload(client, replace(DESCRIPTOR, digest=Digest.of(BLOB, algorithm)))
    assert sizes(registry) == CHUNKS
    ranges = [request.headers["content-range"] for request in registry.requests if request.method == "PATCH"]
    assert ranges == ["0-4095", "4096-8191", f"8192-{len(BLOB) - 1}"]
    assert [request.received for request in registry.requests if request.method == "PUT" and request.status == 201] == [0]


def test_chunks_that_are_too_large_are_halved(registry: RunningRegistry, client: RegistryClient) -> None:
    behind(registry, Proxy(most=1500))
    upload(client)
    assert sizes(registry) == [1024] * 10


def test_a_proxy_that_takes_no_chunk_ends_it(registry: RunningRegistry, client: RegistryClient) -> None:
    behind(registry, Proxy(most=1000))
    with pytest.raises(RegistryError, match=r"status 413") as caught:
        upload(client)
    assert "raise the limit for the size of a request" in caught.value.hint
    assert [request.method for request in registry.requests].count("PATCH") == 3


def test_the_registry_may_ask_for_larger_chunks(registry: RunningRegistry, client: RegistryClient) -> None:
    behind(registry, Proxy(most=6000))
    registry.faults.add(Fault(method="POST", path="/uploads/", effect=Headers(headers={"OCI-Chunk-Min-Length": "5000"}), times=None))
    upload(client)
    assert sizes(registry) == [5000, 5000, len(BLOB) - 10000]


@pytest.mark.parametrize("least", ["6001", "9" * 18])
def test_chunks_that_do_not_fit_into_memory_are_refused(registry: RunningRegistry, client: RegistryClient, least: str) -> None:
    behind(registry, Proxy(most=4096))
    registry.faults.add(Fault(method="POST", path="/uploads/", effect=Headers(headers={"OCI-Chunk-Min-Length": least}), times=None))
    with pytest.raises(RegistryError, match=f"asks for chunks of at least {least} bytes"):
        upload(client)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    "effect",
    [Hangup(), Hangup(stored=True), Reply(status=416), Reply(status=500), HalfTaken()],
    ids=["lost", "response-lost", "elsewhere", "failed", "half"],
)
def test_an_upload_goes_on_where_the_registry_says_that_it_is(
    registry: RunningRegistry, client: RegistryClient, effect: Effect, nth: int
) -> None:
    fault = registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=effect, nth=nth))
    behind(registry, Proxy(most=4096))
    upload(client)
    assert fault.hits == 1


@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("effect", [Hangup(), Hangup(stored=True), Reply(status=500)], ids=["lost", "response-lost", "failed"])
def test_what_was_accepted_counts_where_the_registry_says_that_it_has_less(
    registry: RunningRegistry, client: RegistryClient, effect: Effect, nth: int
) -> None:
    """Amazon ECR goes on to name the end of the first chunk, whatever it has: then the whole is sent anew at the worst."""
    registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=effect, nth=nth))
    registry.faults.add(Fault(method="GET|PATCH", path="/uploads/", effect=Headers(headers={"Range": "0-4095"}), times=None))
    behind(registry, Proxy(most=4096))
    upload(client)
    assert [request.status for request in registry.requests if request.method == "PUT"][-1] == 201
    again = effect == Hangup(stored=True)
    assert [request.method for request in registry.requests].count("POST") == 2 + again


def test_a_session_that_is_lost_is_begun_anew_in_chunks(registry: RunningRegistry, client: RegistryClient) -> None:
    registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=Reply(status=404), nth=2))
    behind(registry, Proxy(most=4096))
    upload(client)
    assert sizes(registry) == [4096, *CHUNKS]
    assert [request.status for request in registry.requests if request.method == "PUT"] == [413, 201]


@pytest.mark.parametrize("last", ["0-0", "0-1", "0-4095", "0-9999", "0-99999999", "4096-8191", "bytes 0-8191", "-1"])
def test_a_wrong_range_of_a_chunk_that_is_accepted_changes_nothing(registry: RunningRegistry, client: RegistryClient, last: str) -> None:
    registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=Headers(headers={"Range": last}), times=None))
    behind(registry, Proxy(most=4096))
    upload(client)
    assert sizes(registry) == CHUNKS


def test_connections_that_are_lost_now_and_then_do_not_end_a_long_upload(registry: RunningRegistry, client: RegistryClient) -> None:
    for nth in range(2, 20, 2):
        registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=Hangup(), nth=nth))
    behind(registry, Proxy(most=1024))
    upload(client)
    assert [request.method for request in registry.requests].count("POST") == 2


@pytest.mark.parametrize("effect", [Reply(status=416), Hangup()])
def test_an_upload_that_gets_nowhere_ends(registry: RunningRegistry, client: RegistryClient, effect: Effect) -> None:
    registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=effect, nth=2, times=None))
    behind(registry, Proxy(most=4096))
    with pytest.raises(RegistryError, match=f"upload blob {DESCRIPTOR.digest}"):
        upload(client)
    assert len(registry.requests) < 60


def test_content_that_changes_before_it_goes_in_chunks_is_not_stored(registry: RunningRegistry, client: RegistryClient) -> None:
    behind(registry, Proxy(most=4096))
    contents = [BLOB, BLOB[:-1] + b"x"]
    with pytest.raises(DigestError):
        upload_blob(client, DESCRIPTOR, lambda: in_halves(contents.pop(0)))
    assert sizes(registry)
    assert not has_blob(client, DESCRIPTOR)


@pytest.mark.parametrize("body", [b'{"errors":[{"code":"SIZE_INVALID","message":"no"}]}', b"the content is too large"])
def test_a_416_for_the_size_is_not_tried_again(registry: RunningRegistry, client: RegistryClient, body: bytes) -> None:
    small = Descriptor.of(b"small", "application/wasm")
    fault = registry.faults.add(Fault(method="PUT", path="/uploads/", effect=Reply(status=416, body=body), times=None))
    with pytest.raises(RegistryError, match="status 416"):
        upload_blob(client, small, lambda: iter((b"small",)))
    assert fault.hits == 1


def test_a_416_for_the_size_of_the_whole_leads_to_chunks(registry: RunningRegistry, client: RegistryClient) -> None:
    behind(registry, Proxy(most=4096, status=416, body=b"body exceeds limit"))
    upload(client)
    assert sizes(registry) == CHUNKS


def test_an_upload_that_breaks_off_goes_on_where_it_was(registry: RunningRegistry, client: RegistryClient) -> None:
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=BreaksOff(kept=5000)))
    upload(client)
    assert sizes(registry) == [4096, len(BLOB) - 5000 - 4096]
    assert [request.method for request in registry.requests].count("POST") == 1
    ranges = [request.headers["content-range"] for request in registry.requests if request.method == "PATCH"]
    assert ranges == ["5000-9095", f"9096-{len(BLOB) - 1}"]


def test_an_upload_that_broke_off_after_the_last_byte_is_finished(registry: RunningRegistry, client: RegistryClient) -> None:
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=BreaksOff(kept=len(BLOB))))
    upload(client)
    assert sizes(registry) == []
    assert [request.received for request in registry.requests if request.method == "PUT" and request.status == 201] == [0]


@pytest.mark.parametrize("effect", [Hangup(), Reply(status=503, headers={"Retry-After": "7"})], ids=["lost", "busy"])
def test_a_large_upload_that_breaks_off_at_once_is_begun_anew_in_chunks(registry: RunningRegistry, effect: Effect) -> None:
    time = FakeTime()
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=effect))
    with client_of(registry, limits=LIMITS, timing=time.timing) as client:
        upload(client)
    assert sizes(registry) == CHUNKS
    assert [request.method for request in registry.requests].count("POST") == 2
    assert time.waits == ([7] if isinstance(effect, Reply) else [0.25])


def test_what_a_registry_keeps_of_another_content_is_not_gone_on_with_twice(registry: RunningRegistry, client: RegistryClient) -> None:
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=BreaksOff(kept=5000, changed=True)))
    upload(client)
    assert [request.status for request in registry.requests if request.method == "PUT" and request.status] == [400, 201]
    assert sizes(registry)[-3:] == CHUNKS


@pytest.mark.parametrize("lost", ["404", "elsewhere", "silent"])
def test_a_session_that_is_over_is_not_gone_on_with(registry: RunningRegistry, client: RegistryClient, lost: str) -> None:
    effects: dict[str, Effect] = {
        "404": Reply(status=404),
        "elsewhere": Reply(status=204, headers={"Range": f"0-{len(BLOB)}"}),
        "silent": Hangup(),
    }
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=BreaksOff(kept=5000)))
    registry.faults.add(Fault(method="GET", path="/uploads/", effect=effects[lost], times=3))
    upload(client)
    assert sizes(registry) == CHUNKS


def test_a_chunk_that_the_registry_is_too_busy_for_is_sent_when_it_says(registry: RunningRegistry) -> None:
    time = FakeTime()
    registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=Reply(status=429, headers={"Retry-After": "11"}), nth=2))
    behind(registry, Proxy(most=4096))
    with client_of(registry, limits=LIMITS, timing=time.timing) as client:
        upload(client)
    assert time.waits == [11]


def test_losses_with_progress_between_them_do_not_add_up(registry: RunningRegistry) -> None:
    data = bytes(range(256)) * 200
    blob = Descriptor.of(data, "application/wasm")
    limits = replace(LIMITS, upload_chunk=1024)
    losses = [registry.faults.add(Fault(method="PATCH", path="/uploads/", effect=Hangup(), nth=number)) for number in (2, 5, 8, 11, 14, 17)]
    behind(registry, Proxy(most=4096))
    with client_of(registry, limits=limits) as client:
        assert upload_blob(client, blob, lambda: iter((data,))) == Uploaded(sent=len(data))
        assert b"".join(blob_pieces(client, blob)) == data
    assert [loss.hits for loss in losses] == [1] * 6
