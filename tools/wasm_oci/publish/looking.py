"""Looks at destinations, with reading requests only, and plans what publishing would do there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from wasm_oci.attest.legacy import LegacySignature, missing_legacy_signatures
from wasm_oci.digest import Digest
from wasm_oci.errors import WasmOciError
from wasm_oci.http.outages import Outages
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import listed_referrers, require_referrers_api
from wasm_oci.oci.store import ManifestName, Store, find_tag
from wasm_oci.publish.artifact import Artifact, Blob, blobs_of
from wasm_oci.publish.plan import Plan, UnsignedPlan
from wasm_oci.publish.plan_steps import ALONE, Action, BlobPlan, CosignPlan, Placing, ReferrerPlan, TagPlan
from wasm_oci.publish.signatures import UNCHECKED, Signatures

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Question:
    """Asks one destination; a tolerant one does so until the first error, which it keeps, and asks nothing more."""

    tolerant: bool = False
    error: WasmOciError | None = None
    """Why the rest is unknown."""
    outages: Outages = field(default_factory=Outages)
    require_referrers_api: bool = False
    """Whether a place that lists referrers by their fallback tags only is refused."""

    def ask(self, place: str, about: Callable[[], T]) -> T | None:
        """Returns what `about` returns when it asks a place, None where that is unknown."""
        if self.error is None:
            try:
                with self.outages.watch(place):
                    return about()
            except WasmOciError as err:
                if not self.tolerant:
                    raise
                self.error = err
        return None


def make_plan(
    artifact: Artifact,
    destination: Store,
    tags: Sequence[str] = (),
    *,
    movable: Collection[str] = (),
    move_tags: bool = False,
    signatures: Signatures = UNCHECKED,
    question: Question | None = None,
    placing: Placing = ALONE,
) -> Plan:
    """Looks at a destination. Raises WasmOciError where its state cannot be known: nothing is assumed.

    `signatures` is what `check_signatures` found. What a tolerant `question` could not find out is unknown in the plan.
    """
    question = question or Question()
    credential_missing = question.error is not None
    digest = artifact.descriptor.digest
    tag_plans = tuple(_plan_tag(question, destination, tag, digest, move=move_tags or tag in movable) for tag in dict.fromkeys(tags))
    if question.require_referrers_api:
        question.ask(destination.place, lambda: require_referrers_api(destination, digest))
    listed = question.ask(destination.place, lambda: listed_referrers(destination, artifact.referrers))
    there: list[Manifest | Index] = [referrer for referrer in artifact.referrers if referrer.descriptor().digest in (listed or ())]
    children = tuple(_plan_child(question, destination, each) for each in artifact.children)
    there += [step.manifest for step in children if step.action is Action.EXISTS]
    named: bool | None = any(tag.action is Action.UNCHANGED for tag in tag_plans)
    if placing.child and destination.whole and not named:  # one question in place of one for each blob
        named = question.ask(destination.place, lambda: destination.find_manifest(artifact.descriptor) is not None)
    if named:
        there.append(artifact.manifest)
    kept = {blob.digest for manifest in there for blob in blobs_of(manifest)} if destination.whole else set()
    blobs = tuple(BlobPlan(blob=blob, action=_plan_blob(question, destination, blob, kept)) for blob in artifact.blobs)
    name: ManifestName = artifact.descriptor if placing.child else digest
    manifest = Action.EXISTS if named else _plan_manifest(question, destination, name, blobs)
    referrers = tuple(
        ReferrerPlan(manifest=each, action=_action(None if listed is None else each.descriptor().digest in listed, Action.CREATE))
        for each in artifact.referrers
    )
    return Plan(
        destination=destination,
        artifact=artifact,
        blobs=blobs,
        manifest=manifest,
        referrers=(*children, *referrers),
        tags=tag_plans,
        signatures=signatures,
        unknown=question.error,
        credential_missing=credential_missing,
        placing=placing,
        require_referrers_api=question.require_referrers_api,
    )


def make_known_plan(artifact: Artifact, destination: Store, tags: Sequence[str], *, named_by: Digest, placing: Placing) -> Plan:
    """Returns the plan of what a release index at the destination names: there is nothing to do, and nothing is asked."""
    digest = artifact.descriptor.digest
    return Plan(
        destination=destination,
        artifact=artifact,
        blobs=tuple(BlobPlan(blob=blob, action=Action.EXISTS) for blob in artifact.blobs),
        manifest=Action.EXISTS,
        referrers=(
            *(ReferrerPlan(manifest=each, action=Action.EXISTS, child=True) for each in artifact.children),
            *(ReferrerPlan(manifest=each, action=Action.EXISTS) for each in artifact.referrers),
        ),
        tags=tuple(TagPlan(tag=tag, action=Action.UNCHANGED, before=digest, after=digest) for tag in dict.fromkeys(tags)),
        signatures=UNCHECKED,
        placing=placing,
        named_by=named_by,
    )


def with_cosign_tag(plan: Plan, signatures: Sequence[LegacySignature], question: Question) -> Plan:
    """Returns the plan with signatures of its manifest for cosign's tag; raises RegistryError where that names something else."""
    if not signatures:
        return plan
    store = plan.destination
    missing = question.ask(store.place, lambda: missing_legacy_signatures(store, signatures))
    action = _action(None if missing is None else not missing, Action.CREATE)
    cosign = CosignPlan(tag=signatures[0].tag, signatures=tuple(signatures), action=action)
    return replace(plan, cosign=cosign, unknown=question.error)


