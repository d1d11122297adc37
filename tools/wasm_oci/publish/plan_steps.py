"""The parts of a plan: what is to be done with each blob, referrer and tag, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from wasm_oci.attest.legacy import LegacySignature
from wasm_oci.digest import Digest
from wasm_oci.errors import PolicyError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import artifact_type_of
from wasm_oci.oci.store import Store
from wasm_oci.publish.artifact import Blob


class Action(StrEnum):
    """What is to be done with one thing."""

    UPLOAD = "upload"
    CREATE = "create"
    MOVE = "move"
    EXISTS = "exists"
    UNCHANGED = "unchanged"
    REFUSE = "refuse"
    UNKNOWN = "unknown"
    """In a dry run: the destination was not asked, or did not say."""

    @property
    def writes(self) -> bool:
        return self in (Action.UPLOAD, Action.CREATE, Action.MOVE)


class Stage(IntEnum):
    """When a plan is carried out: the content of one stage everywhere before that of the next, and so the tags."""

    MEMBERS = 0
    """What has its own repository."""
    BESIDE = 1
    """The same again beside the index that names it."""
    INDEX = 2
    """The release index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How a plan belongs to a release that is one object."""

    stage: Stage = Stage.MEMBERS
    unit: str = ""
    """The registry where all plans of the release succeed before any tag is written; empty where each stands for itself."""
    child: bool = False
    """Whether an index that follows names it, so that a layout does not list it."""
    mount_from: str = ""
    """The repository of the same registry that has its blobs by then."""


ALONE = Placing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What policies say about an artifact at a destination."""

    denial: PolicyError | None = None
    """Why it may not go there."""
    warnings: tuple[str, ...] = ()
    words: str = ""
    """For people; empty where no policy speaks."""
    document: JsonObject | None = None
    """For the result; None where no policy speaks."""

    def require(self) -> None:
        """Raises the denial, with what the result would say of it."""
        if self.denial:
            self.denial.verdicts = [self.document] if self.document else []
            raise self.denial


NO_DECISION = Decision()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPlan:
    blob: Blob
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferrerPlan:
    """A manifest or index that refers to the artifact, or a manifest that such an index names."""

    manifest: Manifest | Index
    action: Action
    child: bool = False
    """Whether an index that follows names it."""

    @property
    def digest(self) -> Digest:
        return self.manifest.descriptor().digest

    @property
    def is_signature(self) -> bool:
        """Whether it carries a detached wasmsign2 signature."""
        return artifact_type_of(self.manifest) == SIGNATURE_MEDIA_TYPE and not self.child

    def store(self, destination: Store) -> str:
        """Stores it, and returns by which way it is found; empty for what an index names."""
        if not self.child:
            return destination.attach(self.manifest)
        destination.put_manifest(self.manifest.descriptor(), self.manifest.raw, child=True)
        return ""

    def to_json(self) -> JsonObject:
        document: JsonObject = {"digest": str(self.digest), "action": self.action} | ({"child": True} if self.child else {})
        return document if self.is_signature else {"artifactType": artifact_type_of(self.manifest), **document}


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignPlan:
    """The tag under which cosign looked for signatures before version 3, and the signatures that it has to hold."""

    tag: str
    signatures: tuple[LegacySignature, ...]
    action: Action

    def to_json(self) -> JsonObject:
        return {"tag": self.tag, "action": self.action, "keyIds": [each.key.key_id.hex() for each in self.signatures]}


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
