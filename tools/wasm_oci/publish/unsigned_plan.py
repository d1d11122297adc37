"""What a dry run knows of an artifact whose signature cannot be made, because a key that is outside the build cannot be used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wasm_oci.digest import Digest
from wasm_oci.errors import TagConflictError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.store import Store
from wasm_oci.publish.artifact import Artifact
from wasm_oci.publish.plan import Plan, Question, make_plan
from wasm_oci.publish.plan_steps import NO_DECISION, Action, Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedPlan:
    """A plan without the signature; it is never carried out."""

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
