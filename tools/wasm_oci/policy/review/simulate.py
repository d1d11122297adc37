"""What another policy would change: which subjects would be decided differently, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wasm_oci.jsontext import JsonObject
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.model import Policy
from wasm_oci.policy.subject import Subject
from wasm_oci.policy.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A subject, with what was decided about it, if anything was."""

    place: str
    subject: Subject
    allowed: bool | None = None
    decided_by: str = ""
    because: str = ""
    """Why it was denied."""
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A subject that is decided differently."""

    place: str
    was: bool
    was_by: str
    was_why: str = ""
    """Why it was denied; empty where that is not known."""
    now: Verdict

    @property
    def why(self) -> str:
        """What denies now, or no longer does."""
        return f"no longer: {self.was_why}" if self.was_why else _why(self.now)

    def to_json(self) -> JsonObject:
        return {
            "place": self.place,
            "was": "allow" if self.was else "deny",
            "wasDecidedBy": self.was_by,
            "now": "allow" if self.now.allowed else "deny",
            "nowDecidedBy": self.now.decided_by,
            "why": self.why,
            "change": self.now.change,
            "subject": self.now.subject.path,
            "registry": str(self.now.subject.registry or ""),
        }

    def lines(self) -> Iterator[str]:
        was, now = ("allowed", "denied") if self.was else ("denied", "allowed")
        registry = f" in {self.now.subject.registry}" if self.now.subject.registry else ""
        yield f"{self.place}: {self.now.subject.path}{registry}: {was} by {self.was_by} becomes {now} by {self.now.decided_by}"
        yield f"  {self.why}"


@dataclass(slots=True, kw_only=True)
class Simulation:
    """The result of deciding subjects again."""

    subjects: int = 0
    flips: list[Flip] = field(default_factory=list)
    unknown: int = 0
    """Subjects about which nothing was decided before."""

    def to_json(self) -> JsonObject:
        counts = Counter("deny" if flip.was else "allow" for flip in self.flips)
        return {
            "subjects": self.subjects,
            "withoutDecision": self.unknown,
            "becomeDenied": counts["deny"],
            "becomeAllowed": counts["allow"],
            "flips": [flip.to_json() for flip in self.flips],
        }


def simulate(new: Policy, pasts: Iterable[Past], old: Policy | None = None) -> Simulation:
    """Decides about each subject by `new`, and compares with `old`, or with what was decided.

    An override counts where the policy has it and it was asked for then. Each subject is judged at its own time.
    """
    result = Simulation()
    for past in pasts:
        result.subjects += 1
        before = decide(old, past.subject, _known(old, past)) if old else None
        was = before.allowed if before else past.allowed
        if was is None:
            result.unknown += 1
            continue
        now = decide(new, past.subject, _known(new, past))
        if now.allowed != was:
            by, because = (before.decided_by, _why(before)) if before else (past.decided_by, past.because)
            result.flips.append(Flip(place=past.place, was=was, was_by=by, was_why="" if was else because, now=now))
    return result


def _known(policy: Policy, past: Past) -> tuple[str, ...]:
    have = {each.name for each in policy.exceptions}
    return tuple(name for name in past.overrides if name in have)


def _why(verdict: Verdict) -> str:
    if denials := verdict.denials:
        rule = denials[0].rule
        return f"{denials[0].finding.what}{f' ({rule.place})' if rule else ''}"
    rule = verdict.deciding_rule
    return f"every rule that speaks is satisfied{f' ({rule.place})' if rule else ''}"
