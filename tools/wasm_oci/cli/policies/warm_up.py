"""Decides once in the worker, before it forks."""

from __future__ import annotations

from wasm_oci.cli.policies.judging import JudgedFacts
from wasm_oci.jsontext import pretty
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.interfaces import Import
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Registry, Signer, Subject
from wasm_oci.shape import read_request_bytes

_POLICY = b"""{
"components": [{"pattern": "*", "denied_imports": [{"interface": "wasi:sockets", "at_least": "0.2"}]}],
"registries": [{"registry": "ghcr.io", "plain_http": "denied"}],
"always": [{"allowed_imports": [{"interface": "wasi:*"}], "tags": {"semver": true}}],
"default": [{"signing": "required", "keys": ["key"], "signature_types": ["embedded"]}]
}"""
_FACTS = (
    b'{"schema_version": 1, "target": "//:a", "name": "a", "tags": ["1"], "keys": [{"name": "a", "label": "//:a", "development": true}]}'
)
_SUBJECT = Subject(
    name="a",
    at="build",
    registry=Registry(name="github", host="ghcr.io"),
    tags=("1.0.0",),
    signers=(Signer(key_id="0", names=("key",)),),
    imports=(Import(name="wasi:cli/stdout@0.2.0"), Import(name="env/a", core=True, inside="0")),
)


def warm_up() -> None:
    """What types and names mean is found out at their first use, which each child would otherwise repeat."""
    read_request_bytes(_FACTS, JudgedFacts, where="warm-up")
    pretty(decide(parse_policy(_POLICY, where="warm-up"), _SUBJECT).to_json())
