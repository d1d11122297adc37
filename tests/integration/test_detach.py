"""A signature taken out of a component by a rule and put back by another: the same bytes, and each half verifies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HERE = Path("tests/integration")


def content(name: str) -> bytes:
    return (HERE / name).read_bytes()


def test_there_and_back() -> None:
    assert content("together_again_signed.wasm") == content("embedded_signed.wasm")
    assert content("put_together_signed.wasm") == content("embedded_signed.wasm")
    assert content("taken_apart_detached.wasm") == content("apart_signed.wasm")
    assert content("taken_apart_signature.sig") == content("apart_signature.sig")


@pytest.mark.parametrize(("name", "kind"), [("put_together", "embedded"), ("taken_apart", "detached"), ("together_again", "embedded")])
def test_each_verifies(name: str, kind: str) -> None:
    report = json.loads(content(f"{name}_verified_verification.json"))
    assert (report["verified"], report["signature"]) == (True, kind)
