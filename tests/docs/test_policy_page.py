"""The examples on the page about policies are policies, and the page names every check and command."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from wasm_oci.policy.policy_types import REQUIREMENTS
from wasm_oci.policy.reader import parse_policy, parse_policy_file
from wasm_oci.policy.review.lint import Surroundings, lint
from wasm_oci.policy.subject import Stage

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_policy_without_mistakes(text: str) -> None:
    parse_policy(text.encode(), where="p")
    assert lint(parse_policy_file(text.encode(), where="p"), Surroundings(time=datetime(2027, 1, 1, tzinfo=UTC))) == ()


def test_every_step_and_requirement_is_described() -> None:
    members = (DOCS / "policy-members.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) > 2
    assert [name for name in REQUIREMENTS if f"| `{name}` |" not in members] == []
    assert [stage for stage in get_args(Stage) if stage not in PAGE] == []
