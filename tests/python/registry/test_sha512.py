"""Artifacts of others whose digests are SHA-512: found, read, checked and copied under the digests that they have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakes.clients import client_of
from fakes.publishing import carry
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import start
from wasm_oci.digest import SHA256, SHA512, Digest
from wasm_oci.errors import DigestError
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, SIGNATURE_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import find_referrers, referrer_descriptor
from wasm_oci.oci.store import Store
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.looking import make_plan
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.publisher import carry_out
from wasm_oci.publish.result import Result, results_of
from wasm_oci.registry.referrers import fallback_tag
from wasm_oci.registry.store import RegistryStore

KINDS = ("layout", "api", "fallback")
WASM = b"\0asm\x0d\0\1\0"


def _described(data: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type=media_type, digest=Digest.of(data, SHA512), size=len(data))


CONFIG, LAYER, SIGNATURE = _described(b"{}", "a/b"), _described(WASM, WASM_LAYER_MEDIA_TYPE), _described(b"signature", SIGNATURE_MEDIA_TYPE)
IMAGE_DATA = json.dumps(
    {"schemaVersion": 2, "mediaType": MANIFEST_MEDIA_TYPE, "config": CONFIG.to_json(), "layers": [LAYER.to_json()]}, indent=1
).encode()
IMAGE = _described(IMAGE_DATA, MANIFEST_MEDIA_TYPE)
REFERRER = Manifest(config=CONFIG, layers=(SIGNATURE,), artifact_type=SIGNATURE_MEDIA_TYPE, subject=IMAGE)
REFERRER_DIGEST = Digest.of(REFERRER.raw, SHA512)
INDEX_DATA = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": [IMAGE.to_json()]}).encode()
INDEX = _described(INDEX_DATA, INDEX_MEDIA_TYPE)


@dataclass(frozen=True, slots=True, kw_only=False)
class NamedBy:
    """Carries a request out, and names the content by one algorithm."""

    algorithm: str

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        if response.status >= 300:
            return response
        return replace(response, headers={**response.headers, "Docker-Content-Digest": str(Digest.of(IMAGE_DATA, self.algorithm))})


@pytest.fixture
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two stores of the kinds that the test asks for."""
    with ExitStack() as stack:
        found: list[Store] = []
        for number, kind in enumerate(request.param):
            folder = tmp_path / str(number)
            if kind == "layout":
                found.append(LayoutStore(folder))
            else:
                registry = stack.enter_context(start(folder, referrers_api=kind == "api"))
                found.append(RegistryStore(stack.enter_context(client_of(registry))))
        yield found[0], found[1]


def _fill(store: Store, *, top: bool = True) -> None:
    for data, described in ((b"{}", CONFIG), (WASM, LAYER), (b"signature", SIGNATURE)):
        assert store.put_blob(described, lambda data=data: iter((data,))) == described.size  # type: ignore[misc]
        assert store.put_blob(described, lambda: iter(())) == 0
    store.put_manifest(IMAGE, IMAGE_DATA)
    assert store.attach(Manifest.parse(REFERRER.raw, where="", digest=REFERRER_DIGEST))
    if top:
        store.put_manifest(INDEX, INDEX_DATA)


