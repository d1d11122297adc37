"""A decision that explains itself: which rules spoke, which one decided, what it looked at, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wasm_oci.errors import PolicyError
from wasm_oci.jsontext import JsonObject, canonical
from wasm_oci.policy.documents import document_of
from wasm_oci.policy.finding import Finding
from wasm_oci.policy.model import EmergencyException, Policy, Rule
from wasm_oci.policy.subject import Subject
from wasm_oci.trust.timestamps import timestamp_text

SCHEMA_VERSION = 1
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A rule that spoke."""

    rule: Rule
    members: tuple[str, ...]
    """What it spoke about."""
    effects: tuple[str, ...]

    @property
    def requires_signature(self) -> bool:
        return self.rule.requires_signature and self.rule.enforced and "signing" in self.members

    @property
    def outcome(self) -> str:
        """The gravest of its findings, `satisfied` where there is none."""
        return next((effect for effect in ("denied", "warned", "overridden", "not_judged") if effect in self.effects), "satisfied")

    def to_json(self) -> JsonObject:
        return {"rule": self.rule.name, "where": self.rule.place, "about": list(self.members), "outcome": self.outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding, and what it led to."""

    rule: Rule | None
    """None where no rule found it, but that there is none."""
    finding: Finding
    effect: str
    """`denied`, `warned`, `overridden` or `not_judged`."""

    @property
    def rule_name(self) -> str:
        return self.rule.name if self.rule else "policy"

    def to_json(self) -> JsonObject:
        return {
            "rule": self.rule_name,
            "where": self.rule.place if self.rule else "",
            "check": self.finding.check,
            "effect": self.effect,
            "unknown": self.finding.kind != "refused",
            "what": self.finding.what,
            "fact": self.finding.fact,
            "change": self.finding.change,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedOverride:
    """An override that was asked for."""

    exception: EmergencyException
    refusal: str
    """Why it does not apply; empty where it does."""

    @property
    def checks(self) -> tuple[str, ...]:
        return self.exception.checks

    @property
    def words(self) -> str:
        """Whether it applies and to what, or why not."""
        name = f"override {self.exception.name} ({self.exception.place})"
        if self.refusal:
            return f"{name} does not apply: {self.refusal}"
        return f"{name} applies to {', '.join(self.checks)} until {timestamp_text(self.exception.expires)}"

    def to_json(self) -> JsonObject:
        each = self.exception
        return {
            "name": each.name,
            "where": each.place,
            "checks": list(each.checks),
            "reason": each.reason,
            "approvedBy": each.approved_by,
            "expires": timestamp_text(each.expires),
            "applied": not self.refusal,
            "refusal": self.refusal,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision about one subject."""

    policy: Policy
    subject: Subject
    spoken: tuple[Spoken, ...]
    judged: tuple[Judged, ...]
    overrides: tuple[AppliedOverride, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.denials

    @property
    def denials(self) -> tuple[Judged, ...]:
        return tuple(each for each in self.judged if each.effect == "denied")

    @property
    def warnings(self) -> tuple[Judged, ...]:
        return tuple(each for each in self.judged if each.effect == "warned")

    @property
    def deciding_rule(self) -> Rule | None:
        """The first that denied; else the first that requires a signature, else the first that spoke. None where none spoke."""
        if denials := self.denials:
            return denials[0].rule
        spoken = [each for each in self.spoken if each.members and each.rule.kind != "denied_digest"]
        return next((each.rule for each in (*(each for each in spoken if each.requires_signature), *spoken)), None)

    @property
    def decided_by(self) -> str:
        """The name of the deciding rule; `policy` where none spoke."""
        rule = self.deciding_rule
        return rule.name if rule else "policy"

    @property
    def summary(self) -> str:
        """What was decided, by which rule, and with which override."""
        lifted = {each.finding.check for each in self.judged if each.effect == "overridden"}
        used = [each.exception.name for each in self.overrides if not each.refusal and lifted & set(each.checks)]
        words, rule = "allowed" if self.allowed else "denied", self.deciding_rule
        override = f" with override {', '.join(used)}" if used and self.allowed else ""
        return f"{words} by {self.decided_by}{f' ({rule.place})' if rule else ''}{override}"

    @property
    def change(self) -> str:
        """The least that would change the decision: all that denies has to be mended; what is allowed needs what it has."""
        if denials := self.denials:
            return "; ".join(dict.fromkeys(each.finding.change for each in denials))
        if any(each.requires_signature and each.outcome == "satisfied" for each in self.spoken):
            return "without its signature it would be denied"
        return ""

    def to_json(self) -> JsonObject:
        """Returns the verdict; with `canonical`, the same bytes for the same decision."""
        first = next(iter(self.denials), None)
        rule = self.deciding_rule
        return {
            "schemaVersion": SCHEMA_VERSION,
            "policy": {"name": self.policy.name, "digest": self.policy.digest},
            "subject": document_of(self.subject),
            "decision": "allow" if self.allowed else "deny",
            "decidedBy": {
                "rule": self.decided_by,
                "where": rule.place if rule else "",
                "check": first.finding.check if first else "",
                "fact": first.finding.fact if first else "",
                "what": first.finding.what if first else "",
            },
            "change": self.change,
            "rules": [each.to_json() for each in self.spoken],
            "findings": [each.to_json() for each in self.judged],
            "overrides": [each.to_json() for each in self.overrides],
        }

    def canonical(self) -> bytes:
        return canonical(self.to_json())

    def require(self, *, where: str = "") -> None:
        """Raises PolicyError that names the rule where the subject is denied."""
        if first := next(iter(self.denials), None):
            what = "; ".join((*self._problems(), *(each.words for each in self.overrides)))
            raise PolicyError(what, where=where or self.subject.path, hint=self.change, reason=first.finding.check)

    def _problems(self) -> Iterator[str]:
        """Yields what denies, after the rule where that is another one than before."""
        last = ""
        for each in self.denials[:_SHOWN]:
            rule = f"{each.rule_name}{f' ({each.rule.place})' if each.rule else ''} denies it: "
            yield f"{'' if rule == last else rule}{each.finding.what}"
            last = rule
        if len(self.denials) > _SHOWN:
            yield f"{len(self.denials) - _SHOWN} more problems"

    def lines(self) -> Iterator[str]:
        """Yields what people read."""
        registry = f" in {self.subject.registry}" if self.subject.registry else ""
        yield f"{self.subject.path}{registry}: {self.summary}"
        yield from (f"  {each.words}" for each in self.overrides)
        for each in self.judged:
            yield f"  {each.effect.replace('_', ' ')}: {each.finding.what}"
            yield f"    {each.rule_name}{f' ({each.rule.place})' if each.rule else ''}, check {each.finding.check}; {each.finding.change}"
