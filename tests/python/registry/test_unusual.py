"""Responses of real registries that are unusual and not ambiguous, and those that are ambiguous."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fakes.clients import REPOSITORY, client_of, put_blob
from fakes.timing import FakeTime
from fakes.web import Asked, reply, serve
from instruments.effects import Disconnect, Headers, Redirect, Reply, Status
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import AuthError, DigestError, NotFoundError, RegistryError
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Manifest
from wasm_oci.registry.blobs import blob_ends, blob_pieces, has_blob
from wasm_oci.registry.client import RegistryClient, manifest_type
from wasm_oci.registry.credential import ANONYMOUS, Credential
from wasm_oci.registry.referrers import list_referrers
from wasm_oci.registry.upload import upload_blob

BLOB = bytes(range(256)) * 40
DESCRIPTOR = Descriptor.of(BLOB, "application/wasm")
MANIFEST = Manifest(config=EMPTY, layers=(DESCRIPTOR,), artifact_type="application/vnd.test")
OTHER = replace(MANIFEST, annotations={"a": "b"})
DIGEST = MANIFEST.descriptor().digest
ROBOT = Credential(source="the test", username="robot", password="CANARY-of-a-password")


@pytest.fixture
def filled(registry: RunningRegistry) -> Iterator[RegistryClient]:
    """A client of a registry that has the manifest as `v1`, which another client put there."""
    with client_of(registry) as other:
        put_blob(other, BLOB)
        put_blob(other, EMPTY_BLOB)
        other.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    with client_of(registry) as client:
        registry.requests.clear()
        yield client


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 410, 500, 501, 503])
def test_a_head_that_is_refused_is_followed_by_a_get(filled: RegistryClient, registry: RunningRegistry, status: int) -> None:
    registry.faults.add(Fault(method="HEAD", effect=Reply(status=status), times=None))
    assert filled.find_manifest("v1") == MANIFEST.descriptor()
    assert filled.find_manifest(DIGEST) == MANIFEST.descriptor()
    assert has_blob(filled, DESCRIPTOR)
    assert filled.find_manifest("v2") is None
    assert not has_blob(filled, Descriptor.of(b"absent", "a/b"))


def test_a_head_that_always_succeeds_proves_nothing(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="HEAD", effect=Reply(status=200), times=None))
    assert filled.find_manifest("v1") == MANIFEST.descriptor()
    assert filled.find_manifest("v2") is None
    assert has_blob(filled, DESCRIPTOR)
    assert not has_blob(filled, Descriptor.of(b"absent", "a/b"))


def test_a_head_that_leads_to_a_url_signed_for_get(filled: RegistryClient, registry: RunningRegistry) -> None:
    with start() as storage:
        with client_of(storage) as there:
            put_blob(there, BLOB)
        storage.faults.add(Fault(method="HEAD", effect=Reply(status=403), times=None))
        registry.faults.add(Fault(path="/blobs/sha256", effect=Redirect(url=f"http://{storage.host}{{path}}"), times=None))
        assert has_blob(filled, DESCRIPTOR)


@pytest.mark.parametrize("size", [0, 7])
def test_a_blob_of_another_size_is_found_out_without_head(filled: RegistryClient, registry: RunningRegistry, size: int) -> None:
    registry.faults.add(Fault(method="HEAD", effect=Reply(status=405), times=None))
    with pytest.raises(DigestError, match=rf"has {len(BLOB)} bytes there, not {size}"):
        has_blob(filled, Descriptor(media_type="a/b", digest=DESCRIPTOR.digest, size=size))


def test_a_registry_without_ranges_has_its_blobs_all_the_same() -> None:
    def script(asked: Asked) -> bytes:
        return reply("405 No") if asked.line.startswith("HEAD") else reply(body=BLOB)

    with serve(script) as web, client_of(web.host) as client:
        assert has_blob(client, DESCRIPTOR)
        assert blob_ends(client, DESCRIPTOR, 16) is None


def test_both_ends_of_a_blob(filled: RegistryClient, registry: RunningRegistry) -> None:
    assert blob_ends(filled, DESCRIPTOR, 16) == (BLOB[:16], BLOB[-16:])
    assert [record.headers.get("range") for record in registry.requests] == ["bytes=0-15", f"bytes={len(BLOB) - 16}-{len(BLOB) - 1}"]
    with pytest.raises(DigestError, match="bytes there, not"):
        blob_ends(filled, replace(DESCRIPTOR, size=len(BLOB) + 1), 16)


def test_another_range_than_asked_for_is_an_error() -> None:
    with (
        serve(lambda asked: reply("206 Part", body=BLOB[:16], Content_Range=f"bytes 16-31/{len(BLOB)}")) as web,
        client_of(web.host) as client,
        pytest.raises(RegistryError, match="sent another range"),
    ):
        blob_ends(client, DESCRIPTOR, 16)


def late(kind: str, seconds: float, time: FakeTime) -> Callable[[ServedRequest, Responder], ServedResponse]:
    """What is written appears some seconds later; until then a moved tag is the old one."""
    born: dict[str, float] = {}

    def middleware(request: ServedRequest, respond: Responder) -> ServedResponse:
        name = request.path.rsplit("/", 1)[1]
        if request.method == "PUT" and f"/{kind}/" in request.path:
            name = request.query.get("digest", name)
            born[name] = time.read()
        elif f"/{kind}/" in request.path and request.method in ("GET", "HEAD") and time.read() - born.get(name, 0.0) < seconds:
            return ServedResponse(status=404)
        return respond(request)

    return middleware


@pytest.fixture
def slow(registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, float], RegistryClient]]:
    """Makes a client of a registry that shows what it accepted some seconds later."""
    time = FakeTime()
    with client_of(registry, timing=time.timing) as client:

        def make(kind: str, seconds: float) -> RegistryClient:
            middleware = late(kind, seconds, time)
            monkeypatch.setattr(type(registry.faults), "__call__", lambda self, request, respond: middleware(request, respond))
            return client

        yield make


@pytest.mark.parametrize("seconds", [1.5, 9.0])
def test_what_was_written_is_waited_for(slow: Callable[[str, float], RegistryClient], seconds: float) -> None:
    client = slow("manifests", seconds)
    put_blob(client, BLOB)
    put_blob(client, EMPTY_BLOB)
    client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    assert client.find_manifest("v1") == MANIFEST.descriptor()
    assert client.fetch_manifest(DIGEST).data == MANIFEST.encode()


def test_a_blob_that_was_written_is_waited_for(slow: Callable[[str, float], RegistryClient]) -> None:
    client = slow("blobs", 6.0)
    upload_blob(client, DESCRIPTOR, lambda: iter((BLOB,)))
    assert blob_ends(client, DESCRIPTOR, 4) == (BLOB[:4], BLOB[-4:])
    assert b"".join(blob_pieces(client, DESCRIPTOR)) == BLOB


def test_what_never_appears_is_an_error_in_the_end(slow: Callable[[str, float], RegistryClient]) -> None:
    client = slow("manifests", 10_000.0)
    put_blob(client, BLOB)
    put_blob(client, EMPTY_BLOB)
    client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    before = client.transport.timing.clock()
    with pytest.raises(NotFoundError):
        client.fetch_manifest("v1")
    assert 10 < client.transport.timing.clock() - before <= 15


def test_what_nobody_wrote_is_not_waited_for(filled: RegistryClient) -> None:
    before = filled.transport.timing.clock()
    assert filled.find_manifest("v2") is None
    assert filled.transport.timing.clock() == before


def test_a_moved_tag_is_waited_for(filled: RegistryClient, registry: RunningRegistry) -> None:
    filled.put_manifest("v1", OTHER.encode(), MANIFEST_MEDIA_TYPE)
    fault = registry.faults.add(Fault(method="HEAD", path="/manifests/v1", effect=_as(MANIFEST), times=2))
    assert filled.find_manifest("v1") == OTHER.descriptor()
    assert fault.hits == 2


def _as(manifest: Manifest) -> Headers:
    return Headers(changes={"Docker-Content-Digest": str(manifest.descriptor().digest)})


@pytest.mark.parametrize("status", [400, 404])
def test_a_manifest_whose_blobs_are_not_known_yet_is_sent_again(filled: RegistryClient, registry: RunningRegistry, status: int) -> None:
    put_blob(filled, b"new")
    body = b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'
    fault = registry.faults.add(Fault(method="PUT", path="/manifests/", effect=Reply(status=status, body=body), times=2))
    filled.put_manifest("v2", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    assert fault.hits == 2


def hiding(status: int, *, challenge: str = 'Basic realm="x"', code: str = "DENIED", write_only: bool = False) -> Callable[[Asked], bytes]:
    """A registry that challenges at /v2/ only."""
    token = "Basic cm9ib3Q6Q0FOQVJZLW9mLWEtcGFzc3dvcmQ="

    def script(asked: Asked) -> bytes:
        verb, path, _ = asked.line.split()
        if path == "/v2/":
            return reply("401 Who", WWW_Authenticate=challenge)
        if asked.headers.get("authorization") == token or (write_only and verb in ("GET", "HEAD")):
            return reply("201 Made" if verb == "PUT" else "200 Fine", body=b"" if verb == "PUT" else MANIFEST.encode())
        return reply(f"{status} No", body=json.dumps({"errors": [{"code": code}]}).encode())

    return script


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_challenge_is_looked_for_at_the_base(status: int) -> None:
    with serve(hiding(status)) as web, client_of(web.host, credential=ROBOT) as client:
        assert client.fetch_manifest("v1").descriptor == MANIFEST.descriptor()
        assert client.fetch_manifest("v1").descriptor == MANIFEST.descriptor()
        assert [asked.line.split()[1] for asked in web.asked].count("/v2/") == 1


def test_a_challenge_for_writing_only_is_looked_for_too() -> None:
    with serve(hiding(403, write_only=True)) as web, client_of(web.host, credential=ROBOT) as client:
        assert client.fetch_manifest("v1").descriptor == MANIFEST.descriptor()
        client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)


@pytest.mark.parametrize("code", ["DENIED", "NAME_UNKNOWN", "MANIFEST_UNKNOWN"])
def test_not_found_without_a_login_is_never_absent(code: str) -> None:
    with serve(hiding(404, code=code)) as web, client_of(web.host, credential=ANONYMOUS) as client:
        with pytest.raises(AuthError, match=r"that reading is not allowed; asked for .*; log in with `docker login"):
            client.find_manifest("v1")
        with pytest.raises(NotFoundError, match=rf"not found.*if the repository is private, run `docker login {web.host}` first"):
            client.fetch_manifest("v1")


def test_not_found_in_an_open_registry_is_absent(registry: RunningRegistry) -> None:
    with client_of(registry, credential=ROBOT) as client:
        assert client.find_manifest("v1") is None
        assert client.credential_source == "none (the registry did not ask)"
        with pytest.raises(NotFoundError) as caught:
            client.fetch_manifest("v1.0.O")
    where = f"{registry.host}/{REPOSITORY}"
    assert str(caught.value).startswith(f"{where}: tag v1.0.O not found (MANIFEST_UNKNOWN: ")
    assert str(caught.value).endswith(f"; check the spelling, or run `wasm_oci list {where}`")


def test_a_repository_that_does_not_exist_is_to_be_created_first(registry: RunningRegistry) -> None:
    body = b'{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}'
    registry.faults.add(Fault(method="POST", effect=Reply(status=404, body=body), times=None))
    with client_of(registry) as client, pytest.raises(NotFoundError, match="create the repository in the registry first"):
        put_blob(client, BLOB)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_upload_that_is_accepted_in_other_words_is_looked_for(registry: RunningRegistry, status: int) -> None:
    with client_of(registry) as client:
        registry.faults.add(Fault(method="PUT", effect=Status(status=status)))
        assert upload_blob(client, DESCRIPTOR, lambda: iter((BLOB,))).sent == len(BLOB)
        registry.faults.add(Fault(method="PUT", effect=Reply(status=status), times=None))
        with pytest.raises(RegistryError, match=f"status {status}, and the blob is not there"):
            upload_blob(client, Descriptor.of(b"other", "a/b"), lambda: iter((b"other",)))


def test_an_upload_that_is_over_before_it_began(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="HEAD|GET", path="/blobs/", effect=Reply(status=404), times=2))
    registry.faults.add(Fault(method="POST", effect=Reply(status=201)))
    assert upload_blob(filled, DESCRIPTOR, lambda: iter((BLOB,))).sent == 0


def test_a_connection_that_is_lost_after_the_last_byte_is_no_loss() -> None:
    def script(asked: Asked) -> bytes:
        assert "range" not in asked.headers
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(BLOB), BLOB)

    with serve(script) as web, client_of(web.host) as client:
        assert b"".join(blob_pieces(client, DESCRIPTOR)) == BLOB
        assert len(web.asked) == 1


def test_half_a_compressed_blob_is_begun_again() -> None:
    whole = reply(body=gzip.compress(BLOB, mtime=0), Content_Encoding="gzip")

    def script(asked: Asked) -> bytes:
        assert "range" not in asked.headers
        return whole[:-200] if len(web.asked) == 1 else whole

    with serve(script) as web, client_of(web.host) as client:
        assert b"".join(blob_pieces(client, DESCRIPTOR)) == BLOB


@pytest.mark.parametrize(
    ("members", "header", "expected"),
    [
        ({"mediaType": "a/b"}, "application/json", "a/b"),
        ({"mediaType": INDEX_MEDIA_TYPE}, INDEX_MEDIA_TYPE, INDEX_MEDIA_TYPE),
        ({"mediaType": "", "manifests": []}, "application/json", INDEX_MEDIA_TYPE),
        ({"mediaType": None, "manifests": []}, "application/json", INDEX_MEDIA_TYPE),
        ({"manifests": []}, INDEX_MEDIA_TYPE, INDEX_MEDIA_TYPE),
        ({"manifests": []}, "text/plain", INDEX_MEDIA_TYPE),
        ({"config": {}, "layers": []}, "", MANIFEST_MEDIA_TYPE),
        ({"config": {}, "layers": [], "manifests": []}, "text/plain", "text/plain"),
    ],
)
def test_what_a_manifest_is_where_nobody_says_so(members: dict[str, object], header: str, expected: str) -> None:
    assert manifest_type(members, header) == expected


@pytest.mark.parametrize(
    ("media_type", "problem"),
    [
        (7, "mediaType is no media type, but 7"),
        (["a/b"], "mediaType is no media type, but a list"),
        ("a/b\r\nX-Evil: 1", "mediaType is no media type"),
        (f"{MANIFEST_MEDIA_TYPE}; charset=utf-8", "mediaType is no media type"),
        ("a" * 200 + "/b", "mediaType is no media type"),
        (INDEX_MEDIA_TYPE, f"mediaType is {INDEX_MEDIA_TYPE}, but the response's Content-Type is {MANIFEST_MEDIA_TYPE}"),
    ],
)
def test_a_media_type_that_two_programs_may_read_differently_is_refused(
    registry: RunningRegistry, media_type: object, problem: str
) -> None:
    body = json.dumps({**json.loads(MANIFEST.encode()), "mediaType": media_type}).encode()
    answer = Reply(status=200, headers={"Content-Type": MANIFEST_MEDIA_TYPE}, body=body)
    registry.faults.add(Fault(path="/manifests/", effect=answer, times=None))
    with client_of(registry) as client:
        for ask in (client.fetch_manifest, client.find_manifest):
            with pytest.raises(RegistryError) as caught:
                ask("v1")
            assert problem in str(caught.value)
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 500


@pytest.mark.parametrize("method", ["HEAD|PUT|POST", "GET"])
def test_the_type_of_a_web_page_alone_makes_none(registry: RunningRegistry, method: str) -> None:
    """Google Artifact Registry gives it to its empty responses; the content of all others decides."""
    changes = {"Content-Type": "text/html; charset=UTF-8"}
    registry.faults.add(Fault(method=method, path="/manifests/|/uploads/|/tags/|/referrers/", effect=Headers(changes=changes), times=None))
    with client_of(registry) as client:
        put_blob(client, BLOB)
        put_blob(client, EMPTY_BLOB)
        client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
        assert client.find_manifest("v1") == client.fetch_manifest(DIGEST).descriptor == MANIFEST.descriptor()
        assert client.tags() == ("v1",)
        assert list_referrers(client, DIGEST).entries == ()


def test_a_registry_that_goes_away_in_a_look_up_is_an_error(filled: RegistryClient, registry: RunningRegistry) -> None:
    class Gone:
        def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
            raise Disconnect

    registry.faults.add(Fault(method="HEAD|GET", effect=Gone(), times=None))
    with pytest.raises(RegistryError):
        filled.find_manifest("v1")
    with pytest.raises(RegistryError):
        has_blob(filled, DESCRIPTOR)


def test_a_digest_that_does_not_exist_is_confirmed_absent(filled: RegistryClient, registry: RunningRegistry) -> None:
    assert filled.find_manifest(Digest.of(b"nobody")) is None
    assert [record.method for record in registry.requests if "/manifests/" in record.path] == ["HEAD", "GET"]
