"""The plans of a release: each destination is asked what it has, several at a time, and who signed what will be written is checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypedDict

from wasm_oci.attest.legacy import LegacySignature
from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.http.outages import Outages
from wasm_oci.keys.key import load_public_key
from wasm_oci.oci.release_index import Member
from wasm_oci.oci.store import Store
from wasm_oci.progress import SILENT, Phase, Progress
from wasm_oci.publish.artifact import Artifact
from wasm_oci.publish.looking import Question, make_plan, make_unsigned_plan, with_cosign_tag
from wasm_oci.publish.plan import Plan, UnsignedPlan
from wasm_oci.publish.plan_steps import NO_DECISION, Decision
from wasm_oci.publish.release_request import ArtifactRequest, ReleaseRequest
from wasm_oci.publish.resolve import Destination
from wasm_oci.publish.signatures import COPIED, UNCHECKED, KnownKey, Signatures, check_signatures
from wasm_oci.publish.signing import Signing
from wasm_oci.publish.uniting import Unit, member_of, with_current
from wasm_oci.publish.workers import Work, do_all
from wasm_oci.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """An artifact and the stores that it goes to, in the order of its destinations."""

    request: ArtifactRequest
    artifact: Artifact | None
    """As it is before it is signed; None where its content depends on the signature."""
    destinations: tuple[Destination, ...]

    @property
    def stores(self) -> tuple[Store, ...]:
        return tuple(destination.store for destination in self.destinations)


class Moving(TypedDict):
    """Which tags may move."""

    movable: Collection[str]
    move_tags: bool


AnyPlan = Plan | UnsignedPlan
"""The latter in a dry run only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An artifact as it is published, or why a dry run cannot know it."""

    artifact: Artifact | None
    """As it is before it is signed where `unsigned` says why the signature cannot be made; None where its content depends on it."""
    signatures: Signatures | None = None
    """Who signed it, where that is known already."""
    unsigned: WasmOciError | None = None
    cosign: tuple[tuple[LegacySignature, ...], ...] = ()
    """The signatures for cosign's tag at each destination; empty where none are asked for."""

    @property
    def published(self) -> Artifact:
        """Raises ValueError where `unsigned` says why it is not known."""
        if self.artifact is None or self.unsigned:
            raise ValueError("the artifact is not signed")
        return self.artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """An artifact with what policies say about it at each destination."""

    ready: Ready
    """With the statements that they require, which travel with it."""
    decisions: tuple[Decision, ...]


Decide = Callable[[Sequence[Resolved], Sequence[Ready], Signing | None], Sequence[Decided]]
"""Decides about each artifact and, in their order, each of its destinations."""


def allow(resolved: Sequence[Resolved], artifacts: Sequence[Ready], signing: Signing | None) -> tuple[Decided, ...]:
    """Allows everything that is not subject to a policy; raises UsageError for the rest."""
    del signing
    for each in resolved:
        if each.request.policy.policies:
            raise UsageError("nobody evaluates its policies", where=each.request.target, hint="publish it with `wasm_oci push`")
    return tuple(
        Decided(ready=ready, decisions=tuple(NO_DECISION for _ in each.stores)) for each, ready in zip(resolved, artifacts, strict=True)
    )


def require_allowed(resolved: Sequence[Resolved], decided: Sequence[Decided]) -> None:
    """Raises PolicyError where any destination of any artifact is denied, with all verdicts."""
    pairs = [pair for each, found in zip(resolved, decided, strict=True) for pair in zip(each.stores, found.decisions, strict=True)]
    denials = [decision.denial for _, decision in pairs if decision.denial]
    if denials:
        first = denials[0]
        if len(denials) > 1:
            first.what += f"; {counted(len(denials) - 1, 'more destination')} denied"
        first.verdicts = [decision.document for _, decision in pairs if decision.document is not None]
        raise first


def signatures_of(request: ArtifactRequest, artifact: Artifact) -> Signatures:
    """Checks all signatures that go with an artifact, and returns who signed it."""
    keys = [
        KnownKey(
            public=load_public_key(signer.public_key),
            name=signer.name or str(signer.public_key),
            development=signer.development,
            file=str(signer.public_key),
        )
        for signer in request.signers
    ]
    return check_signatures(artifact, keys, request.trust)


