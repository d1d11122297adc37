"""What every store does, be it a folder or a repository, and carrying an image from one to another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fakes.clients import REPOSITORY, client_of
from fakes.publishing import carry
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import start
from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, NotFoundError, RegistryError, WasmOciError
from wasm_oci.oci.descriptor import (
    EMPTY,
    EMPTY_BLOB,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    SIGNATURE_MEDIA_TYPE,
    WASM_CONFIG_MEDIA_TYPE,
    WASM_LAYER_MEDIA_TYPE,
    Descriptor,
)
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, Manifest, signature_referrer
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.store import Store
from wasm_oci.registry.store import RegistryStore

CONFIG, WASM, OTHER_WASM = b'{"os":"wasip2"}', b"\0asm\x0d\0\1\0", b"\0asm\x0d\0\1\0\0\1\0"
ABSENT = Digest.of(b"absent")
KINDS = ("layout", "api", "fallback")

Stores = Callable[[str], Store]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Makes an empty store of a kind each time it is called."""
    with ExitStack() as stack:
        count = iter(range(9))

        def make(kind: str) -> Store:
            return stack.enter_context(_store(kind, tmp_path / f"{kind}{next(count)}"))

        yield make


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[Store]:
    if kind == "layout":
        yield LayoutStore(folder)
        return
    with start(folder, referrers_api=kind == "api") as registry, client_of(registry) as client:
        yield RegistryStore(client)


def folder_of(store: Store) -> Path:
    assert isinstance(store, LayoutStore)
    return store.folder


def put(store: Store, data: bytes, media_type: str = "application/octet-stream") -> Descriptor:
    blob = Descriptor.of(data, media_type)
    store.put_blob(blob, lambda: iter((data,)))
    return blob


def image(store: Store, wasm: bytes = WASM, *, tag: str | None = None, child: bool = False) -> Descriptor:
    """Puts an image whose manifest is not in the form that we write."""
    config, layer = put(store, CONFIG, WASM_CONFIG_MEDIA_TYPE), put(store, wasm, WASM_LAYER_MEDIA_TYPE)
    document = {"schemaVersion": 2, "mediaType": MANIFEST_MEDIA_TYPE, "x": 1, "config": config.to_json(), "layers": [layer.to_json()]}
    data = json.dumps(document, indent=3).encode()
    described = Descriptor.of(data, MANIFEST_MEDIA_TYPE)
    store.put_manifest(described, data, tag, child=child)
    return described


def index(store: Store, *entries: Descriptor, tag: str | None = None) -> Descriptor:
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": [each.to_json() for each in entries]}).encode()
    described = Descriptor.of(data, INDEX_MEDIA_TYPE)
    store.put_manifest(described, data, tag)
    return described


def sign(store: Store, subject: Descriptor, signature: bytes = b"signature") -> Manifest:
    """Attaches what stands for a signature."""
    put(store, EMPTY_BLOB)
    put(store, signature)
    referrer = signature_referrer(subject, signature)
    store.attach(referrer)
    return referrer


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_put_is_found(stores: Stores, kind: str) -> None:
    store = stores(kind)
    assert (store.tags() if kind == "layout" else (), store.find_manifest("v1")) == ((), None)
    one, two = image(store, tag="v1"), image(store, OTHER_WASM)
    for name, described in (("v1", one), (one.digest, one), (one, one), (two.digest, two), (two, two)):
        found, fetched = store.find_manifest(name), store.fetch_manifest(name)
        assert found
        assert (found.digest, found.size, found.media_type) == (described.digest, described.size, MANIFEST_MEDIA_TYPE)
        assert (Digest.of(fetched.data), fetched.descriptor.digest) == (described.digest, described.digest)
    assert store.tags() == ("v1",)
    layer = Descriptor.of(WASM, WASM_LAYER_MEDIA_TYPE)
    assert (store.has_blob(layer), b"".join(store.pieces(layer))) == (True, WASM)
    assert store.put_blob(layer, lambda: iter((WASM,))) == 0
    for name in ("v2", ABSENT, Descriptor(media_type=MANIFEST_MEDIA_TYPE, digest=ABSENT, size=6)):
        assert store.find_manifest(name) is None
        with pytest.raises(NotFoundError):
            store.fetch_manifest(name)
    gone = Descriptor.of(b"gone", "text/plain")
    assert not store.has_blob(gone)
    with pytest.raises(NotFoundError):
        list(store.pieces(gone))


