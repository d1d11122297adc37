"""What publishing would do, found out with reading requests only; `publisher` then does exactly this."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wasm_oci.digest import Digest
from wasm_oci.errors import TagConflictError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.referrers import artifact_type_of, listed_digests
from wasm_oci.oci.store import Store
from wasm_oci.publish.artifact import Artifact, Blob
from wasm_oci.publish.signatures import Signatures, check_signatures

_NEW_TAG = "publish under a new tag, or move this one with --move-tags"
_NEW_KEY = ": if only the signature differs, the build has generated a new development key"


class Action(StrEnum):
    """What is to be done with one thing."""

    UPLOAD = "upload"
    CREATE = "create"
    MOVE = "move"
    EXISTS = "exists"
    UNCHANGED = "unchanged"
    REFUSE = "refuse"

    @property
    def writes(self) -> bool:
        return self in (Action.UPLOAD, Action.CREATE, Action.MOVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPlan:
    blob: Blob
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferrerPlan:
    """A manifest that refers to the artifact."""

    manifest: Manifest
    action: Action

    @property
    def digest(self) -> Digest:
        return self.manifest.descriptor().digest

    @property
    def is_signature(self) -> bool:
        """Whether it carries a detached wasmsign2 signature."""
        return artifact_type_of(self.manifest) == SIGNATURE_MEDIA_TYPE

    def to_json(self) -> JsonObject:
        document: JsonObject = {"digest": str(self.digest), "action": self.action}
        return document if self.is_signature else {"artifactType": artifact_type_of(self.manifest), **document}


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPlan:
    """A tag, and the digests that it names before and after."""

    tag: str
    action: Action
    before: Digest | None
    after: Digest

    def to_json(self) -> JsonObject:
        before = str(self.before) if self.before else None
        return {"tag": self.tag, "action": self.action, "before": before, "after": str(self.after)}


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
    """Who signed the artifact."""

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
        return any(action.writes for action in actions)

    @property
    def refusal(self) -> TagConflictError | None:
        """The error with which publishing ends instead, where it is not allowed."""
        for tag in self.tags:
            if tag.action is Action.REFUSE:
                return TagConflictError(
                    f"tag {tag.tag} is {tag.before} there and would become {tag.after}; nothing was written",
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
            "reference": f"{self.tagged}@{self.artifact.descriptor.digest}",
            "digest": str(self.artifact.descriptor.digest),
            "blobs": blobs,
            "manifest": self.manifest,
            "allowed": self.refusal is None,
            "credentialSource": self.destination.credential_source,
        }
        if connection := self.destination.connection:
            document["connection"] = connection
        signatures = [step.to_json() for step in self.referrers if step.is_signature]
        others = [step.to_json() for step in self.referrers if not step.is_signature]
        document |= _one_or_several("signature", signatures) | _one_or_several("tag", [tag.to_json() for tag in self.tags])
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
    signatures: Signatures | None = None,
) -> Plan:
    """Looks at a destination. Raises WasmOciError where its state cannot be known: nothing is assumed.

    `signatures` is what `check_signatures` found; without it the artifact is checked here.
    """
    signatures = check_signatures(artifact) if signatures is None else signatures
    digest = artifact.descriptor.digest
    tag_plans = tuple(_plan_tag(destination, tag, digest, move=move_tags or tag in movable) for tag in dict.fromkeys(tags))
    blobs = tuple(
        BlobPlan(blob=blob, action=Action.EXISTS if destination.has_blob(blob.descriptor) else Action.UPLOAD) for blob in artifact.blobs
    )
    manifest = Action.EXISTS if destination.find_manifest(digest) else Action.CREATE
    listed = listed_referrers(destination, artifact.referrers)
    referrers = tuple(
        ReferrerPlan(manifest=referrer, action=Action.EXISTS if referrer.descriptor().digest in listed else Action.CREATE)
        for referrer in artifact.referrers
    )
    return Plan(
        destination=destination,
        artifact=artifact,
        blobs=blobs,
        manifest=manifest,
        referrers=referrers,
        tags=tag_plans,
        signatures=signatures,
    )


def listed_referrers(destination: Store, referrers: Iterable[Manifest]) -> frozenset[Digest]:
    """Returns the digests of those that readers of a destination are told of, each by asking for its own subject."""
    wanted: dict[Digest, list[Digest]] = {}
    for referrer in referrers:
        if referrer.subject:
            wanted.setdefault(referrer.subject.digest, []).append(referrer.descriptor().digest)
    return frozenset().union(*(listed_digests(destination, subject, digests) for subject, digests in wanted.items()))


def _plan_tag(destination: Store, tag: str, after: Digest, *, move: bool) -> TagPlan:
    found = destination.find_manifest(tag)
    before = found.digest if found else None
    if before is None:
        action = Action.CREATE
    elif before == after:
        action = Action.UNCHANGED
    else:
        action = Action.MOVE if move else Action.REFUSE
    return TagPlan(tag=tag, action=action, before=before, after=after)
