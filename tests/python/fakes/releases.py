"""A release of three artifacts to two registries, and what may be there whenever it ends: what the matrices of faults run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from fakes.artifacts import Image, signed_image
from fakes.timing import FakeTime
from fakes.whole import check_artifact, check_release, releases_of, tags_of
from instruments.effects import Effect
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import WasmOciError
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.limits import Limits
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.release import Release, release
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, IndexRequest, ReleaseRequest
from wasm_oci.publish.resolve import NamedRepository
from wasm_oci.publish.result import Result
from wasm_oci.timing import REAL_TIME, Timing

ARTIFACTS = ("one", "two", "three")
RELEASES = "releases"
"""The repository of the release index, where there is one."""
TAG = "latest"
"""Names the old image of each artifact at first, and the old release, and may move."""
ADDED = "v2"
"""A second tag, which is absent at first."""
_TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a child process needs to publish the same."""

    layouts: tuple[Path, ...]
    signatures: tuple[Path, ...]
    hosts: tuple[str, ...]
    index: bool
    """Whether the artifacts are one object at each registry."""
    tags: tuple[str, ...] = (TAG, ADDED)

    def request(self, run: str) -> ReleaseRequest:
        """Asks for the images, signed, in repositories of one run, each with all tags."""
        artifacts = tuple(
            ArtifactRequest(
                layout=layout,
                referrers=(signature,),
                destinations=tuple(self._destination(host, run, name) for host in self.hosts),
                movable_tags=frozenset({TAG}),
            )
            for name, layout, signature in zip(ARTIFACTS, self.layouts, self.signatures, strict=True)
        )
        indexes = tuple(
            IndexRequest(destination=self._destination(host, run, RELEASES), movable_tags=frozenset({TAG})) for host in self.hosts
        )
        return ReleaseRequest(artifacts=artifacts, indexes=indexes if self.index else (), fail_fast=False)

    def _destination(self, host: str, run: str, name: str) -> DestinationRequest:
        entry = RegistryEntry(name="here", host=host, prefix=run)
        return DestinationRequest(
            repository=NamedRepository(registries=(entry,), registry="here", namespace="", repository=name), tags=self.tags
        )

    def publish(self, run: str, *, limits: Limits, timing: Timing = REAL_TIME) -> Release:
        """Raises WasmOciError where nothing could be planned."""
        with closing(Transport(limits=limits, timing=timing, environ={})) as transport:
            return release(self.request(run), transport=transport, environ={}, passphrase=PassphraseSource(environ={}))


def results_of(done: Release) -> Iterator[Result]:
    """Every result, also of what is beside an index, and of the indexes."""
    for artifact in done.artifacts:
        yield from artifact.results
    for index in done.indexes:
        yield from index.beside
        if index.result:
            yield index.result


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, by the names of repositories with their registries."""

    published: frozenset[str]
    """Where all is done."""
    errors: dict[str, WasmOciError]

    @classmethod
    def of(cls, done: Release) -> Ended:
        """What is neither done nor failed is held back by a failure at its registry, where that is a unit."""
        results = list(results_of(done))
        good = [result for result in results if result.status in ("published", "unchanged")]
        assert all(result.error is None for result in good)
        failed = [result for result in results if result.status == "failed"]
        assert all(result.error for result in failed)
        errors = {result.plan.destination.name: result.error for result in failed if result.error}
        units = {result.plan.placing.unit for result in failed} - {""}
        for result in results:
            if result.status not in ("published", "unchanged", "failed"):
                assert result.status in ("not started", "content sent"), result.status
                assert result.plan.placing.unit in units, result.plan.destination.name
        unfinished = {result.plan.destination.name for result in results if result not in good}
        return cls(published=frozenset(result.plan.destination.name for result in good) - unfinished, errors=errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A request of a run: the `number`-th, from 1, to a repository."""

    registry: int
    repository: str
    number: int

    def fault(self, run: str, effect: Effect, *, times: int | None = 1) -> Fault:
        """Returns a fault that this request meets, and with `times` further ones to the repository, None for all."""
        return Fault(path=f"^/v2/{run}/{self.repository}/", nth=self.number, times=times, effect=effect)


