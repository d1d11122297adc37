"""The evaluator: which rules speak about a subject, what they find, and what is decided.

All rules that match speak, and each must be satisfied. A default speaks about a member where no enforced rule for the component or its
registry does. What cannot be judged is denied, and so is what no rule speaks about. Of several policies, each has its own defaults and
overrides, and must have a rule that speaks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from wasm_oci.policy.finding import Check, Finding
from wasm_oci.policy.model import Policy, Rule
from wasm_oci.policy.signing import Filter, SignerFilter, Validity, counting, counting_statements
from wasm_oci.policy.subject import Subject
from wasm_oci.policy.verdict import AppliedOverride, Judged, Spoken, Verdict

NO_RULE = "no_rule"


def decide(policy: Policy, subject: Subject, overrides: Collection[str] = ()) -> Verdict:
    """Returns the verdict; raises UsageError for the name of an override that the policy does not have."""
    exceptions = [policy.exception(name) for name in overrides]
    applied = tuple(AppliedOverride(exception=each, refusal=each.refusal(subject)) for each in exceptions)
    lifted = frozenset((each.exception.part, check) for each in applied if not each.refusal for check in each.checks)
    spoken, judged = [], []
    here, elsewhere = policy.rules_for(subject)
    speaking = list(_speaking(here))
    prepared = _Prepared(subject, speaking, lifted)
    for rule, members in speaking:
        found = [
            Judged(rule=rule, finding=finding, effect=_effect(policy, rule, finding, lifted))
            for member in members
            for check in rule.checks[member]
            for finding in check.check(prepared.subject_for(check))
        ]
        spoken.append(Spoken(rule=rule, members=tuple(members), effects=tuple(each.effect for each in found)))
        judged += found
    effect = "denied" if policy.enforced else "warned"
    judged += [Judged(rule=None, finding=finding, effect=effect) for finding in _unspoken(policy, elsewhere, subject, spoken)]
    return Verdict(policy=policy, subject=subject, spoken=tuple(spoken), judged=tuple(judged), overrides=applied)


def _speaking(rules: Iterable[Rule]) -> Iterator[tuple[Rule, list[str]]]:
    """Yields the rules that speak, with the members about which they do."""
    said: set[tuple[int, str]] = set()
    for rule in rules:
        if rule.kind == "default":
            members = [member for member in rule.checks if (rule.part, member) not in said]
            if members:
                yield rule, members
        else:
            if rule.kind in ("component", "registry") and rule.enforced:
                said.update((rule.part, member) for member in rule.checks)
            yield rule, list(rule.checks)


def _unspoken(policy: Policy, elsewhere: Iterable[Rule], subject: Subject, spoken: Collection[Spoken]) -> Iterator[Finding]:
    """Yields what denies where rules cannot be chosen, or none speaks."""
    if rule := next((rule for rule in elsewhere if _may_speak(rule, subject)), None):
        what = f"its registry is not known, and {rule.name} is for some registries only"
        change = "name its registry with --registry, in a target, or by a reference"
        if _is_misnamed(rule, subject):
            what, change = f"the entry of its registry has a name that is the host in {rule.name}", "give the entry another name"
        elif subject.registry:
            change = "give the list of registries, with --registries, --registry-config or registry_config"
            what = f"the entry of its registry is not known, and {rule.name} names one"
        yield Finding(check=NO_RULE, kind="unknown", what=what, fact="registry", change=change)
    speaking = {each.rule.part for each in spoken if each.members and each.rule.kind != "denied_digest"}
    for part in sorted({rule.part for rule in policy.rules} - speaking):
        name = f" of the policy {policy.parts[part]}" if policy.parts else ""
        what = f"no rule{name} speaks about component {subject.path}"
        yield Finding(check=NO_RULE, kind="refused", what=what, fact="name", change="add a rule for it, or a default, to the policy")


def _may_speak(rule: Rule, subject: Subject) -> bool:
    """Whether a rule for other registries would speak about a subject if more were known of its own."""
    if subject.registry is None or _is_misnamed(rule, subject):
        return True
    return subject.registry.name is None and any(each.is_entry for each in rule.registries)


def _is_misnamed(rule: Rule, subject: Subject) -> bool:
    """Whether the entry of a registry has the name of a host in a rule."""
    return subject.registry is not None and any(each.host and each.text == subject.registry.name for each in rule.registries)


def _effect(policy: Policy, rule: Rule, finding: Finding, lifted: Collection[tuple[int, str]]) -> str:
    if finding.kind == "not_judged":
        return "not_judged"
    if not policy.enforced or not rule.enforced:
        return "warned"
    return "overridden" if (rule.part, finding.check) in lifted else "denied"


class _Prepared:
    """The subject as checks see it: signatures that do not count are set aside, for those that ask who signed."""

    def __init__(self, subject: Subject, speaking: Iterable[tuple[Rule, list[str]]], lifted: Collection[tuple[int, str]]) -> None:
        validity = Validity(subject)
        filters: list[Filter] = [
            rule.filters[member]
            for rule, members in speaking
            for member in members
            if rule.enforced and member in rule.filters and (rule.part, rule.filters[member].name) not in lifted
        ]
        for_statements: list[Filter] = [validity, *(each for each in filters if each.name == "development_key")]
        self._valid = counting(counting_statements(subject, for_statements), [validity])
        self._counted = counting(self._valid, filters)

    def subject_for(self, check: Check) -> Subject:
        return self._valid if isinstance(check, SignerFilter) else self._counted
