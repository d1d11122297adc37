"""A release of three artifacts to two registries, and what may be there whenever it ends: what the matrices of faults run."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fakes.artifacts import Image, signed_image
from fakes.program import tag_of
from fakes.timing import FakeTime
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import WasmOciError
from wasm_oci.http.transport import Transport
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.limits import Limits
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.release import Release, release
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, ReleaseRequest
from wasm_oci.registry.referrers import fallback_tag
from wasm_oci.timing import REAL_TIME, Timing

ARTIFACTS = ("one", "two", "three")
TAG = "latest"
"""Names the old image of each artifact at first, and may move."""
ADDED = "v2"
"""A second tag, which is absent at first."""
_TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a child process needs to publish the same."""

    layouts: tuple[Path, ...]
    signatures: tuple[Path, ...]
    hosts: tuple[str, ...]

    def request(self, run: str) -> ReleaseRequest:
        """Asks for the new images, signed, in repositories of one run, each with both tags."""
        artifacts = tuple(
            ArtifactRequest(
                layout=layout,
                referrers=(signature,),
                destinations=tuple(
                    DestinationRequest(repository=Reference.parse(f"{host}/{run}/{name}"), tags=(TAG, ADDED)) for host in self.hosts
                ),
                movable_tags=frozenset({TAG}),
            )
            for name, layout, signature in zip(ARTIFACTS, self.layouts, self.signatures, strict=True)
        )
        return ReleaseRequest(artifacts=artifacts, fail_fast=False)

    def publish(self, run: str, *, limits: Limits, timing: Timing = REAL_TIME) -> Release:
        """Raises WasmOciError where nothing could be planned."""
        with closing(Transport(limits=limits, timing=timing, environ={})) as transport:
            return release(self.request(run), transport=transport, environ={}, passphrase=PassphraseSource(environ={}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    published: int
    """Destinations where all is done."""
    errors: tuple[WasmOciError, ...]

    @classmethod
    def of(cls, done: Release) -> Ended:
        results = [result for artifact in done.artifacts for result in artifact.results]
        good = [result for result in results if result.status in ("published", "unchanged")]
        assert all(result.error is None for result in good)
        errors = tuple(result.error for result in results if result.error)
        assert len(good) + len(errors) == len(results), [result.status for result in results]
        return cls(published=len(good), errors=errors)


@dataclass(slots=True, kw_only=True)
class Places:
    """Two registries, one with the referrers API and one without, and the images."""

    registries: tuple[RunningRegistry, ...]
    old: tuple[Image, ...]
    new: tuple[Image, ...]
    _runs: int = field(default=0)

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            layouts=tuple(image.folder for image in self.new),
            signatures=tuple(image.signature for image in self.new if image.signature),
            hosts=tuple(registry.host for registry in self.registries),
        )

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

    def check_whole(self, run: str, *, complete: bool = False) -> int:
        """Checks every tag of a run; returns how many are as planned, which with `complete` are all.

        A tag is absent, old or as planned. The content of one as planned is there, and its signature.
        """
        planned = 0
        for registry in self.registries:
            for name, old, new in zip(ARTIFACTS, self.old, self.new, strict=True):
                repository = f"{run}/{name}"
                for tag, before in ((TAG, old.digest), (ADDED, None)):
                    now = tag_of(registry, repository, tag)
                    assert now in ({new.digest} if complete else {before, new.digest}), (registry.host, repository, tag, now)
                    if now == new.digest:
                        planned += 1
                        _check_content(registry.state / repository, new, by_tag=not registry.behaviour.referrers_api)
        return planned


def _check_content(folder: Path, image: Image, *, by_tag: bool) -> None:
    """Looks at the registry's files only: whether the image and its signature are there, and listed."""
    manifest = _read(folder, image.digest)
    for descriptor in (manifest["config"], *manifest["layers"]):
        assert len(_blob(folder, Digest(descriptor["digest"]))) == descriptor["size"]
    assert image.signature is not None
    listed: Sequence[JsonObject] = json.loads((folder / "index.json").read_bytes())["manifests"]
    if by_tag:
        tag = fallback_tag(image.digest)
        (entry,) = (each for each in listed if each.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag)
        listed = _read(folder, Digest(entry["digest"]))["manifests"]
    referrers = [_read(folder, Digest(each["digest"])) for each in listed if each.get("artifactType")]
    ours = [each for each in referrers if each.get("subject", {}).get("digest") == str(image.digest)]
    contents = [_blob(folder, Digest(layer["digest"])) for each in ours for layer in each["layers"]]
    assert contents == [image.signature.read_bytes()]


def _read(folder: Path, digest: Digest) -> JsonObject:
    document: JsonObject = json.loads(_blob(folder, digest))
    return document


def _blob(folder: Path, digest: Digest) -> bytes:
    data = (folder / "blobs" / "sha256" / digest.hex).read_bytes()
    assert digest.is_of(data)
    return data


@contextmanager
def places(*, limits: Limits) -> Iterator[Places]:
    """Registries that have the old images."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="images.")))
        images = [
            tuple(signed_image(folder / age / name, text=f"{age} {name}", detached=True) for name in ARTIFACTS) for age in ("old", "new")
        ]
        registries = tuple(stack.enter_context(start(referrers_api=api)) for api in (True, False))
        found = Places(registries=registries, old=images[0], new=images[1])
        for registry in registries:
            for name, image in zip(ARTIFACTS, found.old, strict=True):
                _put_old(registry, name, image, limits)
        yield found


def _put_old(registry: RunningRegistry, name: str, image: Image, limits: Limits) -> None:
    request = ReleaseRequest(
        artifacts=(
            ArtifactRequest(
                layout=image.folder,
                destinations=(DestinationRequest(repository=Reference.parse(f"{registry.host}/{_TEMPLATE}/{name}"), tags=(TAG,)),),
            ),
        )
    )
    with closing(Transport(limits=limits, timing=FakeTime().timing, environ={})) as transport:
        done = Ended.of(release(request, transport=transport, environ={}, passphrase=PassphraseSource(environ={})))
    assert done.published == 1
