"""Statements that travel with what is published: attached before a tag exists, and once only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import Image
from fakes.clients import client_of
from fakes.publishing import RunRelease, no_credentials, releasing
from fakes.signing import K1, K2
from fakes.statements import signed
from instruments.registry import RunningRegistry
from wasm_oci.attest.find import find_statements
from wasm_oci.errors import UsageError
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.artifact import load_artifact, statement_referrer, with_referrers
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, ReleaseRequest
from wasm_oci.registry.store import RegistryStore
from wasm_oci.trust.predicate_types import SIGN, VSA
from wasm_oci.trust.trust import Trust


@pytest.fixture
def publish_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunRelease]:
    with releasing(no_credentials(tmp_path / "home", monkeypatch)) as run:
        yield run


def test_statements_are_published_before_the_tag_and_sent_once(publish_all: RunRelease, registry: RunningRegistry, image: Image) -> None:
    subject = LayoutStore.open(image.folder).fetch_manifest("v1")
    statements = [signed(subject), signed(subject, K2), signed(subject, kind=VSA)]
    request = ReleaseRequest(
        artifacts=(
            ArtifactRequest(
                layout=image.folder,
                referrers=(*image.signatures, *(statement_referrer(statement) for statement in statements)),
                destinations=(DestinationRequest(repository=Reference.parse(f"{registry.host}/library/hello"), tags=("v1",)),),
            ),
        )
    )
    publish_all(request)
    puts = [record.path.rpartition("/")[2] for record in registry.requests if record.method == "PUT" and "/manifests/" in record.path]
    (tag,) = [number for number, name in enumerate(puts) if name == "v1"]
    assert tag == len(puts) - 1
    assert {str(statement.referrer.descriptor().digest) for statement in statements} <= set(puts[:tag])
    with client_of(registry) as client:
        found = list(find_statements(RegistryStore(client), subject, trust=Trust.of_keys([K1.public, K2.public])))
    assert sorted((each.statement.predicate_type, each.key == K1.public) for each in found if each.statement) == [
        (SIGN, False),
        (SIGN, True),
        (VSA, True),
    ]
    before = len(puts)
    publish_all(request)
    assert len([record for record in registry.requests if record.method == "PUT" and "/manifests/" in record.path]) == before


def test_a_statement_about_another_artifact_is_refused(images: tuple[Image, Image], image: Image) -> None:
    statement = signed(LayoutStore.open(images[0].folder).fetch_manifest("v1"))
    with pytest.raises(UsageError, match="make it for this artifact"):
        with_referrers(load_artifact(image.folder), [statement_referrer(statement)])


def test_a_statement_without_its_bundle_is_refused(image: Image) -> None:
    referrer = statement_referrer(signed(LayoutStore.open(image.folder).fetch_manifest("v1")))
    with pytest.raises(UsageError, match="is missing"):
        with_referrers(load_artifact(image.folder), [replace(referrer, blobs=referrer.blobs[:1])])