@pytest.mark.parametrize("kind", KINDS)
def test_a_tag_moves_and_the_old_manifest_stays(stores: Stores, kind: str) -> None:
    store = stores(kind)
    old, new = image(store, tag="v1"), image(store, OTHER_WASM, tag="v1")
    assert store.fetch_manifest("v1").descriptor.digest == new.digest
    assert store.find_manifest(old.digest)
    store.put_manifest(old, store.fetch_manifest(old.digest).data, "v0")
    assert store.tags() == ("v0", "v1")


@pytest.mark.parametrize("kind", KINDS)
def test_content_that_is_another_is_not_stored(stores: Stores, kind: str) -> None:
    store = stores(kind)
    layer = Descriptor.of(WASM, WASM_LAYER_MEDIA_TYPE)
    for wrong in (b"", WASM[:-1], WASM + b"x", bytes(len(WASM))):
        with pytest.raises(DigestError):
            store.put_blob(layer, lambda wrong=wrong: iter((wrong,)))  # type: ignore[misc]  # a default of a lambda
        assert not store.has_blob(layer)


@pytest.mark.parametrize("kind", KINDS)
def test_what_refers_to_a_manifest(stores: Stores, kind: str) -> None:
    store = stores(kind)
    subject, other = image(store, tag="v1"), image(store, OTHER_WASM)
    assert list(store.referrers(subject.digest)) == []
    signature = sign(store, subject)
    put(store, b"{}")
    note = Manifest(config=EMPTY, layers=(), artifact_type="application/vnd.note", subject=subject, annotations={"a": "b"})
    group = Index(artifact_type="application/vnd.group", subject=subject)
    ways = {store.attach(note), store.attach(group), store.attach(note)}
    assert ways == {{"layout": "index.json", "api": "referrers API", "fallback": "fallback tag"}[kind]}
    listed = {entry.digest: entry for entry in store.referrers(subject.digest)}
    assert {entry.artifact_type for entry in listed.values()} == {SIGNATURE_MEDIA_TYPE, "application/vnd.note", "application/vnd.group"}
    assert listed[note.descriptor().digest].annotations == {"a": "b"}
    assert [found.raw for found in find_referrers(store, subject.digest, SIGNATURE_MEDIA_TYPE)] == [signature.raw]
    assert {found.raw for found in find_referrers(store, subject.digest)} == {signature.raw, note.raw, group.raw}
    assert list(store.referrers(other.digest)) == []


def test_a_layout_does_not_list_what_an_index_names(stores: Stores) -> None:
    store = stores("layout")
    child = image(store, child=True)
    assert store.find_manifest(child.digest) is None
    assert store.find_manifest(child) == child
    whole = index(store, child)
    assert json.loads((folder_of(store) / "index.json").read_bytes())["manifests"] == [whole.to_json()]
    assert isinstance(store, LayoutStore)
    assert store.only_manifest() == whole


def image_with_referrers(store: Store) -> tuple[Descriptor, list[Digest]]:
    """An image, two signatures, and a signature of one of them; and every manifest of these."""
    described = image(store)
    first, second = sign(store, described, b"first"), sign(store, described, b"second")
    manifests = [described, first.descriptor(), second.descriptor(), sign(store, first.descriptor(), b"of a signature").descriptor()]
    return described, [each.digest for each in manifests]


@pytest.mark.parametrize(
    ("source", "destination"),
    [("layout", "layout"), ("layout", "api"), ("layout", "fallback"), ("api", "layout"), ("fallback", "layout"), ("fallback", "api")],
)
def test_an_image_is_carried_whole_and_once(stores: Stores, source: str, destination: str) -> None:
    here, there = stores(source), stores(destination)
    described, digests = image_with_referrers(here)
    assert carry(here, there, described.digest).status == "published"
    _assert_same(here, there, described)
    for subject in digests:
        found = [{each.raw for each in find_referrers(store, subject)} for store in (here, there)]
        assert found[0] == found[1]
    assert all(tag.startswith("sha256-") for tag in there.tags())
    before = _state(there)
    again = carry(here, there, described.digest)
    assert (again.status, again.bytes_sent, _state(there)) == ("unchanged", 0, before)


