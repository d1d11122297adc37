"""Promoting from a place that answers as it likes: what is verified is what is carried, and all that is promised is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from fakes.artifacts import Image, public, signed_image
from fakes.program import Ended, Run, make_run, push, writes
from fakes.release_files import NAMES, entry, request
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import DOCKER_MANIFEST_MEDIA_TYPE, EMPTY, EMPTY_BLOB, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import referrer_descriptor
from wasm_oci.oci.release_index import REPOSITORY_ANNOTATION, TAGS_ANNOTATION
from wasm_oci.oci.store import FetchedManifest, ManifestName, Store
from wasm_oci.registry.referrers import fallback_tag
from wasm_oci.releases.carried import artifact_in

NOTHING = Index().raw


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A source that nobody trusts, a place that people do, and what is promoted from one to the other."""

    run: Run
    source: RunningRegistry
    trusted: RunningRegistry
    images: dict[str, Image]
    folder: Path

    @property
    def key(self) -> Path:
        path = self.folder / "key.public"
        path.write_bytes(public(1).compact())
        return path

    def release(self) -> None:
        assert self.run("release", "--request", request(self.folder, self.images, entry("first", self.source))).code == 0

    def promote(self, *arguments: object) -> Ended:
        return self.run("promote", f"{self.source.host}/releases:v1", f"{self.trusted.host}/releases", *arguments)

    def change(self, change: Callable[[Index], Index]) -> None:
        """Replaces the release at the source by another one."""
        store = LayoutStore(self.source.state / "releases")
        data = change(Index.parse(store.fetch_manifest("v1").data, where="")).encode()
        store.put_manifest(Descriptor.of(data, INDEX_MEDIA_TYPE), data, "v1")


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    return {name: signed_image(tmp_path / name, text=name, detached=True) for name in NAMES}


@pytest.fixture
def scene(images: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Scene]:
    with start() as source, start() as trusted:
        yield Scene(run=make_run(tmp_path, monkeypatch, capsys), source=source, trusted=trusted, images=images, folder=tmp_path)


def lists_nothing(registry: RunningRegistry, subject: Digest, *, nth: int, times: int | None) -> None:
    reply = Reply(status=200, headers={"Content-Type": INDEX_MEDIA_TYPE}, body=NOTHING)
    registry.faults.add(Fault(method="GET", path=f"/referrers/{subject}", effect=reply, nth=nth, times=times))


@pytest.mark.parametrize("nth", [1, 2])
def test_a_signature_that_is_listed_once_only_is_carried_or_nothing_is(scene: Scene, nth: int) -> None:
    image = scene.images["one"]
    push(scene.run, image, scene.source, "v1")
    lists_nothing(scene.source, image.digest, nth=nth, times=1)
    ended = scene.run("promote", f"{scene.source.host}/library/hello:v1", f"{scene.trusted.host}/prod/hello:v1", "-K", scene.key)
    if ended.code:
        assert (ended.code, writes(scene.trusted)) == (4, [])
    else:
        assert list(LayoutStore(scene.trusted.state / "prod/hello").referrers(image.digest))


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("verified", [False, True])
def test_a_release_does_not_lose_a_signature_that_it_names(scene: Scene, nth: int, verified: bool) -> None:
    scene.release()
    digest = scene.images["two"].digest
    lists_nothing(scene.source, digest, nth=nth, times=1 if verified else None)
    ended = scene.promote(*(["-K", scene.key] if verified else []))
    if ended.code:
        assert ("names the referrer" in ended.err, writes(scene.trusted)) == (True, [])
    else:
        assert (nth, bool(list(LayoutStore(scene.trusted.state / "releases").referrers(digest)))) == (2, True)


def without_members(index: Index) -> Index:
    return replace(index, manifests=())


def of_another_size(index: Index) -> Index:
    first, *others = index.manifests
    return replace(index, manifests=(replace(first, size=first.size + 1), *others))


def of_another_type(index: Index) -> Index:
    first, *others = index.manifests
    return replace(index, manifests=(replace(first, media_type=DOCKER_MANIFEST_MEDIA_TYPE), *others))


@pytest.mark.parametrize(
    ("change", "words"),
    [(without_members, "names no members"), (of_another_size, "the release names"), (of_another_type, "the release names")],
)
def test_a_release_that_names_nothing_or_names_it_wrongly_is_refused(scene: Scene, change: Callable[[Index], Index], words: str) -> None:
    scene.release()
    scene.change(change)
    for ended in (scene.promote("-K", scene.key), scene.run("release", "verify", f"{scene.source.host}/releases:v1", "-K", scene.key)):
        assert (ended.code != 0, words in ended.err, writes(scene.trusted)) == (True, True, [])


def test_no_member_takes_the_tag_of_a_list_of_signatures(scene: Scene) -> None:
    scene.release()
    tag = fallback_tag(scene.images["two"].digest)

    def with_tag(index: Index) -> Index:
        first, *others = index.manifests
        return replace(index, manifests=(replace(first, annotations={**first.annotations, TAGS_ANNOTATION: tag}), *others))

    scene.change(with_tag)
    ended = scene.promote()
    assert (ended.code, f"tag {tag} is reserved" in ended.err, writes(scene.trusted)) == (2, True, [])


def test_a_member_that_is_an_index_is_not_promoted_without_what_it_names(scene: Scene) -> None:
    scene.release()
    several = Index(manifests=(Descriptor.of(b"not there", MANIFEST_MEDIA_TYPE),)).encode()
    described = Descriptor.of(several, INDEX_MEDIA_TYPE)
    LayoutStore(scene.source.state / "releases").put_manifest(described, several)
    member = replace(described, annotations={REPOSITORY_ANNOTATION: "apps/several", TAGS_ANNOTATION: "v1"})
    scene.change(lambda index: replace(index, manifests=(*index.manifests, member)))
    for ended in (scene.promote(), scene.run("release", "verify", f"{scene.source.host}/releases:v1")):
        assert (ended.code, "is an OCI image index" in ended.err, writes(scene.trusted)) == (2, True, [])


@dataclass
class Endless:
    """A place where each manifest is referred to by one more."""

    name: str = "source"
    made: dict[Digest, Manifest] = field(default_factory=dict)
    note: int = 0

    def fetch_manifest(self, name: ManifestName) -> FetchedManifest:
        assert isinstance(name, Descriptor)
        manifest = self.made[name.digest]
        return FetchedManifest(descriptor=manifest.descriptor(), data=manifest.raw)

    def referrers(self, subject: Digest, artifact_type: str | None = None) -> Iterator[Descriptor]:
        del artifact_type
        manifest = Manifest(
            config=EMPTY,
            layers=(Descriptor.of(EMPTY_BLOB, "text/plain"),),
            artifact_type="application/vnd.example.note",
            subject=Descriptor(media_type=MANIFEST_MEDIA_TYPE, digest=subject, size=1),
            annotations={"note": "x" * self.note},
        )
        self.made[manifest.descriptor().digest] = manifest
        yield referrer_descriptor(manifest)


@pytest.mark.parametrize("note", [0, LIMITS.annotation_bytes - 10])
def test_referrers_of_referrers_come_to_an_end(images: dict[str, Image], note: int) -> None:
    manifest = images["one"].manifest
    source = Endless(note=note)
    with pytest.raises(LimitError):
        artifact_in(cast(Store, source), FetchedManifest(descriptor=manifest.descriptor(), data=manifest.encode()))
    assert len(source.made) <= LIMITS.referrers + 1
