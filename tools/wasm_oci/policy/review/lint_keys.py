"""The keys that a policy names, compared with those that are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from wasm_oci.policy.policy_file import Requirements
from wasm_oci.wording import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that signatures can be verified with."""

    name: str
    key_id: str
    development: bool = False
    revoked: bool = False
    not_after: datetime | None = None


def key_problems(
    rule: Requirements, known: Iterable[KnownKey] | None, *, time: datetime, soon: timedelta
) -> Iterator[tuple[bool, str, str]]:
    """Yields whether it is an error, the problem and the remedy for the names of keys in a rule."""
    if known is None:
        return
    by_name = {key.name: key for key in known}
    listed = f"the keys are {', '.join(by_name) or 'none'}"
    for keys, threshold in [(rule.keys, rule.threshold), *((each.keys, each.threshold) for each in rule.statements or ())]:
        usable = 0
        for each in keys or ():
            if each not in by_name:
                yield True, f"unknown key {each}", did_you_mean(each, by_name) or listed
                continue
            problem, counts = _state(by_name[each], rule, time, soon)
            usable += counts
            if problem:
                yield False, problem, "name another key too, or remove it"
        if keys and usable < (threshold or 1):
            yield True, f"{usable} of its keys can sign, and {threshold or 1} must", "nothing can satisfy it: name keys that are valid"


def _state(key: KnownKey, rule: Requirements, time: datetime, soon: timedelta) -> tuple[str, bool]:
    """Returns what is wrong with a key, and whether it can sign nevertheless."""
    if key.revoked:
        return f"key {key.name} is revoked", False
    if key.not_after and key.not_after < time:
        return f"key {key.name} has expired", False
    if key.development and rule.development_keys == "denied":
        return f"key {key.name} is a development key, which the rule denies", False
    if key.not_after and key.not_after < time + soon:
        return f"key {key.name} expires within {soon.days} days", True
    return "", True
