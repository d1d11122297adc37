"""The plans of a release: each destination is asked what it has, several at a time, and who signed what will be written is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from wasm_oci.errors import WasmOciError
from wasm_oci.keys.key import load_public_key
from wasm_oci.oci.store import Store
from wasm_oci.progress import SILENT, Phase, Progress
from wasm_oci.publish.artifact import Artifact
from wasm_oci.publish.outages import Outages
from wasm_oci.publish.plan import Plan, Question, make_plan
from wasm_oci.publish.release_request import ArtifactRequest, ReleaseRequest
from wasm_oci.publish.resolve import Destination
from wasm_oci.publish.signatures import UNCHECKED, KnownKey, Signatures, check_signatures
from wasm_oci.publish.unsigned_plan import UnsignedPlan, make_unsigned_plan
from wasm_oci.publish.workers import Work, do_all


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


AnyPlan = Plan | UnsignedPlan
"""The latter in a dry run only."""
Ready = tuple[Artifact, Signatures | None]
"""An artifact as it is published, and who signed it where that is known already."""


def check_signed(request: ArtifactRequest, artifact: Artifact) -> Signatures:
    """Checks all signatures that go with an artifact."""
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


def plans_of(
    request: ReleaseRequest,
    resolved: Sequence[Resolved],
    artifacts: Sequence[Ready | WasmOciError],
    *,
    outages: Outages,
    interrupt: Callable[[], None],
    progress: Progress = SILENT,
) -> list[tuple[AnyPlan, ...]]:
    """Asks all destinations, several at a time; what they do not say is unknown in a dry run, and without fail_fast."""
    found: dict[tuple[int, int], AnyPlan] = {}
    tolerant = request.dry_run or not request.fail_fast

    def plan(number: int, position: int, shown: Phase) -> None:
        destination = resolved[number].destinations[position]
        question = Question(tolerant=tolerant, error=destination.missing, outages=outages)
        with shown.began(destination.store.name):
            found[number, position] = _plan(resolved[number], artifacts[number], position, question)

    with progress.phase("looking up", count=sum(len(each.destinations) for each in resolved)) as shown:
        do_all(
            (
                Work(place=destination.store.place, run=partial(plan, number, position, shown))
                for number, each in enumerate(resolved)
                for position, destination in enumerate(each.destinations)
            ),
            interrupt=interrupt,
        )
    return [tuple(found[number, position] for position in range(len(each.destinations))) for number, each in enumerate(resolved)]


def _plan(resolved: Resolved, ready: Ready | WasmOciError, position: int, question: Question) -> AnyPlan:
    """Asks one destination."""
    request, store, tags = resolved.request, resolved.stores[position], resolved.request.destinations[position].tags
    movable, move_tags = request.movable_tags, request.move_tags
    if isinstance(ready, tuple):
        return make_plan(ready[0], store, tags, movable=movable, move_tags=move_tags, question=question)
    return make_unsigned_plan(resolved.artifact, store, tags, movable=movable, move_tags=move_tags, unknown=ready, question=question)


def with_signatures(resolved: Resolved, ready: Ready | WasmOciError, plans: tuple[AnyPlan, ...]) -> tuple[AnyPlan, ...]:
    """Adds who signed, which is checked before anything is written; where there is nothing to do, the component is not read."""
    if not isinstance(ready, tuple):
        return plans
    artifact, signatures = ready
    known = [plan for plan in plans if isinstance(plan, Plan)]
    if signatures is None and any(plan.writes or plan.unknown or plan.refusal for plan in known):
        signatures = check_signed(resolved.request, artifact)
    return tuple(replace(plan, signatures=signatures or UNCHECKED) for plan in known)