def with_cosign_signatures(resolved: Resolved, ready: Ready, signing: Signing | None, *, dry_run: bool) -> Ready:
    """Adds the signatures for cosign's tag where they are asked for; in a dry run a key that cannot be used is in the result."""
    request, artifact = resolved.request, ready.artifact
    if not request.cosign_legacy or artifact is None or ready.unsigned:
        return ready
    keys = request.run_keys
    if signing is None or not keys:
        raise UsageError("no key signs for cosign's tag", where=request.target, hint="name one in statement_keys")
    try:
        return replace(ready, cosign=signing.for_cosign(keys, resolved.stores, artifact.descriptor.digest))
    except WasmOciError as err:
        if not (dry_run and err is signing.failure):
            raise
        return replace(ready, unsigned=err)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedIndex:
    """What is planned for a release index."""

    unit: Unit
    beside: tuple[Plan, ...]
    """Of the members, in the repository of the index."""
    plan: Plan | None
    """None in a dry run where a member's digest is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is planned for a release."""

    artifacts: tuple[tuple[AnyPlan, ...], ...]
    """Of each artifact, in the order of its destinations."""
    indexes: tuple[PlannedIndex, ...]

    @property
    def written_beside(self) -> frozenset[tuple[str, Digest]]:
        """The unit and the manifest of each plan beside an index that writes."""
        plans = [plan for index in self.indexes for plan in index.beside if plan.writes or plan.unknown]
        return frozenset((plan.placing.unit, plan.artifact.descriptor.digest) for plan in plans)

    @property
    def all(self) -> list[AnyPlan]:
        """Every plan: of the members, beside each index, and of the indexes."""
        beside = [plan for index in self.indexes for plan in index.beside]
        return [*(plan for several in self.artifacts for plan in several), *beside, *(index.plan for index in self.indexes if index.plan)]


def plans_of(
    request: ReleaseRequest,
    resolved: Sequence[Resolved],
    artifacts: Sequence[Ready],
    units: Sequence[Unit],
    *,
    outages: Outages,
    interrupt: Callable[[], None],
    progress: Progress = SILENT,
) -> Planned:
    """Asks all destinations, several at a time; what they do not say is unknown in a dry run, and without fail_fast."""
    planning = _Planning(request=request, resolved=resolved, artifacts=artifacts, outages=outages, interrupt=interrupt, progress=progress)
    return planning.run(units)


