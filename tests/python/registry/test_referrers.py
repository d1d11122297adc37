"""Referrers by API and by fallback tag."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from fakes.clients import client_of, put_blob
from fakes.web import reply, serve
from instruments.effects import Hangup, Headers, Redirect, Reply, Rewrite
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.errors import RegistryError
from wasm_oci.limits import LIMITS
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, SIGNATURE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Manifest, signature_referrer
from wasm_oci.oci.referrers import UNKNOWN_LIST, find_referrers, listed_digests
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.referrers import API, FALLBACK, attach, fallback_tag, list_referrers
from wasm_oci.registry.store import RegistryStore
from wasm_oci.timing import REAL_TIME

SUBJECT = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.test").descriptor()
TAG = f"sha256-{SUBJECT.digest.hex}"


@pytest.fixture(params=[True, False], ids=["api", "fallback"])
def registry(request: pytest.FixtureRequest) -> Iterator[RunningRegistry]:
    with start(referrers_api=request.param) as running:
        yield running


@pytest.fixture
def without_api() -> Iterator[RunningRegistry]:
    with start(referrers_api=False) as running:
        yield running


@pytest.fixture
def client(registry: RunningRegistry) -> Iterator[RegistryClient]:
    with client_of(registry) as opened:
        yield opened


@pytest.fixture
def plain(without_api: RunningRegistry) -> Iterator[RegistryClient]:
    """A client of a registry that has no API for referrers."""
    with client_of(without_api) as opened:
        yield opened


def sign(client: RegistryClient, signature: bytes) -> Manifest:
    """Pushes the blobs of a signature of SUBJECT; returns the manifest, which is not pushed."""
    put_blob(client, EMPTY_BLOB)
    put_blob(client, signature)
    return signature_referrer(SUBJECT, signature)


def put_fallback(client: RegistryClient, *entries: dict[str, Any], **members: Any) -> None:
    document = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": list(entries), **members}
    client.put_manifest(TAG, json.dumps(document).encode(), INDEX_MEDIA_TYPE)


def put(client: RegistryClient, manifest: Manifest) -> dict[str, Any]:
    put_blob(client, EMPTY_BLOB)
    client.put_manifest(manifest.descriptor().digest, manifest.raw, MANIFEST_MEDIA_TYPE)
    return manifest.descriptor().to_json()


def test_the_fallback_tag_is_that_of_the_specification() -> None:
    assert fallback_tag(SUBJECT.digest) == TAG
    assert len(TAG) == 71


def test_attached_is_found(client: RegistryClient, registry: RunningRegistry) -> None:
    manifest = sign(client, b"signature")
    mode = attach(client, manifest)
    assert mode == (API if registry.behaviour.referrers_api else FALLBACK)
    listed = list_referrers(client, SUBJECT.digest)
    assert [(listed.way_of(entry.digest), entry.digest) for entry in listed.entries] == [(mode, manifest.descriptor().digest)]
    assert [entry.artifact_type for entry in listed.entries] == [SIGNATURE_MEDIA_TYPE]
    assert [found.raw for found in find_referrers(RegistryStore(client), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)] == [manifest.raw]


def test_nothing_attached_is_none(client: RegistryClient) -> None:
    assert list_referrers(client, SUBJECT.digest).entries == ()


def test_attaching_again_changes_nothing(client: RegistryClient, registry: RunningRegistry) -> None:
    manifest = sign(client, b"signature")
    attach(client, manifest)
    registry.requests.clear()
    attach(client, manifest)
    assert not [record for record in registry.requests if record.method == "PUT" and TAG in record.path]
    assert len(list_referrers(client, SUBJECT.digest).entries) == 1


def test_no_attacher_loses_another(registry: RunningRegistry) -> None:
    signatures = [b"signature %d" % number for number in range(8)]
    with ExitStack() as stack, ThreadPoolExecutor(len(signatures)) as pool:
        clients = [stack.enter_context(client_of(registry, timing=REAL_TIME, limits=LIMITS)) for _ in signatures]
        manifests = [sign(client, signature) for client, signature in zip(clients, signatures, strict=True)]
        list(pool.map(attach, clients, manifests))
        found = find_referrers(RegistryStore(clients[0]), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)
    assert {manifest.descriptor().digest for manifest in found} == {manifest.descriptor().digest for manifest in manifests}


def test_an_entry_that_is_lost_is_added_again(plain: RegistryClient, without_api: RunningRegistry) -> None:
    fault = without_api.faults.add(Fault(method="PUT", path=f"/manifests/{TAG}$", effect=Reply(status=201)))
    manifest = sign(plain, b"signature")
    assert attach(plain, manifest) == FALLBACK
    assert fault.hits == 1
    assert list_referrers(plain, SUBJECT.digest).way_of(manifest.descriptor().digest) == FALLBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Something happens just before the request is carried out."""

    happens: Callable[[], None]

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        self.happens()
        return carry(request)


