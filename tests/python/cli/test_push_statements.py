"""`wasm_oci push` under policies that require statements: which are made, with which keys, and which that travel along count."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import component, layout_of
from fakes.program import Ended, Run, request_file, writes
from fakes.release_files import entry
from fakes.signing import P256_PEM, P256_SECRET
from fakes.statements import VERDICT
from instruments.registry import RunningRegistry
from wasm_oci.oci.target import layout_target
from wasm_oci.trust.predicate_types import SIGN, VSA

Push = Callable[..., Ended]

PROGRAM = """#!{python}
import sys
sys.path[:0] = {path}
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

open({calls!r}, "a").write("called")
key = load_pem_private_key(open({secret!r}, "rb").read(), None)
sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read(), ECDSA(SHA256())))
"""
"""Signs as many devices do: ECDSA with a random number, so that no two signatures are equal."""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A signing program with a P-256 key, and the file that says how often it was called."""
    (tmp_path / "p256.public").write_text(P256_PEM)
    (tmp_path / "p256.secret").write_bytes(P256_SECRET)
    program, log = tmp_path / "sign", tmp_path / "calls"
    program.write_text(PROGRAM.format(python=sys.executable, path=sys.path, calls=str(log), secret=str(tmp_path / "p256.secret")))
    program.chmod(0o755)
    return log


@pytest.fixture
def push(run: Run, registry: RunningRegistry, tmp_path: Path, calls: Path) -> Push:
    """Publishes an unsigned component under a policy, with the program as the key of statements."""
    image = layout_of(tmp_path / "layout", component())
    key = {"public_key": str(tmp_path / "p256.public"), "source": {"kind": "command", "ref": str(calls.parent / "sign")}}

    def pushed(policy: str, **change: Any) -> Ended:
        (tmp_path / "p.yaml").write_text(policy)
        members = {
            "registries": [entry("here", registry)],
            "signature": None,
            "policies": [str(tmp_path / "p.yaml")],
            "policy_keys": [{"name": "statements", "public_key": str(tmp_path / "p256.public")}],
            "statement_keys": [key],
        }
        return run("push", "--request", request_file(tmp_path, image, **(members | change)))

    return pushed


def requires(kind: str, *more: str) -> str:
    return "\n".join([f"always:\n  statements: [{{predicate_type: {kind}, keys: [statements]}}]", *more])


def test_a_key_that_signs_in_another_way_each_time_signs_once(push: Push, registry: RunningRegistry, calls: Path) -> None:
    """An unchanged artifact needs no write."""
    assert push(requires(SIGN)).code == 0
    sent, called = writes(registry), calls.read_text()
    again = push(requires(SIGN))
    assert (again.code, writes(registry), calls.read_text()) == (0, sent, called), again.err
    assert "Unchanged" in again.out


def test_nothing_is_signed_for_what_is_denied(push: Push, registry: RunningRegistry, calls: Path) -> None:
    ended = push(requires(SIGN, "  max_size: 1"))
    assert (ended.code, writes(registry), calls.exists()) == (3, [], False), ended.err


def test_the_keys_of_statements_have_to_be_where_the_policy_says(push: Push, registry: RunningRegistry, calls: Path) -> None:
    ended = push(requires(SIGN, "  key_sources: [keychain]"))
    assert (ended.code, writes(registry), calls.exists()) == (3, [], False)
    assert "a signing key is from command" in ended.err


@pytest.mark.parametrize("result", ["PASSED", "FAILED"])
def test_a_verdict_that_travels_along_counts_if_it_allows(
    push: Push, run: Run, registry: RunningRegistry, tmp_path: Path, result: str
) -> None:
    (tmp_path / "predicate.json").write_text(json.dumps(VERDICT | {"verificationResult": result}))
    target = layout_target(f"oci:{tmp_path / 'layout'}")
    assert target is not None
    options = ("--predicate-type", "vsa", "--predicate", tmp_path / "predicate.json", "-k", tmp_path / "p256.secret")
    assert run("attest", f"oci:{tmp_path / 'layout'}@{target.fetch().descriptor.digest}", *options).code == 0
    ended = push(requires(VSA), statement_keys=[])
    assert ended.code == (0 if result == "PASSED" else 3), ended.err
    assert result == "PASSED" or ("its verdict is FAILED" in ended.err and writes(registry) == [])
