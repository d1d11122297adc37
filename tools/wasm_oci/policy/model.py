"""A policy that can be evaluated: rules, each with what it is about, its checks, and where it was written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.policy.finding import Check
from wasm_oci.policy.names import Glob, RegistryName, matches_component
from wasm_oci.policy.scope import out_of_scope
from wasm_oci.policy.signing import Filter
from wasm_oci.policy.subject import Subject
from wasm_oci.wording import did_you_mean

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is required of some subjects."""

    name: str
    """What verdicts call it."""
    kind: Literal["component", "registry", "always", "default", "denied_digest"]
    place: str
    """File and line, or the attribute and its entry."""
    enforced: bool = True
    """False: its findings are warnings."""
    pattern: Glob | None = None
    registries: tuple[RegistryName, ...] = ()
    """Only in these; empty for all."""
    checks: Mapping[str, tuple[Check, ...]]
    """By the member that they are of."""
    filters: Mapping[str, Filter] = field(default_factory=dict)
    """Which signatures count, for it and all other rules that speak; by the member that they are of."""
    requires_signature: bool = False
    part: int = 0
    """Of several policies together, the one that it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyException:
    """An override: findings of some checks that do not deny, for a while, where it is asked for by name."""

    name: str
    place: str
    checks: tuple[str, ...]
    components: tuple[Glob, ...]
    registries: tuple[RegistryName, ...]
    reason: str
    approved_by: str
    expires: datetime
    part: int = 0
    """Of several policies together, the one whose findings it lifts."""

    def refusal(self, subject: Subject) -> str:
        """Returns why it does not apply to a subject; empty where it does. Build ignores the time."""
        why = out_of_scope(subject, self.components, self.expires, self.registries)
        return f"it {why}" if why else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in the order in which they are asked: denied digests, components, registries, always, default."""

    name: str
    place: str
    """The file, or the files that it was made of; what errors name."""
    digest: str
    """Of the file, or of the files that it was made of."""
    enforced: bool
    rules: tuple[Rule, ...]
    exceptions: tuple[EmergencyException, ...] = ()
    parts: tuple[str, ...] = ()
    """The names of several policies that must all allow; empty for one."""
    _matching: dict[tuple[str, str], tuple[Rule, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raises FormatError for a policy without rules, or whose rules check nothing: it would allow everything."""
        rules = [rule for rule in self.rules if rule.kind != "denied_digest" and rule.checks]
        hint = "add `default: {signing: required}` or another rule"
        if not rules:
            raise FormatError("the policy has no rule", where=self.place, hint=hint)
        if not any(checks for rule in rules for checks in rule.checks.values()):
            raise FormatError("the policy checks nothing", where=self.place, hint=hint)

    def about(self, members: Collection[str]) -> Policy | None:
        """Returns what it says about some members alone; None where that is nothing."""
        found = [
            replace(rule, checks={name: rule.checks[name] for name in rule.checks if name in members}, filters={}) for rule in self.rules
        ]
        rules = tuple(rule for rule in found if any(rule.checks.values()))
        return replace(self, rules=rules) if rules else None

    def rules_for(self, subject: Subject) -> tuple[list[Rule], list[Rule]]:
        """Returns the rules for a component: those for its registry, and those that are not known to be for it."""
        here: list[Rule] = []
        elsewhere: list[Rule] = []
        registry, (host, path) = subject.registry, subject.location
        for rule in self._rules_of(subject):
            known = registry is not None and any(each.matches(registry.name, host, path) for each in rule.registries)
            (here if known or not rule.registries else elsewhere).append(rule)
        return here, elsewhere

    def _rules_of(self, subject: Subject) -> tuple[Rule, ...]:
        """Remembers them, whatever the registry."""
        key = subject.name, subject.path
        found = self._matching.get(key)
        if found is None:
            found = tuple(rule for rule in self.rules if rule.pattern is None or matches_component(rule.pattern, *key))
            if len(self._matching) >= _MOST_REMEMBERED:
                self._matching.clear()
            self._matching[key] = found
        return found

    def exception(self, name: str) -> EmergencyException:
        """Raises UsageError for a name that the policy does not have."""
        known = {each.name: each for each in self.exceptions}
        if name not in known:
            remedy = did_you_mean(name, known) or (f"the overrides are {', '.join(known)}" if known else "the policy has none")
            raise UsageError(f"unknown override {name[:80]!r}", where=self.place, hint=remedy)
        return known[name]


def joined(policies: Iterable[Policy]) -> Policy:
    """Returns a policy with the rules of several, which denies whatever one of them denies.

    A rule leaves the default of another policy alone, an override lifts findings of its own policy only, and each policy needs a rule
    that speaks. Raises FormatError where two overrides have one name.
    """
    parts = list(policies)
    if len(parts) == 1:
        return parts[0]
    order = ("denied_digest", "component", "registry", "always", "default")
    rules = [replace(rule, part=number) for number, part in enumerate(parts) for rule in part.rules]
    exceptions = [replace(each, part=number) for number, part in enumerate(parts) for each in part.exceptions]
    check_unique((each.name, each.place) for each in exceptions)
    return Policy(
        name=next((part.name for part in parts if part.name), ""),
        place=", ".join(part.place for part in parts),
        digest=",".join(part.digest for part in parts),
        enforced=any(part.enforced for part in parts),
        rules=tuple(sorted(rules, key=lambda rule: order.index(rule.kind))),
        exceptions=tuple(exceptions),
        parts=tuple(part.name for part in parts),
    )


def check_unique(names: Iterable[tuple[str, str]]) -> None:
    """Takes names of overrides and their places; raises FormatError for one that is there twice."""
    seen: dict[str, str] = {}
    for name, place in names:
        if name in seen:
            raise FormatError(f"the override {name} is there twice, at {seen[name]} too", where=place, hint="give each its own name")
        seen[name] = place