def _state(store: Store) -> object:
    """Files and their times, of a folder."""
    if isinstance(store, LayoutStore):
        return {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
    return store.tags()


def _assert_same(here: Store, there: Store, name: Descriptor) -> None:
    data = here.fetch_manifest(name.digest).data
    assert there.fetch_manifest(name.digest).data == data
    manifest = Manifest.parse(data, where="")
    for blob in (manifest.config, *manifest.layers):
        assert b"".join(there.pieces(blob)) == b"".join(here.pieces(blob))


@pytest.mark.parametrize("destination", ["layout", "api"])
def test_damaged_content_is_not_carried(stores: Stores, destination: str) -> None:
    here, there = stores("layout"), stores(destination)
    described = image(here)
    layer = Descriptor.of(WASM, WASM_LAYER_MEDIA_TYPE)
    path = folder_of(here) / "blobs/sha256" / layer.digest.hex
    path.write_bytes(WASM[:-1] + b"!")
    with pytest.raises(DigestError, match="content has digest"):
        carry(here, there, described.digest)
    assert (there.find_manifest(described.digest), there.has_blob(layer)) == (None, False)
    path.unlink()
    with pytest.raises(NotFoundError, match="is missing from the layout"):
        carry(here, there, described.digest)
    assert there.find_manifest(described.digest) is None


def test_damage_at_the_destination_is_mended(stores: Stores) -> None:
    here, there = stores("layout"), stores("layout")
    described = image(here)
    carry(here, there, described.digest)
    (folder_of(there) / "blobs/sha256" / Descriptor.of(WASM, "a/b").digest.hex).write_bytes(b"")
    assert carry(here, there, described.digest).bytes_sent >= len(WASM)
    _assert_same(here, there, described)


@pytest.mark.parametrize(
    ("media_type", "data", "problem"),
    [
        ("application/vnd.docker.distribution.manifest.v2+json", b"{}", "neither an OCI image manifest nor an index"),
        (INDEX_MEDIA_TYPE, b'{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha512:00","size":1}]}', "is not a digest"),
        (MANIFEST_MEDIA_TYPE, b'{"schemaVersion":2}', "config"),
    ],
)
def test_what_cannot_be_carried_is_said(stores: Stores, media_type: str, data: bytes, problem: str) -> None:
    here, there = stores("layout"), stores("layout")
    here.put_manifest(Descriptor.of(data, media_type), data)
    with pytest.raises(FormatError, match=problem):
        carry(here, there, Digest.of(data))
    assert not folder_of(there).exists()


def test_a_list_that_names_strangers_carries_its_own_only(stores: Stores, tmp_path: Path) -> None:
    there = stores("layout")
    with start(tmp_path / "state", referrers_api=False) as registry, client_of(registry) as client:
        here = RegistryStore(client)
        subject, stranger = image(here), image(here, OTHER_WASM)
        signature = sign(here, subject)
        entries = [stranger.to_json(), signature.descriptor().to_json()]
        data = json.dumps({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": entries}).encode()
        client.put_manifest(f"sha256-{subject.digest.hex}", data, INDEX_MEDIA_TYPE)
        carry(here, there, subject.digest)
    assert isinstance(there, LayoutStore)
    assert there.listed() == {subject.digest, signature.descriptor().digest}


def test_carrying_again_writes_nothing_to_a_registry(stores: Stores, tmp_path: Path) -> None:
    here = stores("layout")
    described, _ = image_with_referrers(here)
    with start(tmp_path / "state") as registry, client_of(registry) as client:
        carry(here, RegistryStore(client), described.digest)
        registry.requests.clear()
        carry(here, RegistryStore(client), described.digest)
        assert {record.method for record in registry.requests} <= {"GET", "HEAD"}
        assert not [record for record in registry.requests if record.method == "GET" and "/blobs/" in record.path]


@pytest.mark.parametrize("path", ["/blobs/", "/manifests/", "/referrers/"])
def test_a_registry_that_fails_is_never_taken_for_an_empty_one(stores: Stores, tmp_path: Path, path: str) -> None:
    with start(tmp_path / "state") as registry, client_of(registry) as client:
        here = RegistryStore(client)
        described = image(here)
        sign(here, described)
        registry.faults.add(Fault(method="GET", path=path, effect=Reply(status=500), times=None))
        with pytest.raises(RegistryError) as caught:
            carry(here, stores("layout"), described.digest)
    assert isinstance(caught.value, WasmOciError)
    assert not isinstance(caught.value, NotFoundError)
    assert REPOSITORY in str(caught.value)