def _plan_blob(question: Question, destination: Store, blob: Blob, kept: Collection[Digest]) -> Action:
    """What is `kept` is named by a manifest that is there, of a store that takes none without its blobs: that is not asked."""
    if blob.descriptor.digest in kept:
        return Action.EXISTS
    return _action(question.ask(destination.place, partial(destination.has_blob, blob.descriptor)), Action.UPLOAD)


def _plan_child(question: Question, destination: Store, child: Manifest) -> ReferrerPlan:
    there = question.ask(destination.place, lambda: destination.find_manifest(child.descriptor()) is not None)
    return ReferrerPlan(manifest=child, action=_action(there, Action.CREATE), child=True)


def _plan_manifest(question: Question, destination: Store, name: ManifestName, blobs: Iterable[BlobPlan]) -> Action:
    """Where a blob is missing the manifest is sent, there or not: it has the same bytes."""
    if any(step.action is Action.UPLOAD for step in blobs):
        return Action.CREATE
    return _action(question.ask(destination.place, lambda: destination.find_manifest(name) is not None), Action.CREATE)


def _action(there: bool | None, otherwise: Action) -> Action:
    """Returns what is to be done with a thing that is there or not, or of which that is unknown."""
    if there is None:
        return Action.UNKNOWN
    return Action.EXISTS if there else otherwise


def _plan_tag(question: Question, destination: Store, tag: str, after: Digest, *, move: bool) -> TagPlan:
    said = question.ask(destination.place, lambda: (find_tag(destination, tag, after),))
    before = said[0] if said else None
    if said is None:
        action = Action.UNKNOWN
    elif before is None:
        action = Action.CREATE
    elif before == after:
        action = Action.UNCHANGED
    else:
        action = Action.MOVE if move else Action.REFUSE
    return TagPlan(tag=tag, action=action, before=before, after=after)


def make_unsigned_plan(
    artifact: Artifact | None,
    destination: Store,
    tags: Sequence[str],
    *,
    movable: Collection[str],
    move_tags: bool,
    unknown: WasmOciError,
    question: Question,
) -> UnsignedPlan:
    """Asks a destination what can be asked without the signature; `artifact` is the one without it, None where that is embedded.

    `question` is a tolerant one.
    """
    credential_missing = question.error is not None
    plan = None
    if artifact:
        plan = make_plan(artifact, destination, tags, movable=movable, move_tags=move_tags, question=question)
        found = tuple((tag.tag, tag.before) for tag in plan.tags)
    else:
        found = tuple((tag, _named(question, destination, tag)) for tag in dict.fromkeys(tags))
    return UnsignedPlan(destination=destination, tags=found, plan=plan, unknown=unknown, credential_missing=credential_missing)


def _named(question: Question, destination: Store, tag: str) -> Digest | None:
    found = question.ask(destination.place, lambda: destination.find_manifest(tag))
    return found.digest if found else None
