"""What publishing would do, found out with reading requests only; `publisher` then does exactly this (N9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from wasm_oci.digest import Digest
from wasm_oci.errors import TagConflictError
from wasm_oci.jsontext import JsonObject
from wasm_oci.publish.artifact import Artifact, Blob
from wasm_oci.publish.destination import Destination


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
class TagPlan:
    """A tag, and the digests that it names before and after."""

    tag: str
    action: Action
    before: Digest | None
    after: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is to be done at one destination, in the order in which it is done."""

    destination: Destination
    artifact: Artifact
    blobs: tuple[BlobPlan, ...]
    manifest: Action
    referrer: Action | None
    """None where there is no detached signature."""
    tag: TagPlan | None
    """None where the artifact is published by digest only."""

    @property
    def reference(self) -> str:
        """Destination, tag and digest."""
        tag = f":{self.tag.tag}" if self.tag else ""
        return f"{self.destination.name}{tag}@{self.artifact.descriptor.digest}"

    @property
    def writes(self) -> bool:
        """Whether there is anything to do."""
        actions = [self.manifest, *(step.action for step in self.blobs)]
        actions += [self.referrer] if self.referrer else []
        actions += [self.tag.action] if self.tag else []
        return any(action.writes for action in actions)

    @property
    def refusal(self) -> TagConflictError | None:
        """The error with which publishing ends instead, where it is not allowed."""
        if self.tag is None or self.tag.action is not Action.REFUSE:
            return None
        return TagConflictError(
            f"tag {self.tag.tag} is {self.tag.before} there and would become {self.tag.after}",
            where=self.destination.name,
            hint="publish under a new tag, or move this one with --move-tags; "
            "if only the signature differs, a development key that was made anew (wasm_keygen) is a likely cause",
        )

    def to_json(self) -> JsonObject:
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
            "reference": self.reference,
            "digest": str(self.artifact.descriptor.digest),
            "blobs": blobs,
            "manifest": self.manifest,
            "allowed": self.refusal is None,
            "credentialSource": self.destination.credential_source,
        }
        if self.referrer and self.artifact.signature:
            document["signature"] = {"digest": str(self.artifact.signature.descriptor().digest), "action": self.referrer}
        if self.tag:
            before = str(self.tag.before) if self.tag.before else None
            document["tag"] = {"tag": self.tag.tag, "action": self.tag.action, "before": before, "after": str(self.tag.after)}
        return document


def make_plan(
    artifact: Artifact, destination: Destination, tag: str | None, *, movable: Collection[str] = (), move_tags: bool = False
) -> Plan:
    """Looks at a destination. Raises WasmOciError where its state cannot be known: nothing is assumed."""
    digest = artifact.descriptor.digest
    tag_plan = _plan_tag(destination, tag, digest, move=move_tags or tag in movable) if tag is not None else None
    blobs = tuple(
        BlobPlan(blob=blob, action=Action.EXISTS if destination.has_blob(blob.descriptor) else Action.UPLOAD) for blob in artifact.blobs
    )
    manifest = Action.EXISTS if destination.has_manifest(digest) else Action.CREATE
    referrer = None
    if artifact.signature:
        listed = destination.has_referrer(digest, artifact.signature.descriptor().digest)
        referrer = Action.EXISTS if listed else Action.CREATE
    return Plan(destination=destination, artifact=artifact, blobs=blobs, manifest=manifest, referrer=referrer, tag=tag_plan)


def _plan_tag(destination: Destination, tag: str, after: Digest, *, move: bool) -> TagPlan:
    before = destination.tag_digest(tag)
    if before is None:
        action = Action.CREATE
    elif before == after:
        action = Action.UNCHANGED
    else:
        action = Action.MOVE if move else Action.REFUSE
    return TagPlan(tag=tag, action=action, before=before, after=after)
