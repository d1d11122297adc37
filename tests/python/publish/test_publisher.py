"""Publishing to several destinations of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.clients import REPOSITORY, client_of
from fakes.program import tag_of
from fakes.publishing import publish
from instruments.effects import Reply, Status
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.errors import FormatError, RegistryError, TagConflictError, UsageError
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index
from wasm_oci.oci.store import Store
from wasm_oci.publish.artifact import Artifact, blobs_of, load_artifact
from wasm_oci.publish.looking import make_plan
from wasm_oci.publish.plan_steps import Action
from wasm_oci.registry.store import RegistryStore


@pytest.fixture
def pair() -> Iterator[tuple[RunningRegistry, RunningRegistry]]:
    with start() as first, start(referrers_api=False) as second:
        yield first, second


@pytest.fixture
def destinations(pair: tuple[RunningRegistry, RunningRegistry]) -> Iterator[tuple[Store, Store]]:
    with client_of(pair[0]) as one, client_of(pair[1]) as two:
        yield RegistryStore(one), RegistryStore(two)


def test_content_goes_everywhere_before_any_tag(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact
) -> None:
    plans = [make_plan(artifact, destination, ["v1"]) for destination in destinations]
    pair[1].faults.add(Fault(method="PUT", path="/manifests/sha256:", effect=Reply(status=400), times=None))
    first, second = publish(plans)
    assert (first.status, second.status) == ("content sent", "failed")
    assert second.error and "status 400" in str(second.error)
    assert [tag_of(registry, REPOSITORY, "v1") for registry in pair] == [None, None]


def test_without_fail_fast_the_others_go_on(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact
) -> None:
    plans = [make_plan(artifact, destination, ["v1"]) for destination in destinations]
    pair[0].faults.add(Fault(method="POST", effect=Reply(status=400), times=None))
    first, second = publish(plans, fail_fast=False)
    assert (first.status, second.status) == ("failed", "published")
    assert [tag_of(registry, REPOSITORY, "v1") for registry in pair] == [None, artifact.descriptor.digest]


def test_a_failure_begins_nothing_further(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact
) -> None:
    plans = [make_plan(artifact, destination, ["v1"]) for destination in destinations]
    pair[0].faults.add(Fault(method="POST", effect=Reply(status=400), times=None))
    first, second = publish(plans)
    assert first.status == "failed"
    assert second.status in ("content sent", "not started")  # the registries are written to side by side
    assert not [record for registry in pair for record in registry.requests if record.method == "PUT" and record.path.endswith("/v1")]


def test_a_plan_that_is_refused_is_not_carried_out(destinations: tuple[Store, Store], artifact: Artifact, tmp_path: Path) -> None:
    other = load_artifact(signed_image(tmp_path / "other", text="other").folder)
    assert publish([make_plan(other, destinations[0], ["v1"])])[0].status == "published"
    (result,) = publish([make_plan(artifact, destinations[0], ["v1"])])
    assert isinstance(result.error, TagConflictError)
    assert (result.steps, result.bytes_sent, result.tags_after) == ([], 0, {"v1": other.descriptor.digest})


def test_a_refusal_that_is_planned_comes_before_anything_is_written(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact, tmp_path: Path
) -> None:
    other = load_artifact(signed_image(tmp_path / "other", text="other").folder)
    publish([make_plan(other, destinations[1], ["v1"])])
    plans = [make_plan(artifact, destination, ["v1"]) for destination in destinations]
    for registry in pair:
        registry.requests.clear()
    first, second = publish(plans)
    assert (first.status, first.error, second.status) == ("not started", None, "failed")
    assert isinstance(second.error, TagConflictError)
    assert [registry.requests for registry in pair] == [[], []]
    first, second = publish(plans, fail_fast=False)
    assert (first.status, second.status) == ("published", "failed")


@pytest.mark.parametrize("lost", range(4))
def test_a_blob_that_was_accepted_and_forgotten_is_an_error_before_the_tag(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact, lost: int
) -> None:
    plan = make_plan(artifact, destinations[0], ["v1"])
    digest = artifact.blobs[lost].descriptor.digest
    pair[0].faults.add(Fault(method="HEAD|GET", path=f"/blobs/{digest}", effect=Reply(status=404), times=None))
    (result,) = publish([plan])
    assert isinstance(result.error, RegistryError)
    assert (result.status, result.error.reason, result.error.exit_code) == ("failed", "blob_not_stored", 6)
    assert str(digest) in str(result.error)
    assert tag_of(pair[0], REPOSITORY, "v1") is None


def test_a_layout_is_made_filled_and_then_unchanged(tmp_path: Path, artifact: Artifact) -> None:
    folder = tmp_path / "out"
    destination = LayoutStore(folder)
    plan = make_plan(artifact, destination, ["v1"])
    assert {step.action for step in plan.blobs} == {Action.UPLOAD}
    assert not folder.exists()
    (result,) = publish([plan])
    (signature,) = artifact.referrers
    digest = signature.descriptor().digest
    assert (result.status, result.error, result.found_by) == ("published", None, {digest: "index.json"})
    layout = LayoutStore.open(folder)
    assert layout.fetch_manifest("v1").descriptor.digest == artifact.descriptor.digest
    assert [entry.digest for entry in layout.referrers(artifact.descriptor.digest)] == [digest]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = make_plan(artifact, destination, ["v1"])
    assert not again.writes
    assert publish([again])[0].status == "unchanged"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_damaged_blob_of_a_layout_is_written_again(tmp_path: Path, artifact: Artifact) -> None:
    destination = LayoutStore(tmp_path / "out")
    publish([make_plan(artifact, destination, ["v1"])])
    layer = blobs_of(artifact.manifest)[1]
    path = tmp_path / "out/blobs/sha256" / layer.digest.hex
    content = path.read_bytes()
    path.write_bytes(b"")
    (result,) = publish([make_plan(artifact, destination, ["v1"])])
    assert (result.status, result.bytes_sent, path.read_bytes()) == ("published", layer.size, content)


def test_the_tag_of_a_layout_is_guarded_too(tmp_path: Path, artifact: Artifact) -> None:
    destination = LayoutStore(tmp_path / "out")
    other = load_artifact(signed_image(tmp_path / "other", text="other").folder)
    assert publish([make_plan(other, destination, ["v1"])])[0].status == "published"
    refused = make_plan(artifact, destination, ["v1"])
    assert [tag.action for tag in refused.tags] == [Action.REFUSE]
    moved = make_plan(artifact, destination, ["v1"], move_tags=True)
    assert publish([moved])[0].status == "published"
    assert destination.fetch_manifest("v1").descriptor.digest == artifact.descriptor.digest


def test_an_index_is_not_published(tmp_path: Path) -> None:
    layout = LayoutStore(tmp_path / "layout")
    data = Index().encode()
    layout.put_manifest(Descriptor.of(data, INDEX_MEDIA_TYPE), data, "v1")
    with pytest.raises(FormatError, match="not an image manifest"):
        load_artifact(tmp_path / "layout")


def test_an_artifact_names_each_blob_once(image: Image) -> None:
    artifact = load_artifact(image.folder, image.signatures)
    assert [blob.role for blob in artifact.blobs] == ["config", "layer", "empty", "signature"]
    with pytest.raises(UsageError):
        load_artifact(image.folder, [image.folder])


def test_a_registry_that_does_not_move_tags_is_a_tag_conflict(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact, tmp_path: Path
) -> None:
    other = load_artifact(signed_image(tmp_path / "other", text="other").folder)
    publish([make_plan(other, destinations[0], ["v1"])])
    body = b'{"errors":[{"code":"TAG_INVALID","message":"tag v1 cannot be overwritten"}]}'
    pair[0].faults.add(Fault(method="PUT", path="/manifests/v1", effect=Reply(status=400, body=body), times=None))
    (result,) = publish([make_plan(artifact, destinations[0], ["v1"], move_tags=True)])
    assert isinstance(result.error, TagConflictError)
    assert (result.tags_after, result.steps[-1].outcome) == ({"v1": other.descriptor.digest}, "failed")


def test_a_tag_that_does_not_exist_is_no_conflict(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact
) -> None:
    pair[0].faults.add(Fault(method="PUT", path="/manifests/v1", effect=Reply(status=409), times=None))
    (result,) = publish([make_plan(artifact, destinations[0], ["v1"])])
    assert isinstance(result.error, RegistryError)
    assert "does not exist" in str(result.error)


def test_an_immutable_tag_that_names_the_image_already_is_published(
    pair: tuple[RunningRegistry, RunningRegistry], destinations: tuple[Store, Store], artifact: Artifact
) -> None:
    plan = make_plan(artifact, destinations[0], ["v1"])
    pair[0].faults.add(Fault(method="PUT", path="/manifests/v1", effect=Status(status=409), times=None))
    (result,) = publish([plan])
    assert (result.status, result.steps[-1].outcome) == ("published", "done (found by reading)")
