"""The short form of policies: the cases that the tests of Starlark read too."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.errors import FormatError
from wasm_oci.policy.names import Glob, matches_component, parse_registry_name
from wasm_oci.policy.strings import policy_of_strings

_TREE = ast.parse((TESTDATA / "policy_strings.bzl").read_text(encoding="utf-8"))
CASES: dict[str, Any] = {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in _TREE.body if isinstance(node, ast.Assign)}


@pytest.mark.parametrize(("text", "expected"), CASES["GOOD_COMPONENT_POLICIES"].items())
def test_components(text: str, expected: tuple[str, str, list[str]]) -> None:
    (rule,) = policy_of_strings(default_signing_required=False, component_policies=[text]).components
    assert (rule.pattern, rule.signing, list(rule.keys or ())) == expected


@pytest.mark.parametrize(("text", "expected"), CASES["GOOD_REGISTRY_POLICIES"].items())
def test_registries(text: str, expected: tuple[str, str, list[str]]) -> None:
    (rule,) = policy_of_strings(default_signing_required=False, registry_policies=[text]).registries
    assert (rule.registry.text, rule.signing, list(rule.keys or ())) == expected


@pytest.mark.parametrize(
    ("member", "text", "start"),
    [
        (member, text, start)
        for member in ("component_policies", "registry_policies")
        for text, start in CASES[f"BAD_{member.upper()}"].items()
    ],
)
def test_refusals(member: str, text: str, start: str) -> None:
    """The error names the same entry and field as the rule's; where the case has its words, those too."""
    with pytest.raises(FormatError) as caught:
        policy_of_strings(
            default_signing_required=False,
            component_policies=["*|optional", text] if member == "component_policies" else (),
            registry_policies=["*|optional", text] if member == "registry_policies" else (),
            where="//:p",
        )
    assert str(caught.value).startswith(f"//:p: {member}[1]: {start}")


@pytest.mark.parametrize(("pattern", "path", "expected"), [(*key, value) for key, value in CASES["PATTERNS"].items()])
def test_patterns(pattern: str, path: str, *, expected: bool) -> None:
    assert matches_component(Glob(pattern), path.rpartition("/")[2], path) is expected


@pytest.mark.parametrize(("case", "expected"), CASES["REGISTRIES"].items())
def test_registries_of_rules(case: tuple[str, str, str, str], *, expected: bool) -> None:
    target, name, host, prefix = case
    rule = parse_registry_name(target, where="p")
    assert rule.matches(name, host, tuple(prefix.split("/")) if prefix else ()) is expected
