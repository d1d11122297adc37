"""Publishing in its only order: resolve, sign, decide, plan, act, record.

One artifact to one registry is the smallest case of any number of artifacts, each to any number of destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, UsageError, WasmOciError
from wasm_oci.http.outages import Outages
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.source import without
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.reference import check_new_tag
from wasm_oci.progress import SILENT, Progress
from wasm_oci.publish.artifact import Artifact, load_artifact, with_referrers
from wasm_oci.publish.gate import require_signed
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.planning import (
    AnyPlan,
    Decide,
    Planned,
    PlannedIndex,
    Ready,
    Resolved,
    allow,
    plans_of,
    require_allowed,
    signatures_of,
    with_cosign_signatures,
    with_decisions,
)
from wasm_oci.publish.publisher import carry_out
from wasm_oci.publish.release_request import ArtifactRequest, ReleaseRequest
from wasm_oci.publish.resolve import open_destination, require_variables
from wasm_oci.publish.result import Result, results_of
from wasm_oci.publish.signatures import Signatures
from wasm_oci.publish.signing import Signing, scratch_folder, secret_variables
from wasm_oci.publish.uniting import Unit, with_signers
from wasm_oci.shape import BUILD_AGAIN


def _first_error(results: Sequence[Result], plans: Sequence[AnyPlan]) -> WasmOciError | None:
    if results:
        return next(filter(None, (result.error for result in results)), None)
    errors: list[WasmOciError | None] = [*(plan.refusal for plan in plans), *(plan.unknown for plan in plans)]
    return next(filter(None, errors), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedArtifact:
    """What was decided and planned for an artifact and what became of it, in the order of its destinations."""

    request: ArtifactRequest
    plans: tuple[AnyPlan, ...]
    results: tuple[Result, ...]
    """Empty after a dry run."""

    @property
    def error(self) -> WasmOciError | None:
        """The first error; after a dry run the one with which publishing would end, else why that is not known."""
        return _first_error(self.results, self.plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedIndex:
    """What was planned for a release index, and what became of it."""

    planned: PlannedIndex
    beside: tuple[Result, ...]
    """Of the members in its repository; empty after a dry run."""
    result: Result | None
    """None after a dry run."""

    @property
    def error(self) -> WasmOciError | None:
        """The first error; after a dry run as that of an artifact."""
        plan, results = self.planned.plan, [*self.beside, *([self.result] if self.result else [])]
        return _first_error(results, [*self.planned.beside, *([plan] if plan else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What became of a request."""

    request: ReleaseRequest
    artifacts: tuple[ReleasedArtifact, ...]
    indexes: tuple[ReleasedIndex, ...] = ()
    unrecorded: WasmOciError | None = None
    """Why what became of it could not be recorded."""

    @property
    def errors(self) -> tuple[WasmOciError, ...]:
        """The first error of each artifact and index that has one, and that of recording."""
        errors = [*(artifact.error for artifact in self.artifacts), *(index.error for index in self.indexes), self.unrecorded]
        return tuple(filter(None, errors))


def keep_no_record(release: Release) -> None:
    """Records nothing."""
    del release


def show_nothing(plans: Sequence[AnyPlan]) -> None:
    """Shows no plan."""
    del plans


def release(
    request: ReleaseRequest,
    *,
    transport: Transport,
    environ: Mapping[str, str],
    passphrase: PassphraseSource,
    decide: Decide = allow,
    show: Callable[[Sequence[AnyPlan]], None] = show_nothing,
    intend: Callable[[Release], None] = keep_no_record,
    record: Callable[[Release], None] = keep_no_record,
    progress: Progress = SILENT,
) -> Release:
    """Publishes all artifacts to all their destinations, content first and tags last.

    `decide` judges what is signed; one destination that it does not allow is a PolicyError. `show` is told the plans before they are
    carried out, `intend` what is about to be written, and `record` what became of that, also where an exception such as
    KeyboardInterrupt ends this in the middle. Errors of single destinations are in the result; an error of any step before, that of
    `intend` included, is raised, and then nothing was written. A dry run ends with the plans, in which what no destination could be
    asked is unknown. `progress` is told how far this is.
    """
    secret_keys = request.secret_keys
    visible = without(environ, secret_variables(secret_keys, passphrase))
    tolerant = request.dry_run or not request.fail_fast
    if not tolerant:
        require_variables(request.places, secret_keys, environ)
    resolved = tuple(_resolve(artifact, transport, visible, tolerant=tolerant) for artifact in request.artifacts)
    units = _units(request, transport, visible, tolerant=tolerant)
    with ExitStack() as stack:
        signing = Signing(request.deferred, passphrase, stack.enter_context(scratch_folder())) if secret_keys else None
        units = tuple(with_signers(unit, signing, dry_run=request.dry_run) for unit in units)
        decided = decide(resolved, _signed(resolved, signing, dry_run=request.dry_run), signing)
        require_allowed(resolved, decided)
        pairs = zip(resolved, decided, strict=True)
        decided = [replace(it, ready=with_cosign_signatures(each, it.ready, signing, dry_run=request.dry_run)) for each, it in pairs]
        artifacts = [each.ready for each in decided]
        _check_tags(resolved, artifacts, units)
        outages = Outages()
        planned = plans_of(request, resolved, artifacts, units, outages=outages, interrupt=transport.stop, progress=progress)
        signed, beside = zip(resolved, decided, planned.artifacts, strict=True), planned.written_beside
        planned = replace(planned, artifacts=tuple(with_decisions(*each, beside=beside, dry_run=request.dry_run) for each in signed))
        show(planned.all)
        if request.dry_run:
            return _release(request, planned, ())
        results = results_of([plan for plan in planned.all if isinstance(plan, Plan)])
        done = _release(request, planned, results)
        intend(done)
        try:
            carry_out(
                results,
                fail_fast=request.fail_fast,
                read_whole=request.read_whole,
                outages=outages,
                interrupt=transport.stop,
                progress=progress,
            )
        finally:
            record(done)
    return done


