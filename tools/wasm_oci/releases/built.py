"""The source of a promotion that is named by the target that publishes it: its place, its tag and, from the build, its digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.digest import Digest
from wasm_oci.errors import NotFoundError, UsageError
from wasm_oci.oci.archive import ArchiveStore
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.release_index import ReleaseIndex
from wasm_oci.oci.store import Store
from wasm_oci.oci.target import Target
from wasm_oci.publish.artifact import Artifact, load_artifact
from wasm_oci.publish.push import Overrides, release_of_request
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, ReleaseRequest
from wasm_oci.publish.request import read_push_request
from wasm_oci.publish.resolve import NamedRepository, entry_of
from wasm_oci.publish.uniting import member_of, repository_in
from wasm_oci.releases.promote_request import PromoteRequest
from wasm_oci.releases.release_file import ReleaseOptions, read_release_file, release_of_file
from wasm_oci.releases.sources import SourceSettings, nearest_entry, source_store

if TYPE_CHECKING:
    from wasm_oci.http.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSource:
    """What a target publishes to one registry."""

    place: NamedRepository
    tag: str
    """Of several the first."""
    digest: Digest | None
    """None where a key outside the build makes a part of it, so that only the tag names it."""
    plain_http: frozenset[str]
    ca_files: tuple[str, ...]
    target: str

    def open(self, settings: SourceSettings, *, transport: Transport, environ: Mapping[str, str]) -> Target:
        """Returns what was built, to be read from where it is published; raises NotFoundError where it is not.

        The credential is that of the entry for its host in `settings`, else the one that it is published with.
        """
        target = Target(store=self._store(settings, transport, environ), wanted=self.digest or self.tag, pinned=self.digest is not None)
        try:
            target.fetch()
        except NotFoundError as err:
            err.hint = f"what {self.target} builds now is not published there: run it first, or name the source by digest"
            raise
        return target

    def _store(self, settings: SourceSettings, transport: Transport, environ: Mapping[str, str]) -> Store:
        entry = entry_of(self.place)
        if entry.path:
            return ArchiveStore(Path(entry.path)) if entry.type == "archive" else LayoutStore.open(Path(entry.path))
        reference = entry.reference(self.place.namespace, self.place.repository, None)
        known = nearest_entry(reference, settings)
        files = tuple(dict.fromkeys((*settings.credential_files, *self.place.credential_files)))
        reached = replace(settings, credential_files=files)
        return source_store(reference, known or entry, reached, transport=transport, environ=environ)


def built_source(request: PromoteRequest, environ: Mapping[str, str]) -> BuiltSource | None:
    """Returns what a promotion names by its target; None where it has a reference.

    Raises UsageError for a registry that it is not published to, and what reading its request raises.
    """
    if request.source_release:
        return _built_release(request.source_release, request.source_registry, environ)
    return _built_artifact(request.source_publish, request.source_registry, environ) if request.source_publish else None


def _built_release(path: Path, registry: str, environ: Mapping[str, str]) -> BuiltSource:
    file = read_release_file(path, environ)
    request = release_of_file(file, ReleaseOptions(), environ)
    index = _at(registry, [index.destination for index in request.indexes], target=file.target)
    return BuiltSource(
        place=index.named,
        tag=index.tags[0],
        digest=_digest_of_release(request, index),
        plain_http=request.plain_http,
        ca_files=request.ca_files,
        target=file.target,
    )


def _built_artifact(path: Path, registry: str, environ: Mapping[str, str]) -> BuiltSource:
    request = release_of_request(read_push_request(path, environ), Overrides())
    (artifact,) = request.artifacts
    destination = _at(registry, artifact.destinations, target=artifact.target)
    loaded = _loaded(artifact)
    return BuiltSource(
        place=destination.named,
        tag=destination.tags[0],
        digest=loaded.descriptor.digest if loaded else None,
        plain_http=request.plain_http,
        ca_files=request.ca_files,
        target=artifact.target,
    )


def _at(registry: str, destinations: Sequence[DestinationRequest], *, target: str) -> DestinationRequest:
    entries = [entry_of(destination.named) for destination in destinations]
    if not registry and len(entries) == 1:
        return destinations[0]
    for destination, entry in zip(destinations, entries, strict=True):
        if registry and registry in (entry.name, entry.host):
            return destination
    names = " and ".join(entry.name for entry in entries)
    what = f"it is not published to {registry[:100]!r}, but to {names}" if registry else f"it is published to {names}"
    raise UsageError(what, where=target, hint="give source_registry, the name of one of them")


def _loaded(artifact: ArtifactRequest) -> Artifact | None:
    """Returns what the build made of an artifact; None where a signature is embedded when it is published."""
    return load_artifact(artifact.layout, artifact.referrers, where=artifact.target) if artifact.layout else None


def _digest_of_release(request: ReleaseRequest, index: DestinationRequest) -> Digest | None:
    """Returns the digest of the release index; it names signatures and statements, so that it is unknown where one is made later."""
    if any(artifact.signing or (artifact.policy.policies and artifact.policy.statement_keys) for artifact in request.artifacts):
        return None
    there, members = entry_of(index.named).location, []
    for artifact in request.artifacts:
        loaded = _loaded(artifact)
        for destination in artifact.destinations:
            if loaded and entry_of(destination.named).location == there:
                members.append(member_of(loaded, destination))
    return ReleaseIndex.of(repository_in(index.repository), members).index().descriptor().digest
