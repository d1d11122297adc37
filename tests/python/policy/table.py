"""The table of decisions: policies, facts, and what is decided."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.model import Policy
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Subject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.shape import read_object

TABLE: dict[str, Any] = yaml.load((Path(__file__).parent / "decisions.yaml").read_bytes(), Loader=yaml.CSafeLoader)
ROWS = TABLE["rows"]
STAGES = ("build", "publish", "pull")


@cache
def policy_of(name: str) -> Policy:
    return parse_policy(yaml.safe_dump(TABLE["policies"][name], sort_keys=False).encode(), where=name)


def subject_of(row: dict[str, Any], stage: str) -> Subject:
    facts = {name: value for name, value in row["subject"].items() if name != "overrides"}
    return read_object(TABLE["base"] | facts | {"at": stage}, Subject, where="row")


def verdict_of(policy: Policy, row: dict[str, Any], stage: str) -> Verdict:
    return decide(policy, subject_of(row, stage), row["subject"].get("overrides", ()))