def _resolve(request: ArtifactRequest, transport: Transport, environ: Mapping[str, str], *, tolerant: bool) -> Resolved:
    """Checks every name, looks for every credential that is named and reads the artifact, before anything else is done.

    Where this is `tolerant`, a credential that is missing is an error of its destination only.
    """
    for destination in request.destinations:
        for tag in destination.tags:
            check_new_tag(tag, where="tag")
    destinations = tuple(
        open_destination(each.repository, transport=transport, environ=environ, tolerant=tolerant) for each in request.destinations
    )
    artifact = request.ready
    if artifact is None and (request.signing is None or request.signing.image is None):
        if request.layout is None and request.signing:
            raise FormatError("a detached signature needs the layout that it is for", where="request", hint=BUILD_AGAIN)
        if request.layout is None:
            raise UsageError("the image is not signed yet", where=request.target, hint="sign it before it is planned")
        artifact = _load(request, request.layout)
    return Resolved(request=request, artifact=artifact, destinations=destinations)


def _units(request: ReleaseRequest, transport: Transport, environ: Mapping[str, str], *, tolerant: bool) -> tuple[Unit, ...]:
    """Raises UsageError where two release indexes are asked for at one registry."""
    units: dict[str, Unit] = {}
    for index in request.indexes:
        for tag in index.destination.tags:
            check_new_tag(tag, where="tag of the release")
        place = index.destination.repository
        unit = Unit(request=index, destination=open_destination(place, transport=transport, environ=environ, tolerant=tolerant))
        if units.setdefault(unit.store.place, unit) is not unit:
            raise UsageError("two release indexes are for one registry", where=unit.store.name, hint="publish two releases")
    return tuple(units.values())


def _load(request: ArtifactRequest, layout: Path) -> Artifact:
    artifact = load_artifact(layout, request.referrers, where=request.target)
    if request.digest not in (None, artifact.descriptor.digest):
        raise DigestError(
            f"the layout's manifest is {artifact.descriptor.digest}", where=str(request.digest), hint="push it without a digest"
        )
    return artifact


def _signed(resolved: Sequence[Resolved], signing: Signing | None, *, dry_run: bool) -> list[Ready]:
    """Makes the signatures that are asked for; in a dry run a key that cannot be used is in the result, else it is raised."""
    artifacts: list[Ready] = []
    for each in resolved:
        try:
            artifact = _with_signature(each, signing)
        except WasmOciError as err:
            if not (dry_run and signing and err is signing.failure):
                raise
            artifacts.append(Ready(artifact=each.artifact, unsigned=err))
        else:
            artifacts.append(Ready(artifact=artifact, signatures=_required(each, artifact)))
    return artifacts


def _required(resolved: Resolved, artifact: Artifact) -> Signatures | None:
    """Returns who signed where that is asked for whatever there is to be done, else None; raises where it must be another one."""
    request = resolved.request
    if not (request.require_signed or request.trust):
        return None
    signatures = signatures_of(request, artifact)
    for store in resolved.stores if request.require_signed else ():
        require_signed(signatures, store, target=request.target)
    return signatures


def _with_signature(resolved: Resolved, signing: Signing | None) -> Artifact:
    request, artifact = resolved.request, resolved.artifact
    if signing and request.signing and request.signing.image:
        return _load(request, signing.embedded(request.signing, request.signing.image))
    if artifact is None:
        raise ValueError("an artifact is known, or made by signing")
    if signing and request.signing and request.layout and isinstance(artifact.manifest, Manifest):
        return with_referrers(artifact, [signing.detached(request.signing, request.layout, artifact.manifest)])
    return artifact


def _check_tags(resolved: Sequence[Resolved], artifacts: Sequence[Ready], units: Sequence[Unit]) -> None:
    """Raises UsageError where one tag of a repository is asked for two manifests: the later would replace the earlier."""
    claimed: dict[tuple[str, str], Digest | str] = {
        (unit.store.identity, tag): "the release index" for unit in units for tag in unit.request.destination.tags
    }
    places = {unit.store.place: unit for unit in units}
    for each, ready in zip(resolved, artifacts, strict=True):
        if ready.artifact is None:
            continue
        digest = ready.artifact.descriptor.digest
        for store, destination in zip(each.stores, each.request.destinations, strict=True):
            unit = places.get(store.place)
            for tag in unit.tags_of(store, destination) if unit else destination.tags:
                other = claimed.setdefault((store.identity, tag), digest)
                if other != digest:
                    raise UsageError(
                        f"tag {tag} is asked for {other} and for {digest}", where=store.name, hint="give each artifact its own tag"
                    )


def _release(request: ReleaseRequest, planned: Planned, results: Sequence[Result]) -> Release:
    """Gives each artifact, and each index, its own results, which are in the order of all plans."""
    rest = iter(results)

    def take(plans: Sequence[AnyPlan]) -> tuple[Result, ...]:
        return tuple(next(rest) for _ in plans) if results else ()

    artifacts = tuple(
        ReleasedArtifact(request=artifact, plans=several, results=take(several))
        for artifact, several in zip(request.artifacts, planned.artifacts, strict=True)
    )
    beside = [take(index.beside) for index in planned.indexes]
    indexes = tuple(
        ReleasedIndex(planned=index, beside=several, result=next(rest, None))
        for index, several in zip(planned.indexes, beside, strict=True)
    )
    return Release(request=request, artifacts=artifacts, indexes=indexes)
