"""What publishing would do, found out with reading requests only; `publisher` then does exactly this."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from wasm_oci.attest.legacy import LegacySignature, missing_legacy_signatures
from wasm_oci.digest import Digest
from wasm_oci.errors import TagConflictError, WasmOciError
from wasm_oci.http.outages import Outages
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import listed_referrers, require_referrers_api
from wasm_oci.oci.store import ManifestName, Store, find_tag
from wasm_oci.publish.artifact import Artifact, Blob, blobs_of
from wasm_oci.publish.plan_steps import ALONE, NO_DECISION, Action, BlobPlan, CosignPlan, Decision, Placing, ReferrerPlan, TagPlan
from wasm_oci.publish.signatures import UNCHECKED, Signatures
from wasm_oci.wasmsign.content_check import ContentCheck

_NEW_TAG = "publish under a new tag, or move this one with --move-tags"
_NEW_KEY = ": if only the signature differs, the build has generated a new development key"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is to be done with one artifact at one destination, in the order in which it is done."""

    destination: Store
    artifact: Artifact
    blobs: tuple[BlobPlan, ...]
    manifest: Action
    referrers: tuple[ReferrerPlan, ...]
    tags: tuple[TagPlan, ...]
    """Empty where the artifact is published by digest only."""
    signatures: Signatures
    """Who signed the artifact; unchecked before that is known, and where nothing is written."""
    unknown: WasmOciError | None = None
    """Why not all is known, after a dry run; such a plan must not be carried out."""
    credential_missing: bool = False
    """Whether that is because the destination's credential is missing."""
    placing: Placing = ALONE
    decision: Decision = NO_DECISION
    cosign: CosignPlan | None = None
    """None where cosign's tag is not asked for."""
    require_referrers_api: bool = False
    named_by: Digest | None = None
    """The release index that names all of this as it is, so that nothing was asked."""

    @property
    def name(self) -> ManifestName:
        """What the destination knows the manifest by."""
        return self.artifact.descriptor if self.placing.child else self.artifact.descriptor.digest

    @property
    def tagged(self) -> str:
        """Destination and tag, without the digest; of several tags the first."""
        return f"{self.destination.name}:{self.tags[0].tag}" if self.tags else self.destination.name

    @property
    def pinned(self) -> str:
        """Destination and digest, without the tag."""
        return f"{self.destination.name}@{self.artifact.descriptor.digest}"

    @property
    def writes(self) -> bool:
        """Whether there is anything to do."""
        actions = [self.manifest]
        actions += [step.action for step in self.blobs]
        actions += [step.action for step in self.referrers]
        actions += [step.action for step in self.tags]
        actions += [self.cosign.action] if self.cosign else []
        return any(action.writes for action in actions)

    def sends(self, blob: Descriptor) -> bool:
        """Whether the destination is given the content of a blob."""
        uploads = any(step.action is Action.UPLOAD for step in self.blobs if step.blob.descriptor.digest == blob.digest)
        return uploads and not (self.unknown or self.placing.mount_from)

    def with_content(self, blob: Descriptor, check: ContentCheck) -> Plan:
        """Returns the plan, in which the content of a blob is compared with its signatures while it is sent."""
        return replace(
            self,
            blobs=tuple(
                replace(step, blob=replace(step.blob, content=check.pieces, proof=check.finish))
                if step.blob.descriptor.digest == blob.digest
                else step
                for step in self.blobs
            ),
        )

    @property
    def credential_source(self) -> str:
        """Where the credential is from, as far as one was needed; never a value."""
        return "missing" if self.credential_missing else self.destination.credential_source

    @property
    def refusal(self) -> TagConflictError | None:
        """The error with which publishing ends instead, where it is not allowed."""
        for tag in self.tags:
            if tag.action is Action.REFUSE:
                return TagConflictError(
                    f"tag {tag.tag} already exists with digest {tag.before}, and the image has {tag.after}; nothing was written",
                    where=self.destination.name,
                    hint=_NEW_TAG + (_NEW_KEY if any(key.development for key in self.signatures.verified) else ""),
                )
        return None

    def to_json(self) -> JsonObject:
        """Returns what people and programs look at. One tag or signature is `tag` or `signature`, several are lists."""
        blobs = [
            {
                "role": step.blob.role,
                "digest": str(step.blob.descriptor.digest),
                "mediaType": step.blob.descriptor.media_type,
                "size": step.blob.descriptor.size,
                "action": step.action,
            }
            for step in self.blobs
        ]
        document: JsonObject = {
            "destination": self.destination.name,
            "reference": self.pinned,
            "tagged": self.tagged,
            "digest": str(self.artifact.descriptor.digest),
            "blobs": blobs,
            "manifest": self.manifest,
            "allowed": False if self.refusal else None if self.unknown else True,
            "credentialSource": self.credential_source,
        }
        if connection := self.destination.connection:
            document["connection"] = connection
        if self.unknown:
            document["unknown"] = self.unknown.to_json()
        if self.named_by:
            document["namedBy"] = str(self.named_by)
        if self.decision.document is not None:
            document["policy"] = self.decision.document
        signatures = [step.to_json() for step in self.referrers if step.is_signature]
        others = [step.to_json() for step in self.referrers if not step.is_signature]
        document |= _one_or_several("signature", signatures) | _one_or_several("tag", [tag.to_json() for tag in self.tags])
        document |= {"cosignLegacy": self.cosign.to_json()} if self.cosign else {}
        return document | ({"referrers": others} if others else {})


def _one_or_several(name: str, values: list[JsonObject]) -> JsonObject:
    if len(values) == 1:
        return {name: values[0]}
    return {f"{name}s": values} if values else {}


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
