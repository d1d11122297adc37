"""Random policies and subjects: the evaluator decides as an independent, naive one does, and never fails otherwise.

`POLICY_CASES` says how many: the target `policy_million` runs a million.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

from policy.naive import is_refused, naive_decision
from policy.naive_names import Doc
from policy.table import ROWS, STAGES, TABLE, subject_of
from wasm_oci.errors import WasmOciError
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.model import joined
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Subject
from wasm_oci.shape import read_object

CASES = int(os.environ.get("POLICY_CASES", "2000"))
SUBJECTS = 20
"""Of each policy."""
POLICIES = list(TABLE["policies"].values())
FACTS = [TABLE["base"] | {key: value for key, value in row["subject"].items() if key != "overrides"} for row in ROWS]
DEFAULTS = [rule for policy in POLICIES if (rule := policy.get("default"))]
MEMBERS = sorted({(name, json.dumps(value)) for rule in DEFAULTS for name, value in rule.items()})
NAMES = ["*", "prod-*", "test-*", "hello", "apps/*", "*-secure", "h?llo", "pay*", "*l*o*", "net-*"]
REGISTRIES = ["github", "local", "ghcr.io", "ghcr.io/my-org", "production", "*", "docker.io", "l.io"]
REFUSED: dict[str, list[Any]] = {
    "name": ["", "a", "pröd", "x" * 400],
    "tags": [["é"], [""], ["1.2.3\n"]],
    "imports": [
        [{"name": "\u0000"}],
        [{"name": "a" * 5000}],
        [{"name": "/", "core": True}],
        [{"name": "wasi:cli/stdout@@1", "interface": "@"}],
    ],
    "digests": [[""], ["x"], []],
    "registry": [{"host": "//"}, {"host": "[::1"}, {"name": "\u202e"}, {"prefix": "/"}],
}
"""Facts as nobody makes them: a decision about them is a denial or an allowance, never an error."""


def random_rule(chance: random.Random, **about: Any) -> Doc:
    rule: Doc = dict(about)
    for name, value in chance.sample(MEMBERS, chance.choice([1, 1, 2, 3])):
        rule[name] = json.loads(value)
    if ("keys" in rule or "threshold" in rule) and "signing" not in rule:
        rule["signing"] = chance.choice(["required", "optional"])
    if chance.random() < 0.1:
        rule["mode"] = "warn"
    return rule


def random_policy(chance: random.Random) -> Doc:
    base = chance.choice(POLICIES)
    if chance.random() < 0.3:
        return dict(base)
    policy = {key: base[key] for key in ("approvals", "denied_digests", "overrides") if key in base}
    policy["components"] = [random_rule(chance, pattern=chance.choice(NAMES)) for _ in range(chance.randrange(4))]
    for rule in policy["components"]:
        if chance.random() < 0.2:
            rule["registries"] = chance.sample(REGISTRIES, 2)
    policy["registries"] = [random_rule(chance, registry=chance.choice(REGISTRIES)) for _ in range(chance.randrange(3))]
    for name in ("always", "default"):
        if chance.random() < 0.5:
            policy[name] = random_rule(chance)
    if chance.random() < 0.05:
        policy["mode"] = "warn"
    return policy


def random_subject(chance: random.Random) -> Doc:
    """Facts of several rows; now and then one is not known, or such as nobody makes."""
    first, second, third = chance.choices(FACTS, k=3)
    subject = {name: chance.choice([first, first, second, third]).get(name) for name in TABLE["base"]}
    if chance.random() < 0.3:
        subject[chance.choice([name for name in subject if name not in ("name", "namespace")])] = None
    if chance.random() < 0.1:
        name = chance.choice(list(REFUSED))
        subject[name] = chance.choice(REFUSED[name])
    if first.get("unverified"):
        subject["unverified"] = first["unverified"]
    if second.get("unlisted") and chance.random() < 0.3:
        subject["unlisted"] = second["unlisted"]
    subject["at"] = chance.choice(STAGES)
    return {name: value for name, value in subject.items() if value is not None}


def test_the_naive_evaluator_knows_the_table() -> None:
    for row in ROWS:
        for stage in STAGES:
            facts = {key: value for key, value in row["subject"].items() if key != "overrides"}
            subject = {key: value for key, value in (TABLE["base"] | facts | {"at": stage}).items() if value is not None}
            expected = row.get("stages", {}).get(stage, row["verdict"])
            assert naive_decision(TABLE["policies"][row["policy"]], subject, row["subject"].get("overrides", [])) == expected, row
            assert subject_of(row, stage) == read_object(subject, Subject, where="row")


def test_random_policies_and_subjects() -> None:
    chance = random.Random(int(os.environ.get("POLICY_SEED", "11")))
    decided = {"allow": 0, "deny": 0}
    for _ in range(CASES // SUBJECTS):
        document = random_policy(chance)
        refused = is_refused(document)
        try:
            policy = parse_policy(json.dumps(document).encode(), where="p")
        except WasmOciError as err:
            assert refused, f"{err}\n{document}"
            continue
        assert not refused, document
        for _ in range(SUBJECTS):
            facts = random_subject(chance)
            known = [each["name"] for each in document.get("overrides", [])]
            overrides = known if chance.random() < 0.3 else []
            verdict = decide(policy, read_object(facts, Subject, where="s"), overrides)
            answer = "allow" if verdict.allowed else "deny"
            assert verdict.canonical()
            assert answer == naive_decision(document, facts, overrides), f"{document}\n{facts}\n{overrides}\n{list(verdict.lines())}"
            decided[answer] += 1
    assert min(decided.values()) > sum(decided.values()) / 20


def test_random_policies_together_deny_what_one_denies() -> None:
    chance = random.Random(int(os.environ.get("POLICY_SEED", "12")))
    decided = {True: 0, False: 0}
    for _ in range(CASES // SUBJECTS):
        first, second = random_policy(chance), random_policy(chance) | {"overrides": []}
        try:
            policies = [parse_policy(json.dumps(each).encode(), where="p") for each in (first, second)]
        except WasmOciError:
            continue
        overrides = [each["name"] for each in first.get("overrides", [])] if chance.random() < 0.3 else []
        for _ in range(SUBJECTS):
            subject = read_object(random_subject(chance), Subject, where="s")
            alone = [decide(policies[0], subject, overrides), decide(policies[1], subject)]
            denied = any(not verdict.allowed for verdict in alone)
            assert not (denied and decide(joined(policies), subject, overrides).allowed), f"{first}\n{second}\n{subject}\n{overrides}"
            decided[denied] += 1
    assert min(decided.values()) > 0
