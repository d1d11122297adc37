"""The table of decisions, at build, publish and pull."""

from __future__ import annotations

from collections import Counter

import pytest

from policy.table import ROWS, STAGES, TABLE, policy_of, subject_of, verdict_of
from wasm_oci.policy.documents import document_of
from wasm_oci.policy.subject import Subject
from wasm_oci.shape import read_object


@pytest.mark.parametrize("name", TABLE["policies"])
def test_decisions(name: str) -> None:
    policy = policy_of(name)
    problems = []
    for row in (row for row in ROWS if row["policy"] == name):
        for stage in STAGES:
            verdict = verdict_of(policy, row, stage)
            expected = row.get("stages", {}).get(stage, row["verdict"])
            check = verdict.denials[0].finding.check if verdict.denials else ""
            found = ("allow" if verdict.allowed else "deny", verdict.decided_by, check)
            rule, denied_by = (row["rule"], row.get("check", "")) if expected == row["verdict"] else (verdict.decided_by, "")
            wanted = (expected, rule, denied_by)
            if found != wanted:
                problems.append(f"{stage}: expected {wanted}, found {found}: {row}")
    assert problems == []


def test_the_table_is_large_and_each_row_has_its_reason() -> None:
    assert len(ROWS) >= 400
    assert all(row["why"] and row["rule"] and row["verdict"] in ("allow", "deny") for row in ROWS)
    assert all((row["verdict"] == "deny") == bool(row.get("check")) for row in ROWS)
    assert {row["policy"] for row in ROWS} == set(TABLE["policies"])
    counts = Counter(row["verdict"] for row in ROWS)
    assert min(counts.values()) > 100
    rows = [str(row["subject"]) + row["policy"] for row in ROWS]
    assert len(rows) == len(set(rows)), [row for row, count in Counter(rows).items() if count > 1]


def test_a_denial_says_what_why_where_and_what_to_change() -> None:
    for row in ROWS:
        verdict = verdict_of(policy_of(row["policy"]), row, "publish")
        for each in verdict.denials:
            assert each.finding.what
            assert each.finding.change
            assert each.finding.fact in {*Subject.__dataclass_fields__}
            assert (each.rule is None) == (each.finding.check == "no_rule")
            assert each.rule is None or each.rule.place.startswith(row["policy"])
        if not verdict.allowed:
            assert verdict.change


def test_a_subject_is_read_back_from_its_document() -> None:
    for row in ROWS:
        subject = subject_of(row, "pull")
        assert read_object(document_of(subject), Subject, where="again") == subject


def test_the_same_decision_has_the_same_bytes() -> None:
    for row in ROWS[::20]:
        first, second = (verdict_of(policy_of(row["policy"]), row, "publish").canonical() for _ in range(2))
        assert first == second
