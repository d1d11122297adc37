"""What publishing would do at one destination; `publisher` does exactly this."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wasm_oci.digest import Digest
from wasm_oci.errors import TagConflictError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.store import ManifestName, Store
from wasm_oci.publish.artifact import Artifact
from wasm_oci.publish.plan_steps import ALONE, NO_DECISION, Action, BlobPlan, CosignPlan, Decision, Placing, ReferrerPlan, TagPlan
from wasm_oci.publish.signatures import Signatures
from wasm_oci.wasmsign.content_check import ContentCheck

_NEW_TAG = "publish under a new tag, or move this one with --move-tags"
_NEW_KEY = ": if only the signature differs, the build has generated a new development key"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedPlan:
    """What a dry run knows where the signature cannot be made, because a key that is outside the build cannot be used."""

    destination: Store
    tags: tuple[tuple[str, Digest | None], ...]
    """Each tag, and the digest that it names, None where that is absent or unknown."""
    plan: Plan | None
    """All but the signature, where that is detached; None for an embedded one, on which every digest depends."""
    unknown: WasmOciError
    """Why the signature cannot be made, and what to do."""
    credential_missing: bool
    decision: Decision = NO_DECISION

    @property
    def credential_source(self) -> str:
        """As that of a plan."""
        return "missing" if self.credential_missing else self.destination.credential_source

    @property
    def refusal(self) -> TagConflictError | None:
        """The error with which publishing ends whatever the signature is."""
        return self.plan.refusal if self.plan else None

    @property
    def tagged(self) -> str:
        """Destination and tag; of several tags the first."""
        return f"{self.destination.name}:{self.tags[0][0]}" if self.tags else self.destination.name

    @property
    def pinned(self) -> str | None:
        """Destination and digest, None where that is not known."""
        return self.plan.pinned if self.plan else None

    @property
    def digest(self) -> Digest | None:
        """That of the manifest, None where it is not known."""
        return self.plan.artifact.descriptor.digest if self.plan else None

    def to_json(self) -> JsonObject:
        """Returns the document of a plan; what depends on the signature is null or unknown."""
        entries = [
            {"tag": tag, "action": Action.UNKNOWN, "before": str(before) if before else None, "after": None} for tag, before in self.tags
        ]
        unknown: JsonObject = {
            "destination": self.destination.name,
            "reference": None,
            "tagged": self.tagged,
            "digest": None,
            "blobs": [],
            "manifest": Action.UNKNOWN,
            **({"tag": entries[0]} if len(entries) == 1 else {"tags": entries} if entries else {}),
        }
        document = self.plan.to_json() | {"signature": {"digest": None, "action": Action.UNKNOWN}} if self.plan else unknown
        allowed = False if self.refusal else None
        decided = {} if self.decision.document is None else {"policy": self.decision.document}
        return document | {"allowed": allowed, "credentialSource": self.credential_source, "unknown": self.unknown.to_json()} | decided
