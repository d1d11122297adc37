"""What became of a plan: the steps that were done or tried, and what the destination answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from wasm_oci.digest import Digest
from wasm_oci.errors import WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.plan_steps import Action

NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done, or tried; `outcome` is done, exists, failed, unknown, or done with what was read in brackets."""

    name: str
    subject: str
    """The digest or tag that it is about."""
    outcome: str


@dataclass(slots=True, kw_only=True)
class Result:
    """What happened at one destination; written while it happens."""

    plan: Plan
    steps: list[Step] = field(default_factory=list)
    status: str = NOT_STARTED
    """unchanged, published, failed, content sent (all but the tag), in progress, interrupted, or not started."""
    bytes_sent: int = 0
    bytes_skipped: int = 0
    tags_after: dict[str, Digest | None] = field(default_factory=dict)
    """What each tag named when it was last read."""
    found_by: dict[Digest, str] = field(default_factory=dict)
    """By which way each referrer that was attached is found."""
    shown: bool = True
    """Whether the manifest came back by its digest before it had a tag."""
    error: WasmOciError | None = None

    def to_json(self) -> JsonObject:
        document = self.plan.to_json()
        document |= {
            "status": self.status,
            "steps": [{"step": step.name, "subject": step.subject, "outcome": step.outcome} for step in self.steps],
            "bytesSent": self.bytes_sent,
            "bytesSkipped": self.bytes_skipped,
        }
        for tag in _listed(document, "tag"):
            now = self.tags_after.get(tag["tag"])
            tag["now"] = str(now) if now else None
        for referrer in (*_listed(document, "signature"), *document.get("referrers", ())):
            if way := self.found_by.get(Digest(referrer["digest"])):
                referrer["foundBy"] = way
        if self.error:
            document["error"] = self.error.to_json()
        return document


def _listed(document: JsonObject, name: str) -> list[JsonObject]:
    return [document[name]] if name in document else document.get(f"{name}s", [])


def results_of(plans: Sequence[Plan]) -> tuple[Result, ...]:
    """Returns a result for each plan, as long as nothing has been done."""
    return tuple(
        Result(
            plan=plan,
            bytes_skipped=sum(step.blob.descriptor.size for step in plan.blobs if step.action is Action.EXISTS),
            tags_after={tag.tag: tag.before for tag in plan.tags},
        )
        for plan in plans
    )


@contextmanager
def recorded(result: Result, name: str, subject: str) -> Iterator[None]:
    """Adds a step to the result: done, or failed where the block raises."""
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        result.steps.append(Step(name=name, subject=subject, outcome=outcome))
