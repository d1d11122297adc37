"""Finds what is wrong with a policy before anything is decided by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Literal

from wasm_oci.jsontext import JsonObject
from wasm_oci.policy.interfaces import make_interface
from wasm_oci.policy.names import Glob, RegistryName, comparable_host, matches_component
from wasm_oci.policy.policy_file import ComponentRule, PolicyFile, RegistryRule, Requirements
from wasm_oci.policy.policy_types import REQUIREMENTS
from wasm_oci.policy.review.lint_keys import KnownKey, key_problems
from wasm_oci.policy.review.lint_pairs import EXCLUSIVE, may_agree
from wasm_oci.policy.subject import Registry, Subject
from wasm_oci.policy.versions import find_version

_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a policy that its author did not mean."""

    kind: Literal["error", "warning"]
    """An error: some artifacts can never be allowed, or a name is wrong."""
    place: str
    rule: str
    what: str
    change: str

    def to_json(self) -> JsonObject:
        return {"kind": self.kind, "where": self.place, "rule": self.rule, "what": self.what, "change": self.change}

    def __str__(self) -> str:
        return f"{': '.join(filter(None, (self.kind, self.place, self.rule, self.what)))}; {self.change}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a policy is used with; None where it is not known, and then not compared."""

    time: datetime
    keys: tuple[KnownKey, ...] | None = None
    registries: tuple[Registry, ...] | None = None
    subjects: tuple[Subject, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    """A rule, and how it is called."""

    name: str
    rule: Requirements
    about: tuple[str, ...]
    always: bool
    """Whether it speaks about everything."""

    @property
    def members(self) -> list[str]:
        return [name for name in REQUIREMENTS if getattr(self.rule, name) is not None]

    def error(self, what: str, change: str) -> Problem:
        return Problem(kind="error", place=self.rule.source, rule=self.name, what=what, change=change)

    def warning(self, what: str, change: str) -> Problem:
        return Problem(kind="warning", place=self.rule.source, rule=self.name, what=what, change=change)


def lint(file: PolicyFile, around: Surroundings) -> tuple[Problem, ...]:
    """Returns the problems of a policy whose rules have places, errors first, then in the order of the file."""
    rules = list(_rules(file))
    found = [
        *(problem for rule in rules for problem in _within(rule)),
        *_between(rules),
        *_silent(file, rules),
        *_never(file, around),
        *_expired(file, around),
        *(problem for rule in rules for problem in _keys(rule, around)),
    ]
    return tuple(sorted(found, key=lambda problem: problem.kind != "error"))


def _rules(file: PolicyFile) -> Iterator[_Named]:
    for component in file.components:
        where = tuple(each.text for each in component.registries or ())
        name = component.name or f"component:{component.pattern}"
        yield _Named(name, component, (component.pattern, *where), component.pattern == "*" and not where)
    for registry in file.registries:
        text = registry.registry.text
        yield _Named(registry.name or f"registry:{text}", registry, ("registry", text), text == "*")
    for rule in file.always:
        yield _Named("always", rule, ("always",), always=True)
    for rule in file.default:
        yield _Named("default", rule, ("default",), always=False)


def _within(named: _Named) -> Iterator[Problem]:
    """Contradictions inside one rule, and rules that say nothing."""
    rule = named.rule
    if not named.members:
        yield named.warning("the rule says nothing", "add a requirement, or remove it")
    for wanted in rule.required_annotations or ():
        if any(each.contains is None and Glob(each.name).matches(wanted.name) for each in rule.forbidden_annotations or ()):
            yield named.error(f"annotation {wanted.name} is required and forbidden", "remove one of them")
    for allowed in rule.allowed_imports or ():
        for denied in rule.denied_imports or ():
            whole = denied.at_least is None and denied.below is None
            if whole and make_interface(denied.interface).pattern.matches(make_interface(allowed.interface).pattern.text):
                yield named.warning(f"{allowed.interface} is allowed, and denied by {denied.interface}", "remove one of them")
    if tags := rule.tags:
        usable = [tag for tag in tags.allowed or () if "*" in tag or "?" in tag or not tags.semver or find_version(tag)]
        if tags.allowed is not None and all(any(Glob(each).matches(tag) for each in tags.denied or ()) for tag in usable):
            yield named.error("no tag is allowed", "remove semver, or what denies the allowed tags")


def _between(rules: Iterable[_Named]) -> Iterator[Problem]:
    """Contradictions between two rules that speak about the same artifacts."""
    for first, second in combinations([each for each in rules if each.rule.mode == "enforce"], 2):
        same, kinds = first.about == second.about, {first.about, second.about}
        if not (same or first.always or second.always) or (("default",) in kinds and not kinds <= {("always",), ("default",)}):
            continue
        for member in EXCLUSIVE:
            one, two = getattr(first.rule, member), getattr(second.rule, member)
            if one and two and not may_agree(member, one, two):
                what = f"{member} has nothing in common with {first.name} ({first.rule.source})"
                yield second.error(what, "nothing can satisfy both: change one of them")
        if same and set(first.members) & set(second.members):
            what = f"it is about the same as {first.name} ({first.rule.source}), and both have to be satisfied"
            yield second.warning(what, "make one rule of them")


def _silent(file: PolicyFile, rules: Iterable[_Named]) -> Iterator[Problem]:
    """Defaults that never speak, and questions that nothing answers."""
    whole = _Named("policy", Requirements(), (), always=True)
    everywhere = [each for each in rules if each.always and each.about != ("always",) and each.rule.mode == "enforce"]
    taken = {member for each in everywhere for member in each.members}
    for named in rules:
        if named.about == ("default",) and named.members and taken.issuperset(named.members):
            yield named.warning("it never speaks: a rule for everything does", "remove it, or that rule")
    if not any(each.rule.signing for each in rules):
        yield whole.warning("no rule says whether a signature is required", "add `default: {signing: required}`")
    if file.mode == "warn":
        yield whole.warning("the whole policy only warns", "remove `mode: warn` when it is ready")


def _never(file: PolicyFile, around: Surroundings) -> Iterator[Problem]:
    """Patterns that match nothing, and registries that nothing uses."""
    for named in _rules(file):
        rule = named.rule
        uses = [rule.registry] if isinstance(rule, RegistryRule) else []
        if isinstance(rule, ComponentRule):
            uses = list(rule.registries or ())
            host, slash, path = rule.pattern.partition("/")
            if slash and "." in host and not set("*?") & set(host):
                what = f"a component's name has no registry, so that it speaks only where {host} is a namespace"
                yield named.warning(what, f"write {path}, and `registries: [{host}]`")
            if around.subjects is not None and not any(_is_for(rule.pattern, each) for each in around.subjects):
                what = f"{rule.pattern} matches none of {len(around.subjects)} subjects"
                yield named.warning(what, "correct the pattern, or remove the rule")
        for registry in uses if around.registries is not None else ():
            if not any(_may_be(registry, each) for each in around.registries or ()):
                known = ", ".join(map(str, around.registries or ())) or "none"
                yield named.warning(f"no registry is {registry.text} (there are {known})", "correct the name, or remove the rule")


def _keys(named: _Named, around: Surroundings) -> Iterator[Problem]:
    for is_error, what, change in key_problems(named.rule, around.keys, time=around.time, soon=_SOON):
        yield named.error(what, change) if is_error else named.warning(what, change)


def _is_for(pattern: str, subject: Subject) -> bool:
    return matches_component(Glob(pattern), subject.name, subject.path)


def _may_be(name: RegistryName, registry: Registry) -> bool:
    """Whether an artifact of a registry may be meant: a longer prefix may be the namespace."""
    prefix = tuple(registry.prefix.split("/")) if registry.prefix else ()
    shared = min(len(prefix), len(name.prefix))
    host = comparable_host(registry.host)
    return name.matches(registry.name, host, prefix) or (bool(name.host) and name.host == host and prefix[:shared] == name.prefix[:shared])


def _expired(file: PolicyFile, around: Surroundings) -> Iterator[Problem]:
    """Approvals and overrides whose time is over, or soon."""
    entries = [(each.source, f"override:{each.name}", each.expires) for each in file.overrides]
    entries += [(each.source, f"approval:{each.interface}", each.expires) for each in file.approvals if each.expires]
    for place, name, expires in entries:
        if expires <= around.time + _SOON:
            what = "it has expired" if expires < around.time else f"it expires within {_SOON.days} days"
            yield Problem(kind="warning", place=place, rule=name, what=what, change="remove it, or give it another date")