@pytest.mark.parametrize("pair", [(kind, "layout") for kind in KINDS], indirect=True)
def test_what_has_a_sha512_digest_is_found_and_read(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    _fill(store)
    for described, data in ((IMAGE, IMAGE_DATA), (INDEX, INDEX_DATA)):
        for name in (described.digest, described):
            found, fetched = store.find_manifest(name), store.fetch_manifest(name)
            assert found
            assert (found.digest, fetched.descriptor.digest, fetched.data) == (described.digest, described.digest, data)
    assert (store.has_blob(LAYER), b"".join(store.pieces(LAYER))) == (True, WASM)
    assert not store.has_blob(_described(b"absent", "a/b"))
    (entry,) = store.referrers(IMAGE.digest)
    assert (entry.digest, entry.artifact_type) == (REFERRER_DIGEST, SIGNATURE_MEDIA_TYPE)
    (referrer,) = find_referrers(store, IMAGE.digest, SIGNATURE_MEDIA_TYPE)
    assert (referrer.raw, referrer.descriptor().digest) == (REFERRER.raw, REFERRER_DIGEST)


@pytest.mark.parametrize("pair", [(one, two) for one in KINDS for two in KINDS], indirect=True)
def test_carrying_keeps_every_digest(pair: tuple[Store, Store]) -> None:
    source, destination = pair
    _fill(source)
    assert carry(source, destination, IMAGE.digest).status == "published"
    fetched = destination.fetch_manifest(IMAGE.digest)
    assert (fetched.descriptor.digest, fetched.data) == (IMAGE.digest, IMAGE_DATA)
    assert b"".join(destination.pieces(LAYER)) == WASM
    assert [entry.digest for entry in destination.referrers(IMAGE.digest)] == [REFERRER_DIGEST]
    assert carry(source, destination, IMAGE.digest).bytes_sent == 0


@pytest.mark.parametrize("change", [b"\0asm\x0d\0\1\1", b"", WASM + b"\0"])
def test_content_with_another_sha512_digest_is_refused(tmp_path: Path, change: bytes) -> None:
    with start() as registry, client_of(registry) as client:
        stores: tuple[Store, ...] = (LayoutStore(tmp_path / "layout"), RegistryStore(client))
        for store in stores:
            with pytest.raises(DigestError):
                store.put_blob(LAYER, lambda: iter((change,)))
            assert not store.has_blob(LAYER)
            _fill(store)
        (tmp_path / "layout/blobs/sha512" / LAYER.digest.hex).write_bytes(change)
        registry.faults.add(Fault(method="GET", path=f"/blobs/{LAYER.digest}", effect=Reply(status=200, body=change), times=None))
        for store in stores:
            with pytest.raises(DigestError):
                b"".join(store.pieces(LAYER))
    assert not stores[0].has_blob(LAYER)


def test_a_manifest_with_another_sha512_digest_is_refused(tmp_path: Path) -> None:
    changed = IMAGE_DATA.replace(b"\n", b" ")
    with start() as registry, client_of(registry) as client:
        stores: tuple[Store, ...] = (LayoutStore(tmp_path / "layout"), RegistryStore(client))
        for store in stores:
            _fill(store)
        (tmp_path / "layout/blobs/sha512" / IMAGE.digest.hex).write_bytes(changed)
        reply = Reply(status=200, body=changed, headers={"Content-Type": MANIFEST_MEDIA_TYPE, "Docker-Content-Digest": str(IMAGE.digest)})
        registry.faults.add(Fault(method="GET", path="/manifests/", effect=reply, times=None))
        for store in stores:
            with pytest.raises(DigestError):
                store.fetch_manifest(IMAGE.digest)
        with pytest.raises(DigestError):
            stores[1].fetch_manifest("v1")


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_registry_that_names_the_other_algorithm_contradicts_nothing(method: str) -> None:
    with start() as registry, client_of(registry) as client:
        store = RegistryStore(client)
        _fill(store)
        named = {"Content-Type": MANIFEST_MEDIA_TYPE, "Docker-Content-Digest": str(Digest.of(IMAGE_DATA))}
        reply = Reply(status=200, body=IMAGE_DATA, headers=named)
        registry.faults.add(Fault(method=method, path=f"/manifests/{IMAGE.digest}", effect=reply, times=None))
        blob = Reply(status=200, body=WASM, headers={"Docker-Content-Digest": str(Digest.of(WASM))})
        registry.faults.add(Fault(method="HEAD", path="/blobs/", effect=blob, times=None))
        found = store.find_manifest(IMAGE.digest)
        assert found
        assert found.digest == store.fetch_manifest(IMAGE.digest).descriptor.digest == IMAGE.digest
        assert store.has_blob(LAYER)


def test_a_tag_has_the_digest_that_the_registry_names() -> None:
    with start() as registry, client_of(registry) as client:
        store = RegistryStore(client)
        _fill(store)
        named = {"Content-Type": MANIFEST_MEDIA_TYPE, "Docker-Content-Digest": str(IMAGE.digest)}
        registry.faults.add(Fault(method="GET", path="/manifests/v1", effect=Reply(status=200, body=IMAGE_DATA, headers=named), times=None))
        assert store.fetch_manifest("v1").descriptor.digest == IMAGE.digest


def test_the_fallback_tag_of_a_subject() -> None:
    assert fallback_tag(Digest.of(b"x")) == "sha256-" + Digest.of(b"x").hex
    assert fallback_tag(IMAGE.digest) == "sha512-" + IMAGE.digest.hex[:64]
    with start(referrers_api=False) as registry, client_of(registry) as client:
        _fill(RegistryStore(client), top=False)
        assert client.tags() == (fallback_tag(IMAGE.digest),)


def test_manifests_are_written_with_sha256() -> None:
    assert REFERRER.descriptor().digest == Digest.of(REFERRER.raw)
    assert Manifest.parse(REFERRER.raw, where="").descriptor().digest == Digest.of(REFERRER.raw)


OTHER_SUBJECT = replace(IMAGE, digest=Digest.of(IMAGE_DATA))


@pytest.mark.parametrize("pair", [(one, two) for one in KINDS for two in KINDS], indirect=True)
@pytest.mark.parametrize("algorithm", [SHA256, SHA512])
def test_a_referrer_may_name_its_subject_by_the_other_algorithm(pair: tuple[Store, Store], algorithm: str) -> None:
    """A layout looks for both; a registry is asked for SHA-256, which nearly all programs use, beside SHA-512."""
    source, destination = pair
    referrer = Manifest(config=CONFIG, layers=(SIGNATURE,), artifact_type=SIGNATURE_MEDIA_TYPE, subject=OTHER_SUBJECT)
    for data, described in ((b"{}", CONFIG), (WASM, LAYER), (b"signature", SIGNATURE)):
        source.put_blob(described, lambda data=data: iter((data,)))  # type: ignore[misc]
    source.put_manifest(IMAGE, IMAGE_DATA)
    source.attach(referrer)
    if algorithm == SHA256 and not isinstance(source, LayoutStore):
        source.put_manifest(OTHER_SUBJECT, IMAGE_DATA)
    subject = IMAGE.digest if algorithm == SHA512 else OTHER_SUBJECT.digest
    if algorithm == SHA512 or not isinstance(source, LayoutStore):
        assert [found.raw for found in find_referrers(source, subject)] == [referrer.raw]
    carry(source, destination, IMAGE.digest)
    assert [entry.digest for entry in destination.referrers(IMAGE.digest)] == [Digest.of(referrer.raw)]
    assert carry(source, destination, IMAGE.digest).bytes_sent == 0


def test_a_referrer_of_nothing_is_not_one_of_the_other_algorithm() -> None:
    """What only looks like the subject's other digest is not followed."""
    stranger = replace(IMAGE, digest=Digest.of(b"another manifest"))
    referrer = Manifest(config=CONFIG, layers=(SIGNATURE,), artifact_type=SIGNATURE_MEDIA_TYPE, subject=stranger)
    with start() as registry, client_of(registry) as client:
        store = RegistryStore(client)
        _fill(store)
        store.attach(referrer)
        listed = Index(manifests=(referrer_descriptor(referrer),))
        reply = Reply(status=200, body=listed.encode(), headers={"Content-Type": INDEX_MEDIA_TYPE})
        registry.faults.add(Fault(method="GET", path=f"/referrers/{IMAGE.digest}", effect=reply, times=None))
        assert list(find_referrers(store, IMAGE.digest)) == []


def _listed_by_sha512(folder: Path) -> Path:
    """A layout whose only tagged manifest, and its signature, are listed by SHA-512."""
    layout = LayoutStore(folder)
    for data, described in ((b"{}", CONFIG), (WASM, LAYER)):
        layout.put_blob(described, lambda data=data: iter((data,)))  # type: ignore[misc]
    layout.put_manifest(IMAGE, IMAGE_DATA, "v1")
    return folder


def _publish(plan: Plan) -> Result:
    results = results_of([plan])
    carry_out(results)
    return results[0]


@pytest.mark.parametrize("named", [SHA256, SHA512], ids=["registry-says-sha256", "registry-says-sha512"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_layout_is_published_by_the_digest_that_lists_it(tmp_path: Path, kind: str, named: str) -> None:
    artifact = load_artifact(_listed_by_sha512(tmp_path / "layout"))
    assert artifact.descriptor == IMAGE
    with ExitStack() as stack:
        destination: Store = LayoutStore(tmp_path / "destination")
        if kind != "layout":
            registry = stack.enter_context(start(referrers_api=kind == "api"))
            destination = RegistryStore(stack.enter_context(client_of(registry)))
            registry.faults.add(Fault(path="/manifests/v1$", effect=NamedBy(named), times=None))
        plan = make_plan(artifact, destination, ["v1"])
        result = _publish(plan)
        assert (result.error, result.status) == (None, "published")
        assert result.tags_after == {"v1": IMAGE.digest}
        assert destination.fetch_manifest(IMAGE.digest).data == IMAGE_DATA
        again = _publish(make_plan(artifact, destination, ["v1"]))
        assert (again.status, again.bytes_sent) == ("unchanged", 0)


@pytest.mark.parametrize("honest", [True, False])
def test_a_registry_that_names_what_it_stored_by_the_other_algorithm(honest: bool) -> None:
    said = Digest.of(IMAGE_DATA if honest else b"something else", SHA512)
    reply = Reply(status=201, headers={"Docker-Content-Digest": str(said)})
    with start() as registry, client_of(registry) as client:
        registry.faults.add(Fault(method="PUT", path="/manifests/", effect=reply))
        if honest:
            client.put_manifest(Digest.of(IMAGE_DATA), IMAGE_DATA, MANIFEST_MEDIA_TYPE)
            return
        with pytest.raises(DigestError, match=f"stored {said} instead of {IMAGE.digest}"):
            client.put_manifest(Digest.of(IMAGE_DATA), IMAGE_DATA, MANIFEST_MEDIA_TYPE)
