"""Statements that are stored and found again: in layouts and registries, among a thousand others, and with what is missing or lies."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image
from fakes.clients import client_of
from fakes.signing import K1, K2
from fakes.statements import changed, fetched, signed
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.attest.find import FoundStatement, find_statements
from wasm_oci.attest.write import SignedStatement, attach_statement, bundle_referrer
from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError, RegistryError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.registry.store import RegistryStore
from wasm_oci.trust.predicate_types import SIGN, VSA
from wasm_oci.trust.trust import Trust

TRUST = Trust.of_keys([K1.public])
SUBJECT = fetched()


def with_subject(store: Store) -> Store:
    store.put_blob(Descriptor.of(b"hello", ""), lambda: iter((b"hello",)))
    store.put_manifest(SUBJECT.descriptor, SUBJECT.data, "v1")
    return store


@pytest.fixture(params=["layout", "registry", "registry without referrers API"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A place that holds one manifest."""
    if request.param == "layout":
        yield with_subject(LayoutStore(tmp_path / "layout"))
        return
    with start(referrers_api=request.param == "registry") as registry, client_of(registry) as client:
        yield with_subject(RegistryStore(client))


def put(store: Store, bundle: bytes, subject: FetchedManifest = SUBJECT) -> SignedStatement:
    """Attaches any bytes as a statement."""
    made = SignedStatement(bundle=bundle, referrer=bundle_referrer(subject.descriptor, bundle, SIGN))
    attach_statement(store, made)
    return made


def found(store: Store, trust: Trust | None = TRUST, kind: str | None = None) -> list[FoundStatement]:
    return list(find_statements(store, SUBJECT, trust=trust, predicate_type=kind))


def reasons(statements: list[FoundStatement]) -> list[str]:
    return sorted(each.error.reason if each.error else "" for each in statements)


def test_what_is_attached_is_found_and_attached_once(store: Store) -> None:
    made = signed(SUBJECT, kind=VSA)
    assert attach_statement(store, made) != ""
    assert attach_statement(store, made) == ""
    (statement,) = found(store)
    assert (statement.key, statement.error) == (K1.public, None)
    assert statement.bundle == made.layer.digest
    assert statement.referrer == made.referrer.descriptor().digest
    assert statement.statement is not None
    assert statement.statement.predicate_type == VSA


def test_without_keys_statements_are_claims(store: Store) -> None:
    put(store, signed(SUBJECT, K2).bundle)
    (statement,) = found(store, trust=None)
    assert (statement.key, statement.error) == (None, None)
    assert statement.statement is not None


def test_every_other_statement_has_its_reason_and_hides_none(store: Store) -> None:
    good = signed(SUBJECT)
    put(store, b"{}")
    put(store, b"\xff")
    put(store, signed(SUBJECT, K2).bundle)
    put(store, signed(fetched("another")).bundle)
    put(store, signed(SUBJECT, kind=VSA).bundle)
    put(store, changed(good.bundle, lambda document: document["verificationMaterial"].update(certificate={})))
    put(store, good.bundle)
    statements = found(store, kind=SIGN)
    expected = ["", "keyless", "malformed_statement", "malformed_statement", "no_trusted_key", "other_predicate", "other_subject"]
    assert reasons(statements) == expected
    assert [each.key for each in statements if each.key] == [K1.public]


def test_a_referrer_with_a_wrong_size_hides_no_statement(tmp_path: Path) -> None:
    store = with_subject(LayoutStore(tmp_path / "layout"))
    good = signed(SUBJECT)
    store.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,)))
    store.put_blob(good.layer, lambda: iter((good.bundle,)))
    for number in range(1, 9):
        store.attach(replace(good.referrer, layers=(replace(good.layer, size=good.layer.size + number),)))
    put(store, good.bundle)
    statements = found(store)
    assert [each.key for each in statements if each.key] == [K1.public]
    assert len(statements) == 9


def test_what_cannot_be_a_statement_has_a_reason(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    good = signed(SUBJECT)
    layers = (good.layer, EMPTY)
    store.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,)))
    store.put_blob(good.layer, lambda: iter((good.bundle,)))
    store.attach(replace(good.referrer, layers=layers))
    store.attach(replace(good.referrer, layers=(replace(EMPTY, media_type="text/plain"),)))
    assert reasons(found(store)) == ["malformed_statement", "malformed_statement"]
    put(store, good.bundle)
    monkeypatch.setattr("wasm_oci.attest.find.LIMITS", replace(LIMITS, bundle=10))
    assert reasons(found(store)) == ["limit", "malformed_statement", "malformed_statement"]


