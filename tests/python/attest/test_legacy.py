"""Signatures under cosign's tag: the bytes that cosign accepted, added beside others, and verified strictly."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fakes.clients import client_of
from fakes.signing import K1, K2, P256_SECRET
from fakes.statements import fetched
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry
from wasm_oci.attest.find import FoundStatement
from wasm_oci.attest.legacy import (
    PAYLOAD_MEDIA_TYPE,
    add_legacy_signatures,
    find_legacy_signatures,
    legacy_payload,
    legacy_tag,
    missing_legacy_signatures,
    sign_legacy,
)
from wasm_oci.attest.verify import Budget
from wasm_oci.digest import SHA512, Digest
from wasm_oci.errors import RegistryError, UsageError
from wasm_oci.keys.any_key import parse_any_secret_key
from wasm_oci.keys.signer import AnySigner
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.registry.store import RegistryStore
from wasm_oci.trust.predicate_types import SIGN
from wasm_oci.trust.trust import Trust, TrustedKey

SUBJECT = fetched()
DIGEST = SUBJECT.descriptor.digest
TAG = legacy_tag(DIGEST)
NOTES = {"org.example.note": "of another program"}
P256 = parse_any_secret_key(P256_SECRET, where="")
TRUST = Trust.of_keys([K1.public, P256.public])


@pytest.fixture
def store(registry: RunningRegistry) -> Iterator[RegistryStore]:
    with client_of(registry) as client:
        place = RegistryStore(client)
        place.put_blob(Descriptor.of(b"hello", ""), lambda: iter((b"hello",)))
        place.put_manifest(SUBJECT.descriptor, SUBJECT.data, "v1")
        yield place


def found(store: RegistryStore, trust: Trust | None = TRUST) -> list[FoundStatement]:
    return list(find_legacy_signatures(store, DIGEST, trust=trust))


def reasons(store: RegistryStore) -> list[str]:
    return [each.error.reason if each.error else "" for each in found(store)]


def add(store: RegistryStore, *signers: AnySigner) -> bool:
    return add_legacy_signatures(store, [sign_legacy(store.name, DIGEST, signer) for signer in signers])


def put(store: RegistryStore, payload: bytes, signature: str, media_type: str = PAYLOAD_MEDIA_TYPE) -> None:
    """Writes the tag with one layer."""
    annotations = {"dev.cosignproject.cosign/signature": signature} if signature else {}
    layer = replace(Descriptor.of(payload, media_type), annotations=annotations)
    config = Descriptor.of(b"{}", "application/vnd.oci.image.config.v1+json")
    for blob, data in ((layer, payload), (config, b"{}")):
        store.put_blob(blob, lambda data=data: iter((data,)))  # type: ignore[misc]
    image = Manifest(config=config, layers=(layer,), annotations=NOTES)
    store.put_manifest(image.descriptor(), image.encode(), TAG)


def test_the_payload_is_the_one_that_cosign_accepts() -> None:
    payload = legacy_payload("registry.example/app", Digest("sha256:" + "ab" * 32))
    assert len(payload) == 236
    assert hashlib.sha256(payload).hexdigest() == "cb1f4a8ca25c32f3a32ed9dfbe7a1becea1a2f00efa3bdbc467640a5c850e5fe"
    expected = "e+/OhuwBDyRHXsSRRxTL4bsu0k+ef0SQQ2k+fZzRrnQDRUBZV2WFeDp6knew9bNHq+imwGLJdcvVQwpEEWqtBg=="
    assert base64.b64encode(K1.sign(payload)).decode() == expected
    assert legacy_tag(Digest("sha256:" + "ab" * 32)) == "sha256-" + "ab" * 32 + ".sig"
    with pytest.raises(UsageError, match="SHA-256"):
        legacy_tag(Digest.of(b"", SHA512))


def test_signatures_are_added_beside_others_and_each_once(store: RegistryStore) -> None:
    assert [add(store, signer) for signer in (K1, P256, K1, P256)] == [True, True, False, False]
    assert [each.key for each in found(store)] == [K1.public, P256.public]
    assert [each.statement.predicate_type for each in found(store) if each.statement] == [SIGN, SIGN]
    assert [each.key for each in found(store, trust=None)] == [None, None]
    image = json.loads(store.fetch_manifest(TAG).data)
    config = json.loads(b"".join(store.pieces(Descriptor.parse(image["config"], where=""))))
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in image["layers"]]


def test_what_another_program_wrote_is_kept(store: RegistryStore) -> None:
    """Layers that are no signature of ours, and the image's annotations."""
    put(store, b"other", "AAAA")
    assert add(store, K1)
    image = Manifest.parse(store.fetch_manifest(TAG).data, where="image")
    other, _own = image.layers
    assert (other.digest, image.annotations) == (Digest.of(b"other"), NOTES)