def test_an_entry_that_another_replaces_a_moment_later_is_added_again(plain: RegistryClient, without_api: RunningRegistry) -> None:
    """The other one read the list before the update, and knows nothing of it."""

    theirs = put(plain, Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.other", subject=SUBJECT))

    def replaced() -> None:
        with client_of(without_api) as other:
            put_fallback(other, theirs)

    manifest = sign(plain, b"signature")
    fault = without_api.faults.add(Fault(method="GET", path=f"/manifests/{TAG}$", effect=After(happens=replaced), nth=4))
    assert attach(plain, manifest) == FALLBACK
    assert fault.hits == 1
    listed = {str(entry.digest) for entry in list_referrers(plain, SUBJECT.digest).entries}
    assert listed == {theirs["digest"], str(manifest.descriptor().digest)}


def test_an_entry_that_is_lost_for_ever_is_an_error(plain: RegistryClient, without_api: RunningRegistry) -> None:
    fault = without_api.faults.add(Fault(method="PUT", path=f"/manifests/{TAG}$", effect=Reply(status=201), times=None))
    with pytest.raises(RegistryError, match=r"keeps disappearing from tag sha256-.*; another program") as caught:
        attach(plain, sign(plain, b"signature"))
    assert (caught.value.reason, fault.hits) == ("referrer_lost", 3)


def test_entries_of_others_stay_as_they_are(plain: RegistryClient) -> None:
    other = put(plain, Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.other", subject=SUBJECT))
    other |= {"data": "e30=", "urls": ["https://example.com"], "annotations": {"a": "b"}}
    put_fallback(plain, other, annotations={"kept": "yes"})
    attach(plain, sign(plain, b"signature"))
    document = json.loads(plain.fetch_manifest(TAG).data)
    assert document["manifests"][0] == other
    assert document["annotations"] == {"kept": "yes"}
    assert len(document["manifests"]) == 2


def test_wrong_types_of_fallback_entries_are_no_obstacle(plain: RegistryClient) -> None:
    manifest = sign(plain, b"signature")
    entry = put(plain, manifest) | {"artifactType": EMPTY.media_type}
    put_fallback(plain, entry)
    assert [found.raw for found in find_referrers(RegistryStore(plain), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)] == [manifest.raw]


def test_entries_are_checked_for_their_subject(plain: RegistryClient) -> None:
    elsewhere = signature_referrer(Descriptor.of(b"another", MANIFEST_MEDIA_TYPE), b"signature")
    put_blob(plain, b"signature")
    none = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type=SIGNATURE_MEDIA_TYPE)
    missing = signature_referrer(SUBJECT, b"never pushed").descriptor().to_json()
    without_api_state = [put(plain, elsewhere), put(plain, none)]
    with pytest.raises(RegistryError):
        put_fallback(plain, *without_api_state, missing)
    put_fallback(plain, *without_api_state)
    assert list(find_referrers(RegistryStore(plain), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)) == []


def test_a_fallback_tag_that_is_the_subject_is_none() -> None:
    data = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.test").encode()

    def gitlab(line: str) -> bytes:
        return reply("404 None") if "/referrers/" in line else reply(body=data, Content_Type=MANIFEST_MEDIA_TYPE)

    with serve(lambda asked: gitlab(asked.line)) as web, client_of(web.host) as client:
        assert list_referrers(client, SUBJECT.digest).entries == ()


def test_a_fallback_tag_of_another_kind_is_never_overwritten(plain: RegistryClient, without_api: RunningRegistry) -> None:
    other = Manifest(config=EMPTY, layers=(), artifact_type="application/vnd.other")
    put(plain, other)
    plain.put_manifest(TAG, other.raw, MANIFEST_MEDIA_TYPE)
    manifest = sign(plain, b"signature")
    without_api.requests.clear()
    with pytest.raises(RegistryError, match=r"is not a list of referrers but application/vnd.oci.image.manifest") as caught:
        attach(plain, manifest)
    assert caught.value.reason == "fallback_tag"
    assert not [record for record in without_api.requests if record.method == "PUT" and TAG in record.path]


@pytest.mark.parametrize(
    "effect",
    [Reply(status=429), Reply(status=500), Reply(status=503), Hangup(), Reply(status=200, body=b"<html>"), Reply(status=200, body=b"{}")],
)
@pytest.mark.parametrize("path", ["/referrers/", "/manifests/sha256-"])
def test_a_failed_look_up_is_never_none(without_api: RunningRegistry, effect: Reply, path: str) -> None:
    without_api.faults.add(Fault(method="GET", path=path, effect=effect, times=None))
    with client_of(without_api) as client, pytest.raises(RegistryError):
        list(RegistryStore(client).referrers(SUBJECT.digest))


@pytest.mark.parametrize("port", [None, 1], ids=["busy", "unreachable"])
def test_another_host_that_the_api_redirects_to_is_no_obstacle_and_no_answer(without_api: RunningRegistry, port: int | None) -> None:
    elsewhere = f"http://localhost:{port or without_api.port}/web"
    without_api.faults.add(Fault(method="GET", path="/referrers/", effect=Redirect(url=elsewhere, status=303), times=None))
    without_api.faults.add(Fault(method="GET", path="^/web", effect=Reply(status=429), times=None))
    with client_of(without_api) as client:
        assert list_referrers(client, SUBJECT.digest).entries == ()
        with pytest.raises(RegistryError, match="may be referrers that are not listed"):
            list(find_referrers(RegistryStore(client), SUBJECT.digest))
        manifest = sign(client, b"signature")
        assert attach(client, manifest) == FALLBACK
        found = find_referrers(RegistryStore(client), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)
        assert next(found).raw == manifest.raw


@pytest.mark.parametrize("status", [400, 404, 405, 406, 410, 415, 501])
def test_a_registry_without_the_api_says_so_in_many_ways(plain: RegistryClient, without_api: RunningRegistry, status: int) -> None:
    attach(plain, sign(plain, b"signature"))
    without_api.faults.add(Fault(method="GET", path="/referrers/", effect=Reply(status=status, body=b"404 page not found")))
    assert len(list_referrers(plain, SUBJECT.digest).entries) == 1


def test_an_api_that_does_not_say_so_on_push_is_found_by_reading() -> None:
    with start() as registry, client_of(registry) as client:
        registry.faults.add(Fault(method="PUT", path="/manifests/", effect=Headers(changes={"OCI-Subject": None})))
        assert attach(client, sign(client, b"signature")) == API
        assert not [record for record in registry.requests if record.method == "PUT" and TAG in record.path]


@pytest.mark.parametrize("member", [{"manifests": {}}, {"schemaVersion": 1}])
def test_a_malformed_list_is_an_error(member: dict[str, Any]) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": []} | member).encode()
    with (
        serve(lambda asked: reply(body=body)) as web,
        client_of(web.host) as client,
        pytest.raises(RegistryError, match="the list is malformed"),
    ):
        list(RegistryStore(client).referrers(SUBJECT.digest))


def test_entries_that_cannot_be_used_are_passed_over() -> None:
    entries = [{}, SUBJECT.to_json() | {"digest": "sha384:" + "0" * 96}, SUBJECT.to_json()]
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": entries}).encode()
    with serve(lambda asked: reply(body=body)) as web, client_of(web.host) as client:
        assert list_referrers(client, SUBJECT.digest).entries == (SUBJECT,)


EMPTY_LIST = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": []}).encode()
HALF_THERE = {
    "empty": Reply(status=200, headers={"Content-Type": INDEX_MEDIA_TYPE}, body=EMPTY_LIST),
    "null": Reply(status=200, headers={"Content-Type": INDEX_MEDIA_TYPE}, body=EMPTY_LIST.replace(b"[]", b"null")),
    "web page": Reply(status=200, headers={"Content-Type": "text/html"}, body=b"<html></html>"),
    "object": Reply(status=200, headers={"Content-Type": "application/json"}, body=b"{}"),
    "nothing": Reply(status=204),
    "400": Reply(status=400),
    "401": Reply(status=401),
    "403": Reply(status=403),
    "406": Reply(status=406),
}
DOUBTED = {"web page", "object", "nothing", "401", "403"}


@pytest.mark.parametrize("name", HALF_THERE)
@pytest.mark.parametrize("promised", [True, False], ids=["OCI-Subject", "silent"])
def test_an_api_that_is_half_there_is_helped_by_the_tag(without_api: RunningRegistry, name: str, promised: bool) -> None:
    without_api.faults.add(Fault(method="GET", path="/referrers/", effect=HALF_THERE[name], times=None))
    if promised:
        effect = Headers(changes={"OCI-Subject": str(SUBJECT.digest)})
        without_api.faults.add(Fault(method="PUT", path="/manifests/sha256:", effect=effect, times=None))
    with client_of(without_api) as client:
        manifest = sign(client, b"signature")
        assert attach(client, manifest) == FALLBACK
        store = RegistryStore(client)
        assert listed_digests(store, SUBJECT.digest, [manifest.descriptor().digest]) == {manifest.descriptor().digest}
        found = find_referrers(store, SUBJECT.digest, SIGNATURE_MEDIA_TYPE)
        assert next(found).raw == manifest.raw
        if name in DOUBTED:
            with pytest.raises(RegistryError, match="there may be referrers that are not listed") as caught:
                list(found)
            assert caught.value.reason == UNKNOWN_LIST
        else:
            assert list(found) == []


@pytest.mark.parametrize("name", sorted(DOUBTED))
def test_a_list_that_is_not_known_is_never_empty(without_api: RunningRegistry, name: str) -> None:
    without_api.faults.add(Fault(method="GET", path="/referrers/", effect=HALF_THERE[name], times=None))
    with client_of(without_api) as client, pytest.raises(RegistryError):
        list(RegistryStore(client).referrers(SUBJECT.digest))


def test_what_only_the_tag_or_only_the_api_names_is_found() -> None:
    with start() as registry, client_of(registry) as client:
        by_api, by_tag = sign(client, b"one"), sign(client, b"two")
        attach(client, by_api)
        put_blob(client, EMPTY_BLOB)
        elsewhere = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.old")
        put_fallback(client, put(client, elsewhere), by_api.descriptor().to_json())
        listed = list_referrers(client, SUBJECT.digest)
        assert {entry.digest for entry in listed.entries} == {by_api.descriptor().digest, elsewhere.descriptor().digest}
        assert len(listed.entries) == 2
        assert listed.way_of(by_tag.descriptor().digest) == ""


def test_a_list_of_wrong_types_hides_nothing() -> None:
    """As push reads it, and as pull does."""
    with start() as registry, client_of(registry) as client:
        manifest = sign(client, b"signature")
        attach(client, manifest)
        wrong = Rewrite(change=lambda data: data.replace(SIGNATURE_MEDIA_TYPE.encode(), b"application/vnd.oci.empty.v1+json"))
        registry.faults.add(Fault(method="GET", path="/referrers/", effect=wrong, times=None))
        assert [found.raw for found in find_referrers(RegistryStore(client), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)] == [manifest.raw]


def test_an_entry_that_cannot_be_fetched_is_not_found_by_anyone(plain: RegistryClient, without_api: RunningRegistry) -> None:
    manifest = sign(plain, b"signature")
    digest = manifest.descriptor().digest
    attach(plain, manifest)
    with client_of(without_api) as other:
        without_api.faults.add(Fault(method="GET", path=f"/manifests/{digest}", effect=Reply(status=404), times=None))
        assert listed_digests(RegistryStore(other), SUBJECT.digest, [digest]) == frozenset()
        assert list(find_referrers(RegistryStore(other), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)) == []


@pytest.mark.parametrize("path", [f"/manifests/{TAG}$", "/referrers/"], ids=["tag", "api"])
def test_a_list_of_ten_thousand_entries_is_not_read_whole(path: str) -> None:
    entries = [SUBJECT.to_json() | {"digest": f"sha256:{number:064x}"} for number in range(9_999)]
    signature = signature_referrer(SUBJECT, b"signature").descriptor().to_json() | {"artifactType": SIGNATURE_MEDIA_TYPE}
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": [*entries, signature]}).encode()
    with start(referrers_api=False) as registry, client_of(registry) as client:
        registry.faults.add(Fault(method="GET", path=path, effect=Reply(status=200, body=body), times=None))
        listed = RegistryStore(client).referrers(SUBJECT.digest, SIGNATURE_MEDIA_TYPE)
        assert str(next(listed).digest) == signature["digest"]
        with pytest.raises(RegistryError, match="more than 1000") as caught:
            list(listed)
        assert caught.value.reason == "limit"


def test_a_tag_that_is_full_is_not_written(plain: RegistryClient, without_api: RunningRegistry) -> None:
    entries = [SUBJECT.to_json() | {"digest": f"sha256:{number:064x}"} for number in range(1000)]
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": entries}).encode()
    without_api.faults.add(Fault(method="GET", path=f"/manifests/{TAG}$", effect=Reply(status=200, body=body), times=None))
    with pytest.raises(RegistryError, match="more than 1000"):
        attach(plain, sign(plain, b"another"))
    assert not [record for record in without_api.requests if record.method == "PUT" and TAG in record.path]


def test_a_tag_that_head_finds_is_not_replaced(plain: RegistryClient, without_api: RunningRegistry) -> None:
    attach(plain, sign(plain, b"one"))
    without_api.faults.add(Fault(method="GET", path=TAG, effect=Reply(status=404), times=None))
    with client_of(without_api) as other, pytest.raises(RegistryError, match="is found and cannot be read"):
        attach(other, sign(other, b"two"))


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_tag_that_appears_between_two_looks_is_added_to(plain: RegistryClient, without_api: RunningRegistry, nth: int) -> None:
    first = sign(plain, b"one")
    attach(plain, first)
    with client_of(without_api) as other:
        second = sign(other, b"two")
        without_api.faults.add(Fault(method="GET", path=TAG, nth=nth, effect=Reply(status=404)))
        attach(other, second)
        found = {entry.digest for entry in list_referrers(other, SUBJECT.digest).entries}
    assert found == {first.descriptor().digest, second.descriptor().digest}


def test_a_tag_that_is_shown_late_loses_nothing(plain: RegistryClient, without_api: RunningRegistry) -> None:
    first, second = sign(plain, b"one"), sign(plain, b"two")
    attach(plain, first)
    without_api.faults.add(Fault(method="GET|HEAD", path=TAG, effect=Reply(status=404), times=3))
    attach(plain, second)
    assert {entry.digest for entry in list_referrers(plain, SUBJECT.digest).entries} == {
        first.descriptor().digest,
        second.descriptor().digest,
    }
