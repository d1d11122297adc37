"""How long decisions take: 10,000 of them, over 1,000 components in 10 registries with 200 rules."""

from __future__ import annotations

import time

from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.interfaces import Import
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Registry, Signer, Subject

MOST = 2.0
SLACK = 10
"""Machines of tests are slow and shared."""


def test_ten_thousand_decisions() -> None:
    component = "  - {{pattern: 'c{0}*', signing: required, keys: [k{0}], denied_imports: [{{interface: 'wasi:filesystem'}}]}}\n"
    text = "default: {signing: required}\nalways: {max_size: 1000}\ncomponents:\n" + "".join(component.format(n) for n in range(190))
    text += "registries:\n" + "".join(f"  - {{registry: r{n}, plain_http: denied}}\n" for n in range(10))
    policy = parse_policy(text.encode(), where="p")
    imports = tuple(Import(name=f"wasi:io/streams@0.2.{number}") for number in range(10))
    subjects = [
        Subject(
            name=f"c{component}-x",
            registry=Registry(name=f"r{registry}", host=f"h{registry}.io", plain_http=False),
            size=10,
            signers=(Signer(key_id=f"{component % 190}", names=(f"k{component % 190}",)),),
            imports=imports,
        )
        for component in range(1000)
        for registry in range(10)
    ]
    start = time.process_time()
    decided = [decide(policy, subject).allowed for subject in subjects]
    assert time.process_time() - start < MOST * SLACK
    assert set(decided) == {True, False}
