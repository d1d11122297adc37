"""The order of publishing, for several artifacts, destinations, tags and referrers."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import Image, component, key, layout_of, signed_image
from fakes.clients import REPOSITORY, client_of
from fakes.program import tag_of
from fakes.publishing import RunRelease, no_credentials, publish, releasing
from instruments.effects import Hangup, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, PolicyError, RegistryError, UsageError
from wasm_oci.keys.sources.signing_keys import SigningKey
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.store import Content
from wasm_oci.publish.artifact import Blob, Referrer, blobs_of, load_artifact
from wasm_oci.publish.looking import make_plan
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.plan_steps import Action, Decision
from wasm_oci.publish.planning import Decided, Ready, Resolved, allow
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.release import Release, keep_no_record
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, PolicyRequest, ReleaseRequest
from wasm_oci.publish.report import artifact_document, plan_lines, result_lines
from wasm_oci.publish.resolve import NamedRepository
from wasm_oci.publish.signing import DeferredSigning, Signing
from wasm_oci.registry.store import RegistryStore

VARIABLE = "TEST_SIGNING_KEY"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """No credentials."""
    return no_credentials(tmp_path / "home", monkeypatch)


@pytest.fixture
def publish_all(environ: dict[str, str]) -> Iterator[RunRelease]:
    with releasing(environ) as run:
        yield run


@pytest.fixture
def registry() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


@pytest.fixture
def one(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "one", text="one", detached=True)


@pytest.fixture
def two(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "two", text="two")


def folder(path: Path, *tags: str) -> DestinationRequest:
    entry = RegistryEntry(name="disk", type="layout", path=str(path))
    return DestinationRequest(repository=NamedRepository(registries=(entry,), registry="disk", namespace="", repository="hello"), tags=tags)


def to(registry: RunningRegistry, name: str, *tags: str) -> DestinationRequest:
    return DestinationRequest(repository=Reference.parse(f"{registry.host}/library/{name}"), tags=tags)


def of(image: Image, *destinations: DestinationRequest) -> ArtifactRequest:
    return ArtifactRequest(layout=image.folder, referrers=image.signatures, destinations=destinations)


def tags_written(registry: RunningRegistry) -> list[str]:
    return [path for path in puts(registry) if "/manifests/" in path and "/manifests/sha256:" not in path]


def puts(registry: RunningRegistry) -> list[str]:
    return [record.path for record in registry.requests if record.method == "PUT"]


def signing(folder: Path, image: Image, monkeypatch: pytest.MonkeyPatch) -> ArtifactRequest:
    """A request to sign `image`, detached, with key 1."""
    monkeypatch.setenv(VARIABLE, base64.b64encode(key(1).compact()).decode())
    (folder / "1.public").write_bytes(key(1).public.compact())
    keys = (SigningKey(source=KeySource(kind="env", ref=VARIABLE), public_key=folder / "1.public"),)
    return ArtifactRequest(layout=image.folder, signing=DeferredSigning(keys=keys, image=None), destinations=())


def test_every_artifact_goes_to_every_destination(
    publish_all: RunRelease, registry: RunningRegistry, one: Image, two: Image, tmp_path: Path
) -> None:
    disks = [tmp_path / name for name in ("disk1", "disk2")]
    request = ReleaseRequest(
        artifacts=(
            of(one, to(registry, "one", "v1", "latest"), folder(disks[0], "v1", "v1.0")),
            of(two, to(registry, "two", "v1"), folder(disks[1], "v1"), to(registry, "mirror")),
        )
    )
    shown: list[Plan] = []
    recorded: list[Release] = []
    done = publish_all(request, show=shown.extend, record=recorded.append)
    assert [[result.status for result in each.results] for each in done.artifacts] == [["published"] * 2, ["published"] * 3]
    assert [each.error for each in done.artifacts] == [None, None]
    assert (len(shown), recorded) == (5, [done])
    assert [tag_of(registry, f"library/{name}", tag) for name, tag in (("one", "v1"), ("one", "latest"), ("two", "v1"))] == [
        one.digest,
        one.digest,
        two.digest,
    ]
    assert LayoutStore(disks[0]).tags() == ("v1", "v1.0")
    signature = [entry.digest for entry in LayoutStore(disks[0]).referrers(one.digest)]
    second = done.artifacts[0].plans[1]
    assert isinstance(second, Plan)
    assert signature == [plan.digest for plan in second.referrers]
    order = puts(registry)
    first = next(number for number, path in enumerate(order) if path in tags_written(registry))
    assert order[first:] == tags_written(registry)
    assert len(order) - first == 3
    again = publish_all(request)
    assert [[result.status for result in each.results] for each in again.artifacts] == [["unchanged"] * 2, ["unchanged"] * 3]
    assert puts(registry) == order


def test_the_steps_have_one_order(
    publish_all: RunRelease, registry: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = layout_of(tmp_path / "layout", component())
    asked = replace(signing(tmp_path, image, monkeypatch), destinations=(to(registry, "hello", "v1"),))
    steps: list[str] = []

    def decide(resolved: Sequence[Resolved], artifacts: Sequence[Ready], signing: Signing | None) -> list[Decided]:
        assert [len(each.published.referrers) for each in artifacts] == [1]
        assert signing
        assert [each.artifact and each.artifact.descriptor.digest for each in resolved] == [image.digest]
        assert [[store.name for store in each.stores] for each in resolved] == [[f"{registry.host}/library/hello"]]
        assert registry.requests == []
        steps.append("decide")
        return [Decided(ready=artifacts[0], decisions=(Decision(words="allowed for a test"),))]

    def show(plans: Sequence[Plan]) -> None:
        assert [[referrer.is_signature for referrer in plan.referrers] for plan in plans] == [[True]]
        assert {record.method for record in registry.requests} <= {"GET", "HEAD"}
        steps.append("show")

    def record(done: Release) -> None:
        assert [result.status for result in done.artifacts[0].results] == ["published"]
        assert [plan.decision for plan in done.artifacts[0].plans] == [Decision(words="allowed for a test")]
        steps.append("record")

    publish_all(ReleaseRequest(artifacts=(asked,)), decide=decide, show=show, record=record)
    assert steps == ["decide", "show", "record"]


def test_a_denial_asks_no_registry(
    publish_all: RunRelease, registry: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = layout_of(tmp_path / "layout", component())
    asked = replace(signing(tmp_path, image, monkeypatch), destinations=(to(registry, "hello", "v1"), to(registry, "bye", "v1")))
    request = ReleaseRequest(artifacts=(asked,))

    def deny(resolved: Sequence[Resolved], artifacts: Sequence[Ready], signing: Signing | None) -> None:
        raise PolicyError(f"{len(resolved)} artifact is denied")

    def allow_none(resolved: Sequence[Resolved], artifacts: Sequence[Ready], signing: Signing | None) -> list[Decided]:
        denied = Decision(denial=PolicyError("it is Friday"), document={"decision": "deny"})
        return [Decided(ready=ready, decisions=(denied, denied)) for ready in artifacts]

    recorded: list[Release] = []
    for decide, problem in ((deny, "1 artifact is denied"), (allow_none, "it is Friday; 1 more destination denied")):
        with pytest.raises(PolicyError, match=problem):
            publish_all(request, decide=decide, record=recorded.append)
    with pytest.raises(ValueError, match="zip"):
        publish_all(request, decide=lambda resolved, artifacts, signing: [Decided(ready=each, decisions=()) for each in artifacts])
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(UsageError, match=VARIABLE):
        publish_all(request)
    assert (registry.requests, recorded) == ([], [])


def test_a_key_is_asked_for_once_in_a_release(publish_all: RunRelease, two: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(base64.b64encode(key(1).compact()))))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    images = [layout_of(tmp_path / name, component(name)) for name in ("a", "b")]
    request = signing(tmp_path, images[0], monkeypatch)
    assert request.signing
    keys = (replace(request.signing.keys[0], source=KeySource(kind="stdin")),)
    asked = [
        replace(request, layout=image.folder, signing=DeferredSigning(keys=keys, image=None), destinations=(folder(tmp_path / "disk"),))
        for image in images
    ]
    scratch: list[Path] = []

    def show(plans: Sequence[Plan]) -> None:
        scratch.extend((tmp_path / "scratch").iterdir())

    done = publish_all(ReleaseRequest(artifacts=(*asked, of(two, folder(tmp_path / "disk")))), show=show)
    assert [[result.status for result in each.results] for each in done.artifacts] == [["published"]] * 3
    assert [len(list(LayoutStore(tmp_path / "disk").referrers(image.digest))) for image in (*images, two)] == [1, 1, 0]
    assert (len(scratch), list((tmp_path / "scratch").iterdir())) == (1, [])


def test_nothing_is_signed_for_a_destination_that_is_unknown(
    publish_all: RunRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = layout_of(tmp_path / "layout", component())
    asked = signing(tmp_path, image, monkeypatch)
    monkeypatch.delenv(VARIABLE)
    place = NamedRepository(registries=(), registry="nobody", namespace="", repository="hello")
    for destination, problem in (
        (DestinationRequest(repository=place, tags=("v1",)), "unknown registry 'nobody'"),
        (folder(tmp_path / "disk", "v1", "a b"), "is not a tag"),
    ):
        with pytest.raises(UsageError, match=problem):
            publish_all(ReleaseRequest(artifacts=(replace(asked, destinations=(destination,)),)))


def test_one_that_cannot_be_planned_leaves_all_unwritten(
    publish_all: RunRelease, registry: RunningRegistry, one: Image, two: Image, tmp_path: Path
) -> None:
    registry.faults.add(Fault(path="/library/two/", effect=Reply(status=500), times=None))
    with pytest.raises(RegistryError):
        publish_all(ReleaseRequest(artifacts=(of(one, folder(tmp_path / "disk", "v1")), of(two, to(registry, "two", "v1")))))
    assert not (tmp_path / "disk").exists()
    with pytest.raises(DigestError, match="the layout's manifest is"):
        publish_all(ReleaseRequest(artifacts=(replace(of(one, folder(tmp_path / "disk", "v1")), digest=two.digest),)))


def test_a_dry_run_ends_after_the_plan(publish_all: RunRelease, registry: RunningRegistry, one: Image, two: Image, tmp_path: Path) -> None:
    publish_all(ReleaseRequest(artifacts=(of(two, to(registry, "one", "v1")),)))
    registry.requests.clear()
    recorded: list[Release] = []
    request = ReleaseRequest(artifacts=(of(one, to(registry, "one", "v1"), folder(tmp_path / "disk", "v1")),), dry_run=True)
    (planned,) = publish_all(request, record=recorded.append).artifacts
    assert (planned.results, recorded, puts(registry)) == ((), [], [])
    assert planned.error
    assert "tag v1 already exists with digest" in planned.error.what
    document = artifact_document(planned)
    assert (document["dryRun"], document["status"], [each["allowed"] for each in document["destinations"]]) == (
        True,
        "refused",
        [False, True],
    )


def test_an_image_that_was_never_signed(publish_all: RunRelease, tmp_path: Path) -> None:
    asked = ArtifactRequest(layout=None, destinations=(folder(tmp_path / "disk"),), notes={"target": "//hello:publish"})
    with pytest.raises(UsageError, match="//hello:publish: the image is not signed yet"):
        publish_all(ReleaseRequest(artifacts=(asked,)))


@pytest.mark.parametrize("fail_fast", [True, False])
def test_results_belong_to_their_artifacts(
    publish_all: RunRelease, registry: RunningRegistry, one: Image, two: Image, fail_fast: bool
) -> None:
    registry.faults.add(Fault(method="POST", path="/library/one/", effect=Reply(status=400), times=None))
    request = ReleaseRequest(
        artifacts=(of(one, folder(one.folder.parent / "disk", "v1"), to(registry, "one", "v1")), of(two, to(registry, "two", "v1"))),
        fail_fast=fail_fast,
    )
    recorded: list[Release] = []
    first, second = publish_all(request, record=recorded.append).artifacts
    statuses = [[result.status for result in each.results] for each in (first, second)]
    if fail_fast:
        assert {status for each in statuses for status in each} <= {"content sent", "failed", "not started"}
        assert tags_written(registry) == []
    else:
        assert statuses == [["published", "failed"], ["published"]]
    assert isinstance(first.error, RegistryError)
    assert second.error is None
    assert [artifact_document(each)["status"] for each in (first, second)] == ["failed", statuses[1][0]]
    assert len(recorded) == 1


def test_one_tag_for_two_manifests_is_refused(publish_all: RunRelease, registry: RunningRegistry, one: Image, two: Image) -> None:
    disk, link = (one.folder.parent / name for name in ("disk", "link"))
    link.symlink_to(disk)
    shown: list[Sequence[Plan]] = []
    for first, second in (
        (to(registry, "one", "v1"), to(registry, "one", "v2", "v1")),
        (folder(disk, "v1"), folder(link, "v1")),
    ):
        with pytest.raises(UsageError, match=f"tag v1 is asked for {one.digest} and for {two.digest}; give each artifact its own tag"):
            publish_all(ReleaseRequest(artifacts=(of(one, first), of(two, second))), show=shown.append)
        assert (shown, registry.requests, disk.exists()) == ([], [], False)
    twice = ReleaseRequest(artifacts=(of(one, to(registry, "one", "v1")), of(one, to(registry, "one", "v1"))))
    assert [result.status for each in publish_all(twice).artifacts for result in each.results] == ["published"] * 2


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, RuntimeError])
@pytest.mark.parametrize("step", ["blob", "tag"])
def test_what_is_known_is_recorded_however_it_ends(
    publish_all: RunRelease, one: Image, monkeypatch: pytest.MonkeyPatch, interrupt: type[BaseException], step: str
) -> None:
    put_manifest = LayoutStore.put_manifest

    def put(store: LayoutStore, descriptor: Descriptor, data: bytes, tag: str | None = None, *, child: bool = False) -> None:
        put_manifest(store, descriptor, data, tag, child=child)
        if tag:
            raise interrupt

    def refuse(store: LayoutStore, blob: Descriptor, content: Content, *, missing: bool = False) -> int:
        raise interrupt

    monkeypatch.setattr(LayoutStore, *(("put_manifest", put) if step == "tag" else ("put_blob", refuse)))
    recorded: list[Release] = []
    disks = [folder(one.folder.parent / name, "v1") for name in ("disk1", "disk2")]
    with pytest.raises(interrupt):
        publish_all(ReleaseRequest(artifacts=(of(one, *disks),)), record=recorded.append)
    (done,) = recorded
    first, second = done.artifacts[0].results
    last = (first.steps[-1].name, first.steps[-1].outcome)
    expected = {"blob": ("blob", "failed"), "tag": ("tag", "unknown")}
    assert (first.status, last) == ("interrupted", expected[step])
    assert second.status in ("interrupted", "not started", "content sent")  # they run side by side


def test_several_tags_are_written_in_order_and_each_is_guarded(registry: RunningRegistry, one: Image, two: Image) -> None:
    artifact, other = load_artifact(one.folder, one.signatures), load_artifact(two.folder)
    with client_of(registry) as client:
        store = RegistryStore(client)
        publish([make_plan(other, store, ["taken", "latest"])])
        (result,) = publish([make_plan(artifact, store, ["v1", "taken"])])
        assert result.error
        assert "tag taken already exists with digest" in result.error.what
        assert tag_of(registry, REPOSITORY, "v1") is None
        registry.requests.clear()
        plan = make_plan(artifact, store, ["v1", "latest", "v1", "v2"], movable=["latest"])
        assert [(tag.tag, tag.action) for tag in plan.tags] == [("v1", "create"), ("latest", "move"), ("v2", "create")]
        (result,) = publish([plan])
        assert (result.status, set(result.tags_after.values())) == ("published", {artifact.descriptor.digest})
    assert [path.rpartition("/")[2] for path in tags_written(registry)] == ["v1", "latest", "v2"]
    document = result.to_json()
    assert "tag" not in document
    assert [(tag["tag"], tag["now"]) for tag in document["tags"]] == [(tag, str(one.digest)) for tag in ("v1", "latest", "v2")]
    assert [line.split()[1] for line in plan_lines(plan) if line.startswith("  tag ")] == ["v1", "latest", "v2"]
    assert sum(line.startswith("  tag ") for line in result_lines(result)) == 3


def test_a_tag_that_fails_keeps_those_before_it_and_ends_there(registry: RunningRegistry, one: Image) -> None:
    artifact = load_artifact(one.folder)
    registry.faults.add(Fault(method="PUT", path="/manifests/v2$", effect=Reply(status=400), times=None))
    registry.faults.add(Fault(method="PUT", path="/manifests/v1$", effect=Hangup(stored=True), times=None))
    with client_of(registry) as client:
        (result,) = publish([make_plan(artifact, RegistryStore(client), ["v1", "v2", "v3"])])
    assert (result.status, result.error is not None) == ("failed", True)
    assert [(step.subject, step.outcome) for step in result.steps if step.name == "tag"][-1] == ("v2", "failed")
    assert [tag_of(registry, REPOSITORY, tag) for tag in ("v1", "v2", "v3")] == [one.digest, None, None]
    assert result.tags_after == {"v1": one.digest, "v2": None, "v3": None}


def test_any_number_of_referrers(registry: RunningRegistry, one: Image) -> None:
    signed = load_artifact(one.folder, one.signatures)
    note = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.note", subject=signed.descriptor)
    artifact = replace(
        signed,
        blobs=(*signed.blobs[:-1], Blob(role="empty", descriptor=EMPTY, content=lambda: iter((EMPTY_BLOB,))), signed.blobs[-1]),
        referrers=(*signed.referrers, note),
    )
    with client_of(registry) as client:
        store = RegistryStore(client)
        publish([make_plan(signed, store, ["v1"])])
        plan = make_plan(artifact, store, ["v1"])
        assert [step.action for step in plan.referrers] == [Action.EXISTS, Action.CREATE]
        (result,) = publish([plan])
        assert {entry.digest for entry in store.referrers(one.digest)} == {each.descriptor().digest for each in artifact.referrers}
        assert not make_plan(artifact, store, ["v1"]).writes
    document = result.to_json()
    assert document["signature"] == {"digest": str(signed.referrers[0].descriptor().digest), "action": "exists"}
    assert document["referrers"] == [
        {"artifactType": "application/vnd.note", "digest": str(note.descriptor().digest), "action": "create", "foundBy": "referrers API"}
    ]
    assert "  referrer found by referrers API" in result_lines(result)


def note(image: Image, text: bytes, *, missing: bool = False) -> Referrer:
    """A manifest that refers to an image, ready to travel with it."""
    layer = Descriptor.of(text, "text/plain")
    blobs = (
        Blob(role="empty", descriptor=EMPTY, content=lambda: iter((EMPTY_BLOB,))),
        Blob(role="note", descriptor=layer, content=lambda: iter((text,))),
    )
    manifest = Manifest(config=EMPTY, layers=(layer,), artifact_type="application/vnd.note", subject=image.manifest.descriptor())
    return Referrer(manifest=manifest, blobs=blobs[:1] if missing else blobs)


def test_any_number_of_referrers_is_released(publish_all: RunRelease, registry: RunningRegistry, one: Image) -> None:
    assert one.signature
    other = signed_image(one.folder.parent / "other", text="one", signer=2, detached=True)
    notes = [note(one, text) for text in (b"first", b"second")]
    referrers: tuple[Path | Referrer, ...] = (one.signature, *other.signatures, *notes, one.signature)
    disk = one.folder.parent / "disk"
    asked = replace(of(one, to(registry, "hello", "v1"), folder(disk, "v1")), referrers=referrers)
    (done,) = publish_all(ReleaseRequest(artifacts=(asked,))).artifacts
    assert [result.status for result in done.results] == ["published"] * 2
    document = artifact_document(done)["destinations"][0]
    assert (len(document["signatures"]), len(document["referrers"])) == (2, 2)
    planned = done.plans[0]
    assert isinstance(planned, Plan)
    digests = {step.digest for step in planned.referrers}
    assert {each.manifest.descriptor().digest for each in notes} < digests
    with client_of(registry) as client:
        for store in (RegistryStore(client), LayoutStore(disk)):
            assert {entry.digest for entry in store.referrers(one.digest)} == digests
            assert store.has_blob(blobs_of(notes[1].manifest)[1])
    again = publish_all(ReleaseRequest(artifacts=(asked,)))
    assert [result.status for result in again.artifacts[0].results] == ["unchanged"] * 2


def test_a_referrer_of_something_else_or_without_its_blobs_is_refused(publish_all: RunRelease, one: Image, two: Image) -> None:
    disk = one.folder.parent / "disk"
    for referrer, problem in (
        (note(two, b"x"), f"it refers to {two.digest}, not to {one.digest}"),
        (replace(note(one, b"x"), manifest=replace(note(one, b"x").manifest, subject=None)), "it refers to nothing"),
        (note(one, b"x", missing=True), f"its blob {Digest.of(b'x')} is missing"),
    ):
        with pytest.raises(UsageError, match=problem):
            publish_all(ReleaseRequest(artifacts=(replace(of(one, folder(disk, "v1")), referrers=(referrer,)),)))
    assert not disk.exists()


def test_by_default_all_is_allowed_and_nothing_recorded(tmp_path: Path) -> None:
    assert allow((), (), None) == ()
    keep_no_record(Release(request=ReleaseRequest(artifacts=()), artifacts=()))
    assert list(tmp_path.iterdir()) == []


def test_policies_that_nobody_evaluates_are_an_error(publish_all: RunRelease, registry: RunningRegistry, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", component())
    asked = ArtifactRequest(
        layout=image.folder, destinations=(to(registry, "hello", "v1"),), policy=PolicyRequest(policies=(tmp_path / "p.yaml",))
    )
    with pytest.raises(UsageError, match="nobody evaluates its policies"):
        publish_all(ReleaseRequest(artifacts=(asked,)))
    assert registry.requests == []
