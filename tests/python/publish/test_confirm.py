"""What is read back after publishing, and what it proves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.clients import REPOSITORY, client_of
from fakes.program import tag_of
from fakes.publishing import publish
from instruments.effects import Corrupt, Effect, Pretend, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry
from wasm_oci.errors import DigestError, NotFoundError, RegistryError
from wasm_oci.limits import LIMITS
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.store import Store
from wasm_oci.publish import confirm
from wasm_oci.publish.artifact import Artifact, blobs_of, load_artifact
from wasm_oci.publish.confirm import ENDS, WHOLE
from wasm_oci.publish.looking import make_plan
from wasm_oci.publish.report import result_lines
from wasm_oci.publish.result import Result
from wasm_oci.registry.store import RegistryStore


@pytest.fixture
def destination(registry: RunningRegistry) -> Iterator[Store]:
    with client_of(registry) as client:
        yield RegistryStore(client)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """The component has several times as many bytes as a blob that is `small`."""
    return signed_image(tmp_path / "image", detached=True, padding=500)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blobs of more than 64 bytes are large."""
    monkeypatch.setattr(confirm, "LIMITS", replace(LIMITS, read_back=64, read_back_end=16))


def one(artifact: Artifact, destination: Store, *, whole: bool = False) -> Result:
    (result,) = publish([make_plan(artifact, destination, ["v1"])], read_whole=whole)
    return result


def blob_reads(registry: RunningRegistry) -> list[str | None]:
    """The ranges of all reads of the layer since it is stored."""
    stored = next(number for number, each in enumerate(registry.requests) if each.method == "PUT" and "/manifests/" in each.path)
    return [each.headers.get("range") for each in registry.requests[stored:] if each.method == "GET" and "/blobs/" in each.path]


def test_small_blobs_are_read_back_whole(registry: RunningRegistry, destination: Store, artifact: Artifact) -> None:
    result = one(artifact, destination)
    assert (result.status, result.error) == ("published", None)
    assert blob_reads(registry) == [None] * 4
    assert [step.outcome for step in result.steps if step.name == "read back"] == [WHOLE] * 5
    assert "read back the manifest, every referrer, the tag, 4 blobs whole" in " ".join(result_lines(result))


@pytest.mark.usefixtures("small")
def test_large_blobs_are_read_back_at_both_ends(registry: RunningRegistry, destination: Store, artifact: Artifact) -> None:
    result = one(artifact, destination)
    outcomes = [step.outcome for step in result.steps if step.name == "read back"]
    assert (result.status, outcomes.count(WHOLE), outcomes.count(ENDS)) == ("published", 3, 2)
    assert "2 blobs whole, 2 blobs by size and both ends" in " ".join(result_lines(result))
    assert len([each for each in blob_reads(registry) if each]) == 2 * 2


@pytest.mark.usefixtures("small")
def test_all_is_read_back_whole_where_that_is_asked_for(registry: RunningRegistry, destination: Store, artifact: Artifact) -> None:
    assert one(artifact, destination, whole=True).status == "published"
    assert blob_reads(registry) == [None] * 4


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("position", [0, -1])
def test_a_damaged_end_of_a_large_blob_is_found(registry: RunningRegistry, destination: Store, artifact: Artifact, position: int) -> None:
    layer = blobs_of(artifact.manifest)[1]
    plan = make_plan(artifact, destination, ["v1"])
    registry.faults.add(Fault(method="GET", path=f"/blobs/{layer.digest}", effect=Corrupt(position=position), times=None))
    (result,) = publish([plan])
    assert isinstance(result.error, DigestError)
    assert f"layer blob {layer.digest} was accepted but comes back with different content: its first or last" in str(result.error)
    assert tag_of(registry, REPOSITORY, "v1") is None


@pytest.mark.usefixtures("small")
def test_damage_in_the_middle_of_a_large_blob_is_found_by_reading_it_whole(
    registry: RunningRegistry, destination: Store, artifact: Artifact
) -> None:
    layer = blobs_of(artifact.manifest)[1]
    plan = make_plan(artifact, destination, ["v1"])
    fault = registry.faults.add(Fault(method="GET", path=f"/blobs/{layer.digest}", effect=Corrupt(position=20), times=None))
    (result,) = publish([plan], read_whole=True)
    assert (isinstance(result.error, DigestError), fault.hits) == (True, 1)
    assert one(artifact, destination).status == "published"


@pytest.mark.parametrize(
    "effect", [Pretend(), Reply(status=201), Reply(status=202), Reply(status=200)], ids=["pretended", "201", "202", "200"]
)
def test_blobs_that_are_only_accepted_are_found_out(
    registry: RunningRegistry, destination: Store, artifact: Artifact, effect: Effect
) -> None:
    """By the registry itself, by looking, or by reading back."""
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=effect, times=None))
    registry.faults.add(Fault(method="HEAD", path="/blobs/", effect=Reply(status=200), times=None))
    result = one(artifact, destination)
    assert isinstance(result.error, RegistryError)
    assert tag_of(registry, REPOSITORY, "v1") is None


