"""Publishing in its only order: resolve, decide, sign, plan, act, record.

One artifact to one registry is the smallest case of any number of artifacts, each to any number of destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, UsageError, WasmOciError
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.oci.reference import Reference, check_tag
from wasm_oci.oci.store import Store
from wasm_oci.publish.artifact import Artifact, load_artifact
from wasm_oci.publish.plan import Plan, make_plan
from wasm_oci.publish.publisher import Result, carry_out, results_of
from wasm_oci.publish.resolve import NamedRepository, destination_store
from wasm_oci.publish.signing import DeferredSigning, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRequest:
    """Where an artifact goes, and the tags that it gets there; without tags it is published by digest."""

    repository: NamedRepository | Reference
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRequest:
    """An artifact, and all that is asked for it."""

    layout: Path | None
    """None where it is made only when the component is signed."""
    signature: Path | None = None
    """A detached signature that travels with it."""
    signing: DeferredSigning | None = None
    """The signature that the release has to make."""
    digest: Digest | None = None
    """What the manifest has to be, where that is known."""
    destinations: tuple[DestinationRequest, ...]
    movable_tags: frozenset[str] = frozenset()
    move_tags: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What the result carries along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """What is to be published together."""

    artifacts: tuple[ArtifactRequest, ...]
    dry_run: bool = False
    """Ends after the plan."""
    fail_fast: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """An artifact and the stores that it goes to, in the order of its destinations."""

    request: ArtifactRequest
    stores: tuple[Store, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedArtifact:
    """What was planned for an artifact and what became of it, in the order of its destinations."""

    request: ArtifactRequest
    plans: tuple[Plan, ...]
    results: tuple[Result, ...]
    """Empty after a dry run."""

    @property
    def error(self) -> WasmOciError | None:
        """The first error; after a dry run the one with which publishing would end."""
        errors = [result.error for result in self.results] if self.results else [plan.refusal for plan in self.plans]
        return next(filter(None, errors), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What became of a request."""

    request: ReleaseRequest
    artifacts: tuple[ReleasedArtifact, ...]


def allow(resolved: Sequence[Resolved]) -> None:
    """Allows everything."""
    del resolved


def keep_no_record(release: Release) -> None:
    """Records nothing."""
    del release


def show_nothing(plans: Sequence[Plan]) -> None:
    """Shows no plan."""
    del plans


def release(
    request: ReleaseRequest,
    *,
    transport: Transport,
    environ: Mapping[str, str],
    passphrase: PassphraseSource,
    decide: Callable[[Sequence[Resolved]], None] = allow,
    show: Callable[[Sequence[Plan]], None] = show_nothing,
    record: Callable[[Release], None] = keep_no_record,
) -> Release:
    """Publishes all artifacts to all their destinations, content first and tags last.

    `decide` raises PolicyError where something must not be published, before any key is used. `show` is told the plans
    before they are carried out, `record` what became of them, also where an exception such as KeyboardInterrupt ends this
    in the middle. Errors of single destinations are in the result; an error of
    any step before is raised, and then nothing was written.
    """
    resolved = tuple(_resolve(artifact, transport, environ) for artifact in request.artifacts)
    decide(resolved)
    with ExitStack() as stack:
        artifacts = [stack.enter_context(_signed(each.request, passphrase)) for each in resolved]
        _check_tags(resolved, artifacts)
        plans = [_plan(each, artifact) for each, artifact in zip(resolved, artifacts, strict=True)]
        flat = [plan for several in plans for plan in several]
        show(flat)
        if request.dry_run:
            return _release(request, plans, ())
        results = results_of(flat)
        done = _release(request, plans, results)
        try:
            carry_out(results, fail_fast=request.fail_fast)
        finally:
            record(done)
    return done


def _resolve(artifact: ArtifactRequest, transport: Transport, environ: Mapping[str, str]) -> Resolved:
    """Checks every name and looks for every credential that is named, before anything else is done."""
    for destination in artifact.destinations:
        for tag in destination.tags:
            check_tag(tag, where="tag")
    stores = [destination_store(each.repository, transport=transport, environ=environ) for each in artifact.destinations]
    return Resolved(request=artifact, stores=tuple(stores))


@contextmanager
def _signed(request: ArtifactRequest, passphrase: PassphraseSource) -> Iterator[Artifact]:
    """Makes the signature that is asked for and loads the artifact, whose blobs are readable until the block ends."""
    with ExitStack() as stack:
        layout, signature = request.layout, request.signature
        if request.signing:
            layout, made = stack.enter_context(signed(request.signing, request.layout, passphrase))
            signature = made or signature
        if layout is None:
            target = str(request.notes.get("target", ""))
            raise UsageError("the image is not signed yet", where=target, hint="sign it before it is planned")
        artifact = load_artifact(layout, signature)
        if request.digest not in (None, artifact.descriptor.digest):
            raise DigestError(
                f"the layout's manifest is {artifact.descriptor.digest}", where=str(request.digest), hint="push it without a digest"
            )
        yield artifact


def _check_tags(resolved: Sequence[Resolved], artifacts: Sequence[Artifact]) -> None:
    """Raises UsageError where one tag of a repository is asked for two manifests: the later would replace the earlier."""
    claimed: dict[tuple[str, str], Digest] = {}
    for each, artifact in zip(resolved, artifacts, strict=True):
        digest = artifact.descriptor.digest
        for store, destination in zip(each.stores, each.request.destinations, strict=True):
            for tag in destination.tags:
                other = claimed.setdefault((store.identity, tag), digest)
                if other != digest:
                    raise UsageError(
                        f"tag {tag} is asked for {other} and for {digest}", where=store.name, hint="give each artifact its own tag"
                    )


def _plan(resolved: Resolved, artifact: Artifact) -> tuple[Plan, ...]:
    request = resolved.request
    return tuple(
        make_plan(artifact, store, destination.tags, movable=request.movable_tags, move_tags=request.move_tags)
        for store, destination in zip(resolved.stores, request.destinations, strict=True)
    )


def _release(request: ReleaseRequest, plans: Sequence[tuple[Plan, ...]], results: Sequence[Result]) -> Release:
    """Gives each artifact its own results."""
    rest = iter(results)
    artifacts = tuple(
        ReleasedArtifact(request=artifact, plans=several, results=tuple(next(rest) for _ in several) if results else ())
        for artifact, several in zip(request.artifacts, plans, strict=True)
    )
    return Release(request=request, artifacts=artifacts)
