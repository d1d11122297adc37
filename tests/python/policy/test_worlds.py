"""Worlds of WASI that a component targets, by the names and versions of its imports and exports."""

from __future__ import annotations

import pytest

from wasm_oci.policy.interfaces import Import
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Subject
from wasm_oci.policy_facts.world_facts import with_worlds

COMMAND = "wasi:cli/command@0.2.3"
PROXY = "wasi:http/proxy@0.2.3"
RUN = Import(name="wasi:cli/run@0.2.0")
HANDLER = Import(name="wasi:http/incoming-handler@0.2.3")


def worlds(
    imports: list[Import], exports: list[Import], *, asked: tuple[str, ...] = (COMMAND, PROXY), unlisted: tuple[str, ...] = ()
) -> object:
    policy = parse_policy(f"default: {{worlds: {list(asked)}}}".encode(), where="p")
    subject = Subject(name="a", imports=tuple(imports), exports=tuple(exports), unlisted=unlisted)
    return with_worlds(policy, subject).worlds


@pytest.mark.parametrize(
    ("imports", "exports", "expected"),
    [
        (["wasi:cli/stdout@0.2.0", "wasi:filesystem/types@0.2.3"], [RUN], (COMMAND,)),
        (["wasi:cli/stdout@0.2.0"], [HANDLER], (PROXY,)),
        (["wasi:cli/stdout@0.2.0"], [RUN, HANDLER], (COMMAND, PROXY)),
        ([], [RUN], (COMMAND,)),
        (["wasi:cli/stdout@0.2.4"], [RUN], ()),
        (["wasi:cli/stdout@0.3.0"], [RUN], ()),
        (["wasi:cli/stdout"], [RUN], ()),
        (["wasi:filesystem/types@0.2.0"], [HANDLER], ()),
        (["my:own/thing@0.2.0"], [RUN], ()),
        (["storage"], [RUN], ()),
        (["wasi:cli/stdout@0.2.0"], [], ()),
        (["wasi:cli/stdout@0.2.0"], [Import(name="wasi:cli/run")], ()),
        (["wasi:cli/stdout@0.2.0"], [Import(name="wasi:cli/run@0.3.0")], ()),
    ],
)
def test_by_imports_and_exports(imports: list[str], exports: list[Import], expected: tuple[str, ...]) -> None:
    assert worlds([Import(name=name) for name in imports], exports) == expected


def test_what_a_plain_name_implements_counts() -> None:
    assert worlds([Import(name="out", interface="wasi:cli/stdout@0.2.0")], [RUN]) == (COMMAND,)
    assert worlds([Import(name="wasi:cli/stdout@0.2.0", interface="my:own/thing@0.2.0")], [RUN]) == ()


def test_what_is_nested_does_not_count_and_a_core_module_targets_none() -> None:
    assert worlds([Import(name="env/a", core=True, inside="0")], [RUN]) == (COMMAND,)
    assert worlds([Import(name="wasi:cli/stdout@0.2.0", core=True)], [RUN]) == ()


def test_what_is_not_known_stays_so() -> None:
    assert worlds([], [RUN], asked=("my:own/world@1.0.0", "wasi:cli/command@0.3.0")) is None
    assert worlds([], [RUN], unlisted=("a section",)) is None
    policy = parse_policy(b"default: {worlds: ['wasi:cli/command@0.2.0']}", where="p")
    assert with_worlds(policy, Subject(name="a")).worlds is None
    assert with_worlds(policy, Subject(name="a", imports=(), exports=(RUN,), worlds=())).worlds == ()