def test_several_are_added_by_one_write(store: RegistryStore, registry: RunningRegistry) -> None:
    assert add(store, K1)
    before = len(registry.requests)
    made = [sign_legacy(store.name, DIGEST, signer) for signer in (K1, K2, P256)]
    assert missing_legacy_signatures(store, made) == made[1:]
    assert add_legacy_signatures(store, made)
    assert len([record for record in registry.requests[before:] if record.method == "PUT" and record.path.endswith(TAG)]) == 1
    assert missing_legacy_signatures(store, made) == []
    assert not add_legacy_signatures(store, [])


Edit = Callable[[dict[str, Any]], object]
PAYLOADS: dict[str, tuple[Edit, str]] = {
    "another digest": (
        lambda payload: payload["critical"]["image"].update({"docker-manifest-digest": "sha256:" + "ab" * 32}),
        "other_subject",
    ),
    "another type": (lambda payload: payload["critical"].update(type="atomic container signature"), "malformed"),
    "no type": (lambda payload: payload["critical"].pop("type"), "malformed"),
    "no image": (lambda payload: payload["critical"].pop("image"), "malformed"),
    "nothing": (lambda payload: payload.clear(), "malformed"),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_that_is_really_signed_but_says_something_else_is_refused(store: RegistryStore, name: str) -> None:
    edit, reason = PAYLOADS[name]
    payload = json.loads(legacy_payload(store.name, DIGEST))
    edit(payload)
    data = json.dumps(payload).encode()
    put(store, data, base64.b64encode(K1.sign(data)).decode())
    assert reasons(store) == [reason]


def test_changed_signatures_are_refused(store: RegistryStore) -> None:
    payload = legacy_payload(store.name, DIGEST)
    signature = K1.sign(payload)
    for offset in (0, 31, 32, 63):
        changed = signature[:offset] + bytes([signature[offset] ^ 1]) + signature[offset + 1 :]
        put(store, payload, base64.b64encode(changed).decode())
        assert reasons(store) == ["no_trusted_key"]
    put(store, payload + b" ", base64.b64encode(signature).decode())
    assert reasons(store) == ["no_trusted_key"]
    for text in ("", "AAA*"):
        put(store, payload, text)
        assert reasons(store) == ["malformed"]
    put(store, payload, base64.b64encode(signature).decode(), "text/plain")
    assert reasons(store) == ["malformed"]
    put(store, payload, base64.b64encode(K2.sign(payload)).decode())
    assert reasons(store) == ["no_trusted_key"]
    put(store, payload, base64.b64encode(signature).decode())
    assert reasons(store) == [""]
    revoked = Trust.of_store([TrustedKey(name="one", public=K1.public, revoked=True)], at=None)
    assert [each.error.reason for each in found(store, revoked) if each.error] == ["key_revoked"]


def test_signatures_that_are_tried_are_limited(store: RegistryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """256 signatures by 1,024 keys took half a minute."""
    add(store, K2, P256)
    assert reasons(store) == ["no_trusted_key", ""]
    monkeypatch.setattr("wasm_oci.attest.legacy.Budget", partial(Budget, 3))
    assert reasons(store) == ["no_trusted_key", "limit"]


def test_a_layer_with_a_wrong_size_hides_no_other(tmp_path: Path) -> None:
    place = LayoutStore(tmp_path / "layout")
    place.put_blob(Descriptor.of(b"hello", ""), lambda: iter((b"hello",)))
    place.put_manifest(SUBJECT.descriptor, SUBJECT.data, "v1")
    add_legacy_signatures(place, [sign_legacy("registry.example/app", DIGEST, K1)])
    image = Manifest.parse(place.fetch_manifest(TAG).data, where="")
    (good,) = image.layers
    image = replace(image, layers=(replace(good, size=good.size + 1), good))
    place.put_manifest(image.descriptor(), image.encode(), TAG)
    statements = list(find_legacy_signatures(place, DIGEST, trust=TRUST))
    assert [each.key for each in statements] == [None, K1.public]


def test_a_tag_that_names_something_else_is_an_error(store: RegistryStore) -> None:
    index = Index()
    store.put_manifest(Descriptor.of(index.encode(), INDEX_MEDIA_TYPE), index.encode(), TAG)
    with pytest.raises(RegistryError, match="not an image of signatures"):
        found(store)
    with pytest.raises(RegistryError, match="not an image of signatures"):
        add(store, K1)


def test_a_signature_that_another_program_keeps_removing_is_an_error(store: RegistryStore, registry: RunningRegistry) -> None:
    fault = Fault(method="PUT", path=f"/manifests/{TAG}$", effect=Reply(status=201), times=None)
    registry.faults.add(fault)
    with pytest.raises(RegistryError):
        add(store, K1)
    assert fault.hits > 0


def test_a_registry_that_fails_is_no_registry_without_signatures(store: RegistryStore, registry: RunningRegistry) -> None:
    add(store, K1)
    registry.faults.add(Fault(path=r"\.sig$", effect=Reply(status=503), times=None))
    with pytest.raises(RegistryError, match="503"):
        found(store)