def test_a_proxy_that_answers_200_to_every_head_is_no_obstacle_and_no_proof(
    registry: RunningRegistry, destination: Store, artifact: Artifact
) -> None:
    registry.faults.add(Fault(method="HEAD", effect=Reply(status=200), times=None))
    result = one(artifact, destination)
    assert (result.status, result.bytes_skipped) == ("published", 0)
    assert tag_of(registry, REPOSITORY, "v1") == artifact.descriptor.digest


def test_a_blob_that_was_there_is_sampled_where_the_manifest_is_new(
    registry: RunningRegistry, destination: Store, artifact: Artifact
) -> None:
    layer = artifact.blobs[1]
    destination.put_blob(layer.descriptor, layer.content)
    plan = make_plan(artifact, destination, ["v1"])
    registry.faults.add(Fault(method="GET", path=f"/blobs/{layer.descriptor.digest}", effect=Reply(status=404), times=None))
    (result,) = publish([plan])
    assert isinstance(result.error, RegistryError)
    assert result.error.reason == "blob_not_stored"
    assert tag_of(registry, REPOSITORY, "v1") is None


def test_the_tag_is_read_back_by_its_content(registry: RunningRegistry, destination: Store, artifact: Artifact, tmp_path: Path) -> None:
    """HEAD names the new digest, and GET gives the old manifest."""
    other = load_artifact(signed_image(tmp_path / "other", text="other").folder)
    assert one(other, destination).status == "published"
    plan = make_plan(artifact, destination, ["v1"], move_tags=True)
    registry.faults.add(Fault(method="GET", path="/manifests/v1", effect=Reply(status=200, body=other.manifest.raw), times=None))
    (result,) = publish([plan])
    assert isinstance(result.error, RegistryError)
    assert (result.error.reason, result.tags_after["v1"]) == ("tag_not_stored", other.descriptor.digest)


def test_a_manifest_that_is_hidden_until_it_has_a_tag_is_read_back_then(
    registry: RunningRegistry, destination: Store, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagged: set[str] = set()

    def middleware(faults: object, request: ServedRequest, respond: Responder) -> ServedResponse:
        by_digest = "/manifests/sha256:" in request.path
        if request.method in ("GET", "HEAD") and by_digest and request.path not in tagged:
            return ServedResponse(status=404)
        response = respond(request)
        if request.method == "PUT" and "/manifests/" in request.path and not by_digest:
            tagged.add(f"{request.path.rpartition('/')[0]}/{response.headers['Docker-Content-Digest']}")
        return response

    monkeypatch.setattr(type(registry.faults), "__call__", middleware)
    result = one(artifact, destination)
    assert (result.status, result.error) == ("published", None)
    read = [step.outcome for step in result.steps if step.subject == str(artifact.descriptor.digest) and step.name == "read back"]
    assert read == ["hidden until it has a tag", "done"]
    (found,) = find_referrers(destination, artifact.descriptor.digest, SIGNATURE_MEDIA_TYPE)
    assert found.raw == artifact.referrers[0].raw
    assert not make_plan(artifact, destination, ["v1"]).writes


def test_a_manifest_that_is_never_shown_is_an_error(registry: RunningRegistry, destination: Store, artifact: Artifact) -> None:
    by_digest = f"/manifests/{artifact.descriptor.digest}"
    registry.faults.add(Fault(method="GET|HEAD", path=by_digest, effect=Reply(status=404), times=None))
    result = one(artifact, destination)
    assert isinstance(result.error, RegistryError)
    assert (result.status, result.error.reason) == ("failed", "manifest_not_stored")


def test_a_manifest_that_comes_back_changed_is_an_error(registry: RunningRegistry, destination: Store, artifact: Artifact) -> None:
    """Also where it is there already and only a tag is written."""
    plan = make_plan(artifact, destination, ["v1"])
    by_digest = f"/manifests/{artifact.descriptor.digest}"
    fault = registry.faults.add(Fault(method="GET", path=by_digest, effect=Corrupt(), times=None))
    (result,) = publish([plan])
    assert (isinstance(result.error, DigestError), fault.hits > 0, tag_of(registry, REPOSITORY, "v1")) == (True, True, None)


def test_a_referrer_that_is_not_listed_is_an_error(destination: Store, artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "listed_referrers", lambda *_: frozenset())
    error = one(artifact, destination).error
    assert isinstance(error, NotFoundError)
    assert f"the signature {artifact.referrers[0].descriptor().digest} was pushed, but the destination does not list it" in str(error)