def test_a_referrer_of_another_manifest_is_not_listed(store: Store) -> None:
    other = fetched("other")
    put(store, signed(SUBJECT).bundle, other)
    assert found(store) == []


def test_what_its_annotation_says_does_not_matter(store: Store) -> None:
    made = signed(SUBJECT, kind=VSA)
    lying = replace(made, referrer=bundle_referrer(SUBJECT.descriptor, made.bundle, SIGN))
    attach_statement(store, lying)
    assert reasons(found(store, kind=SIGN)) == ["other_predicate"]
    assert reasons(found(store, kind=VSA)) == [""]


def test_a_damaged_blob_is_an_error_and_hides_no_other(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path / "layout")
    with_subject(store)
    damaged, gone = put(store, signed(SUBJECT, kind=VSA).bundle), put(store, signed(SUBJECT, K2).bundle)
    put(store, signed(SUBJECT).bundle)
    path = store.blob_path(damaged.layer)
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    store.blob_path(gone.layer).unlink()
    assert reasons(found(store)) == ["", "digest_mismatch", "not_found"]


def test_the_size_of_all_statements_is_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, signed(SUBJECT).bundle)
    put(store, signed(SUBJECT, K2).bundle)
    monkeypatch.setattr("wasm_oci.attest.find.LIMITS", replace(LIMITS, bundle_bytes=len(signed(SUBJECT).bundle) + 1))
    statements = find_statements(store, SUBJECT, trust=TRUST)
    next(statements)
    with pytest.raises(LimitError, match="remove statements that are not needed"):
        next(statements)


@pytest.fixture
def thousand(tmp_path: Path) -> LayoutStore:
    """A layout with 1,000 referrers of its manifest, of which one is a valid statement; the others are forged, each in its way."""
    store = LayoutStore(tmp_path / "layout")
    with_subject(store)
    store.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,)))
    good = signed(SUBJECT)
    index = json.loads((store.folder / "index.json").read_text())
    for number in range(LIMITS.referrers):
        bundle = good.bundle if number == 777 else forged(good.bundle, number)
        referrer = bundle_referrer(SUBJECT.descriptor, bundle, SIGN)
        for data in (bundle, referrer.encode()):
            (store.folder / "blobs/sha256" / Digest.of(data).hex).write_bytes(data)
        index["manifests"].append(referrer.descriptor().to_json())
    (store.folder / "index.json").write_text(json.dumps(index))
    return store


def forged(bundle: bytes, number: int) -> bytes:
    def change(document: dict[str, Any]) -> None:
        document["number"] = number
        match number % 4:
            case 0:
                document["mediaType"] = "text/plain"
            case 1:
                document["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(number.to_bytes(64)).decode()
            case 2:
                document["verificationMaterial"]["publicKey"]["hint"] = str(number)
                document["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(number.to_bytes(64)).decode()
            case 3:
                document["dsseEnvelope"]["payload"] = "e30="

    return changed(bundle, change)


def test_one_valid_statement_among_a_thousand_is_found_in_time(thousand: LayoutStore) -> None:
    started = time.perf_counter()
    statements = found(thousand)
    assert time.perf_counter() - started < 20
    assert [each.key for each in statements if each.key] == [K1.public]
    assert len(statements) == LIMITS.referrers


def test_more_than_a_thousand_are_an_error_and_not_a_guess(thousand: LayoutStore) -> None:
    put(thousand, b"{}")
    with pytest.raises((LimitError, RegistryError), match="more than 1000"):
        found(thousand)


def test_a_registry_that_fails_is_no_registry_without_statements(registry: RunningRegistry) -> None:
    with client_of(registry) as client:
        store = RegistryStore(client)
        with_subject(store)
        put(store, signed(SUBJECT).bundle)
        for path in ("/blobs/", "/manifests/", "/referrers/|/manifests/sha256-"):
            registry.faults.clear()
            registry.faults.add(Fault(method="GET", path=path, effect=Reply(status=503), times=None))
            with pytest.raises(RegistryError, match="503"):
                found(store)


def test_images_are_subjects_too(images: tuple[Image, Image]) -> None:
    store = LayoutStore.open(images[0].folder)
    subject = store.fetch_manifest("v1")
    attach_statement(store, signed(subject))
    (statement,) = find_statements(store, subject, trust=TRUST)
    assert statement.key == K1.public
