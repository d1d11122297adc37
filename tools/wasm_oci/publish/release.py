"""Publishing in its only order: resolve, decide, sign, plan, act, record.

One artifact to one registry is the smallest case of any number of artifacts, each to any number of destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, PolicyError, UsageError, WasmOciError
from wasm_oci.http.transport import Transport
from wasm_oci.keys.key import load_public_key
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.source import without
from wasm_oci.oci.reference import Reference, check_tag
from wasm_oci.oci.store import Store
from wasm_oci.publish.artifact import Artifact, Referrer, load_artifact, with_referrers
from wasm_oci.publish.gate import require_signed
from wasm_oci.publish.plan import Plan, Question, make_plan
from wasm_oci.publish.publisher import Result, carry_out, results_of
from wasm_oci.publish.resolve import Destination, NamedRepository, open_destination
from wasm_oci.publish.signatures import KnownKey, Signatures, check_signatures
from wasm_oci.publish.signing import DeferredSigning, SignerRequest, Signing, scratch_folder, secret_variables
from wasm_oci.shape import BUILD_AGAIN
from wasm_oci.trust.trust import Trust


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
    referrers: tuple[Path | Referrer, ...] = ()
    """What travels with it: files of detached signatures, and manifests that are ready."""
    signing: DeferredSigning | None = None
    """The signature that the release has to make."""
    signers: tuple[SignerRequest, ...] = ()
    """All that have to have signed it when it is published, whoever makes the signature."""
    trust: Trust | None = None
    """Whom to trust, of which as many have to have signed it as this asks for."""
    require_signed: bool = False
    """Whether it is refused unless a known key signed it: see `gate.require_signed`."""
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
    plain_http: frozenset[str] = frozenset()
    """The hosts that may be reached without TLS, beside this machine."""
    fail_fast: bool = True
    read_whole: bool = False
    """Whether blobs of any size are read back whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """An artifact and the stores that it goes to, in the order of its destinations."""

    request: ArtifactRequest
    artifact: Artifact | None
    """As it is before it is signed; None where its content depends on the signature."""
    signatures: Signatures | None
    """None where one is still to be made."""
    destinations: tuple[Destination, ...]

    @property
    def stores(self) -> tuple[Store, ...]:
        return tuple(destination.store for destination in self.destinations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether an artifact may go to a destination."""

    allowed: bool = True
    reason: str = ""
    """Why not, or why; for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedArtifact:
    """What was decided and planned for an artifact and what became of it, in the order of its destinations."""

    request: ArtifactRequest
    decisions: tuple[Decision, ...]
    plans: tuple[Plan, ...]
    results: tuple[Result, ...]
    """Empty after a dry run."""

    @property
    def error(self) -> WasmOciError | None:
        """The first error; after a dry run the one with which publishing would end, else why that is not known."""
        if self.results:
            return next(filter(None, (result.error for result in self.results)), None)
        errors: list[WasmOciError | None] = [*(plan.refusal for plan in self.plans), *(plan.unknown for plan in self.plans)]
        return next(filter(None, errors), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What became of a request."""

    request: ReleaseRequest
    artifacts: tuple[ReleasedArtifact, ...]


Decide = Callable[[Sequence[Resolved]], Sequence[tuple[Decision, ...]]]
"""Decides for each artifact and, in their order, each of its destinations."""


def allow(resolved: Sequence[Resolved]) -> tuple[tuple[Decision, ...], ...]:
    """Allows everything."""
    return tuple(tuple(Decision() for _ in each.stores) for each in resolved)


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
    decide: Decide = allow,
    show: Callable[[Sequence[Plan]], None] = show_nothing,
    record: Callable[[Release], None] = keep_no_record,
) -> Release:
    """Publishes all artifacts to all their destinations, content first and tags last.

    `decide` comes before any key is used; one destination that it does not allow is a PolicyError. `show` is told the plans
    before they are carried out, `record` what became of them, also where an exception such as KeyboardInterrupt ends this
    in the middle. Errors of single destinations are in the result; an error of any step before is raised, and then nothing was
    written. A dry run ends with the plans, in which what no destination could be asked is unknown.
    """
    visible = without(environ, secret_variables((artifact.signing for artifact in request.artifacts), passphrase))
    resolved = tuple(_resolve(artifact, transport, visible, dry_run=request.dry_run) for artifact in request.artifacts)
    decisions = decide(resolved)
    _check_decisions(resolved, decisions)
    with ExitStack() as stack:
        artifacts = _signed(resolved, passphrase, stack)
        _check_required(resolved, artifacts)
        _check_tags(resolved, [artifact for artifact, _ in artifacts])
        plans = [_plan(each, *ready, dry_run=request.dry_run) for each, ready in zip(resolved, artifacts, strict=True)]
        flat = [plan for several in plans for plan in several]
        show(flat)
        if request.dry_run:
            return _release(request, decisions, plans, ())
        results = results_of(flat)
        done = _release(request, decisions, plans, results)
        try:
            carry_out(results, fail_fast=request.fail_fast, read_whole=request.read_whole)
        finally:
            record(done)
    return done


def _resolve(request: ArtifactRequest, transport: Transport, environ: Mapping[str, str], *, dry_run: bool) -> Resolved:
    """Checks every name, looks for every credential that is named and reads the artifact, before anything else is done."""
    for destination in request.destinations:
        for tag in destination.tags:
            check_tag(tag, where="tag")
    destinations = tuple(
        open_destination(each.repository, transport=transport, environ=environ, dry_run=dry_run) for each in request.destinations
    )
    artifact, signatures = None, None
    if request.signing is None or request.signing.image is None:
        if request.layout is None and request.signing:
            raise FormatError("a detached signature needs the layout that it is for", where="request", hint=BUILD_AGAIN)
        if request.layout is None:
            target = str(request.notes.get("target", ""))
            raise UsageError("the image is not signed yet", where=target, hint="sign it before it is planned")
        artifact = _load(request, request.layout)
        if request.signing is None:
            signatures = _check_signed(request, artifact)
    return Resolved(request=request, artifact=artifact, signatures=signatures, destinations=destinations)


def _check_signed(request: ArtifactRequest, artifact: Artifact) -> Signatures:
    """Checks all signatures that go with an artifact, before anything is planned."""
    keys = [
        KnownKey(public=load_public_key(signer.public_key), name=signer.name or str(signer.public_key), development=signer.development)
        for signer in request.signers
    ]
    return check_signatures(artifact, keys, request.trust)


def _load(request: ArtifactRequest, layout: Path) -> Artifact:
    artifact = load_artifact(layout, request.referrers, where=str(request.notes.get("target", "")))
    if request.digest not in (None, artifact.descriptor.digest):
        raise DigestError(
            f"the layout's manifest is {artifact.descriptor.digest}", where=str(request.digest), hint="push it without a digest"
        )
    return artifact


def _check_decisions(resolved: Sequence[Resolved], decisions: Sequence[tuple[Decision, ...]]) -> None:
    for each, several in zip(resolved, decisions, strict=True):
        for store, decision in zip(each.stores, several, strict=True):
            if not decision.allowed:
                raise PolicyError(f"publishing is denied: {decision.reason}", where=store.name, hint="ask who decides this")


def _check_required(resolved: Sequence[Resolved], artifacts: Sequence[tuple[Artifact, Signatures]]) -> None:
    for each, (_, signatures) in zip(resolved, artifacts, strict=True):
        for store in each.stores if each.request.require_signed else ():
            require_signed(signatures, store, target=str(each.request.notes.get("target", "")))


def _signed(resolved: Sequence[Resolved], passphrase: PassphraseSource, stack: ExitStack) -> list[tuple[Artifact, Signatures]]:
    """Makes the signatures that are asked for, and returns who signed; blobs of the artifacts are readable until `stack` ends."""
    requests = [each.request.signing for each in resolved if each.request.signing]
    signing = Signing(requests, passphrase, stack.enter_context(scratch_folder())) if requests else None
    artifacts = []
    for each in resolved:
        request, artifact = each.request, each.artifact
        if signing and request.signing and request.signing.image:
            artifact = _load(request, signing.embedded(request.signing, request.signing.image))
        elif signing and request.signing and request.layout and artifact:
            artifact = with_referrers(artifact, [signing.detached(request.signing, request.layout, artifact.manifest)])
        if artifact is None:
            raise ValueError("an artifact is known, or made by signing")
        artifacts.append((artifact, each.signatures or _check_signed(request, artifact)))
    return artifacts


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


def _plan(resolved: Resolved, artifact: Artifact, signatures: Signatures, *, dry_run: bool) -> tuple[Plan, ...]:
    request = resolved.request
    return tuple(
        make_plan(
            artifact,
            destination.store,
            asked.tags,
            movable=request.movable_tags,
            move_tags=request.move_tags,
            signatures=signatures,
            question=Question(tolerant=dry_run, error=destination.missing),
        )
        for destination, asked in zip(resolved.destinations, request.destinations, strict=True)
    )


def _release(
    request: ReleaseRequest, decisions: Sequence[tuple[Decision, ...]], plans: Sequence[tuple[Plan, ...]], results: Sequence[Result]
) -> Release:
    """Gives each artifact its own results."""
    rest = iter(results)
    artifacts = tuple(
        ReleasedArtifact(request=artifact, decisions=decided, plans=several, results=tuple(next(rest) for _ in several) if results else ())
        for artifact, decided, several in zip(request.artifacts, decisions, plans, strict=True)
    )
    return Release(request=request, artifacts=artifacts)