@dataclass(slots=True, kw_only=True)
class Places:
    """Two registries, one with the referrers API and one without, and the images."""

    registries: tuple[RunningRegistry, ...]
    old: tuple[Image, ...]
    new: tuple[Image, ...]
    index: bool
    _runs: int = field(default=0)

    @property
    def wanted(self) -> Wanted:
        return self._wanted(self.new)

    def _wanted(self, images: tuple[Image, ...]) -> Wanted:
        return Wanted(
            layouts=tuple(image.folder for image in images),
            signatures=tuple(image.signature for image in images if image.signature),
            hosts=tuple(registry.host for registry in self.registries),
            index=self.index,
        )

    @property
    def repositories(self) -> tuple[str, ...]:
        """Of a run, at each registry."""
        return (*ARTIFACTS, RELEASES) if self.index else ARTIFACTS

    @property
    def destinations(self) -> int:
        return len(self.registries) * len(self.repositories)

    def name(self, registry: int, run: str, repository: str) -> str:
        """Returns a repository with its registry, as results name it."""
        return f"{self.registries[registry].host}/{run}/{repository}"

    def begin(self) -> str:
        """Returns the name of a new run, whose repositories have the old images."""
        self._runs += 1
        run = f"run{self._runs}"
        for registry in self.registries:
            shutil.copytree(registry.state / _TEMPLATE, registry.state / run)
            registry.requests.clear()
        return run

    def end(self, run: str) -> None:
        """Forgets a run."""
        for registry in self.registries:
            registry.faults.clear()
            shutil.rmtree(registry.state / run)

    def publish(self, run: str, *, limits: Limits, time: FakeTime | None = None) -> Ended:
        """Raises WasmOciError where nothing could be planned."""
        return Ended.of(self.wanted.publish(run, limits=limits, timing=(time or FakeTime()).timing))

    def positions(self, limits: Limits) -> tuple[list[Position], ...]:
        """Returns every request of a run in which nothing goes wrong, by registry."""
        run = self.begin()
        assert not self.publish(run, limits=limits).errors
        self.check_whole(run, complete=True)
        paths = [[record.path for record in registry.requests] for registry in self.registries]
        self.end(run)
        return tuple(
            [
                Position(registry=number, repository=name, number=nth)
                for name in self.repositories
                for nth in range(1, 1 + sum(path.startswith(f"/v2/{run}/{name}/") for path in found))
            ]
            for number, found in enumerate(paths)
        )

    def put_old(self, limits: Limits) -> None:
        """Fills the repositories that all runs begin with."""
        wanted = replace(self._wanted(self.old), tags=(TAG,))
        done = Ended.of(wanted.publish(_TEMPLATE, limits=limits, timing=FakeTime().timing))
        assert len(done.published) == self.destinations, done.errors

    def check_whole(self, run: str, ended: Ended | None = None, *, complete: bool = False) -> int:
        """Checks every tag of a run; returns how many are as planned, which with `complete` are all.

        A tag is absent, old or as planned. What one that is as planned names is there, with its signature. What ended well has its
        tags. With an index, no tag moves before everything is at its registry, the tags of the release move after those of
        its members, and what they name is all old or all new.
        """
        planned = 0
        for registry in self.registries:
            folder, by_tag = registry.state / run, not registry.behaviour.referrers_api
            moved = {name: self._moved(registry, run, name, complete=complete) for name in self.repositories}
            there = [name for name in ARTIFACTS if moved[name] or (self.index and any(moved.values()))]
            for name in there:
                check_artifact(folder / name, self.new[ARTIFACTS.index(name)], by_tag=by_tag)
            if self.index:
                old, new = self._releases(registry, run)
                check_release(folder / RELEASES, old, dict(zip(ARTIFACTS, self.old, strict=True)), (TAG,), by_tag=by_tag)
                for digest in new:
                    check_release(folder / RELEASES, digest, dict(zip(ARTIFACTS, self.new, strict=True)), (TAG, ADDED), by_tag=by_tag)
                assert len(new) == 1 or not any(moved.values()), (folder, moved, new)
                assert not moved[RELEASES] or all(moved[name] == 2 for name in ARTIFACTS), (folder, moved)
            for name, tags in moved.items():
                assert tags == 2 or not ended or f"{registry.host}/{run}/{name}" not in ended.published, (folder, moved)
            planned += sum(moved.values())
        return planned

    def _moved(self, registry: RunningRegistry, run: str, name: str, *, complete: bool) -> int:
        """Returns how many tags of a repository are as planned."""
        if name == RELEASES:
            before, after = self._releases(registry, run)
        else:
            number = ARTIFACTS.index(name)
            before, after = self.old[number].digest, {self.new[number].digest}
        tags = tags_of(registry.state / run / name)
        for tag, first in ((TAG, before), (ADDED, None)):
            assert tags.get(tag) in (after if complete else {first, *after}), (registry.host, run, name, tags)
        return sum(tags.get(tag) in after for tag in (TAG, ADDED))

    def _releases(self, registry: RunningRegistry, run: str) -> tuple[Digest, set[Digest]]:
        """Returns the old release, and every other."""
        old = tags_of(registry.state / _TEMPLATE / RELEASES)[TAG]
        return old, releases_of(registry.state / run / RELEASES) - {old}


@contextmanager
def places(*, limits: Limits, index: bool = False) -> Iterator[Places]:
    """Registries that have the old images."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="images.")))
        old, new = (
            tuple(signed_image(folder / age / name, text=f"{age} {name}", detached=True) for name in ARTIFACTS) for age in ("old", "new")
        )
        registries = tuple(stack.enter_context(start(referrers_api=api)) for api in (True, False))
        found = Places(registries=registries, old=old, new=new, index=index)
        found.put_old(limits)
        yield found