@dataclass(slots=True, kw_only=True)
class _Planning:
    request: ReleaseRequest
    resolved: Sequence[Resolved]
    artifacts: Sequence[Ready]
    outages: Outages
    interrupt: Callable[[], None]
    progress: Progress
    units: dict[str, Unit] = field(default_factory=dict)
    """By the place of their registries."""
    found: dict[tuple[int, int], list[AnyPlan]] = field(default_factory=dict)
    indexes: dict[str, Plan] = field(default_factory=dict)

    def run(self, units: Sequence[Unit]) -> Planned:
        self.units.update((each.store.place, each) for each in units)  # in their order, whichever registry answers first
        do_all((Work(place=each.store.place, run=partial(self._find_current, each)) for each in units), interrupt=self.interrupt)
        pairs = [(number, position) for number, each in enumerate(self.resolved) for position in range(len(each.destinations))]
        with self.progress.phase("looking up", count=len(pairs)) as shown:
            work = [
                Work(place=self.resolved[number].stores[position].place, run=partial(self._plan, number, position, shown))
                for number, position in pairs
            ]
            work += [Work(place=place, run=partial(self._plan_index, unit)) for place, unit in self.units.items()]
            do_all(work, interrupt=self.interrupt)
        beside: dict[str, list[Plan]] = {}
        for pair in pairs:
            for plan in self.found[pair][1:]:
                if isinstance(plan, Plan):
                    beside.setdefault(plan.placing.unit, []).append(plan)
        return Planned(
            artifacts=tuple(
                tuple(self.found[number, position][0] for position in range(len(each.destinations)))
                for number, each in enumerate(self.resolved)
            ),
            indexes=tuple(
                PlannedIndex(unit=unit, beside=tuple(beside.get(place, ())), plan=self.indexes.get(place))
                for place, unit in self.units.items()
            ),
        )

    def _question(self, destination: Destination) -> Question:
        tolerant = self.request.dry_run or not self.request.fail_fast
        required = self.request.require_referrers_api
        return Question(tolerant=tolerant, error=destination.missing, outages=self.outages, require_referrers_api=required)

    def _find_current(self, unit: Unit) -> None:
        self.units[unit.store.place] = with_current(unit, self._question(unit.destination))

    def _plan(self, number: int, position: int, shown: Phase) -> None:
        with shown.began(self.resolved[number].stores[position].name):
            self.found[number, position] = self._plans(number, position)

    def _plans(self, number: int, position: int) -> list[AnyPlan]:
        """Asks one destination, and what is beside its index."""
        resolved, ready = self.resolved[number], self.artifacts[number]
        request, destination = resolved.request, resolved.request.destinations[position]
        store, question = resolved.stores[position], self._question(resolved.destinations[position])
        how: Moving = {"movable": request.movable_tags, "move_tags": request.move_tags}
        unit = self.units.get(store.place)
        if ready.unsigned:
            return [make_unsigned_plan(ready.artifact, store, destination.tags, **how, unknown=ready.unsigned, question=question)]
        artifact = ready.published
        if unit:
            own, *beside = unit.plan_member(artifact, store, destination, question, **how)
        else:
            own, beside = make_plan(artifact, store, destination.tags, **how, question=question), []
        return [with_cosign_tag(own, ready.cosign[position] if ready.cosign else (), question), *beside]

    def _plan_index(self, unit: Unit) -> None:
        members: list[Member] = []
        for resolved, ready in zip(self.resolved, self.artifacts, strict=True):
            for store, destination in zip(resolved.stores, resolved.request.destinations, strict=True):
                if store.place == unit.store.place:
                    if ready.unsigned:
                        return
                    members.append(member_of(ready.published, destination))
        self.indexes[unit.store.place] = unit.plan_index(members, self._question(unit.destination))


def with_decisions(
    resolved: Resolved, decided: Decided, plans: tuple[AnyPlan, ...], *, beside: Collection[tuple[str, Digest]] = (), dry_run: bool
) -> tuple[AnyPlan, ...]:
    """Adds what was decided, and who signed."""
    signed = with_signatures(resolved, decided.ready, plans, beside=beside, dry_run=dry_run)
    return tuple(replace(plan, decision=decision) for plan, decision in zip(signed, decided.decisions, strict=True))


def with_signatures(
    resolved: Resolved, ready: Ready, plans: tuple[AnyPlan, ...], *, beside: Collection[tuple[str, Digest]] = (), dry_run: bool
) -> tuple[AnyPlan, ...]:
    """Adds who signed, which is checked before anything is written; where there is nothing to do, the component is not read.

    `beside` has what is written beside release indexes, see `Planned.written_beside`: in its own repository it may be there already.
    The content of a large component is compared with its signatures while it is sent, where each destination that is written to gets it.
    """
    if ready.unsigned:
        return plans
    signatures = ready.signatures
    known = [plan for plan in plans if isinstance(plan, Plan)]
    digest = ready.published.descriptor.digest if beside else None
    writing = [plan for plan in known if plan.writes or (plan.placing.unit, digest) in beside]
    if signatures is None and resolved.request.ready is None and (writing or any(plan.unknown or plan.refusal for plan in known)):
        signatures = signatures_of(resolved.request, ready.published)
    if signatures and signatures.content and ready.published.component:
        component = ready.published.component.descriptor
        if writing and not dry_run and all(plan.sends(component) for plan in writing):
            known = [plan.with_content(component, signatures.content) for plan in known]
        else:
            signatures.content.finish()
    unchecked = COPIED if resolved.request.ready else UNCHECKED
    return tuple(replace(plan, signatures=signatures or unchecked) for plan in known)
