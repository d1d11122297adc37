"""Lists of trusted keys in a build: what they become, and what builds and tests accept by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from peers import call

HERE = Path("tests/integration")


def listed(name: str) -> dict[str, dict[str, Any]]:
    """The keys of a list, by name."""
    document = json.loads((HERE / f"trust_{name}_trusted_keys.json").read_text())
    return {key["name"]: key for key in document["keys"]}


def report(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((HERE / f"trusted_{name}_verified_verification.json").read_text())
    return document


def test_keys_of_a_build_are_marked_in_both_kinds_of_list() -> None:
    assert {name: key["development"] for name, key in listed("both").items()} == {"first": True, "second": True}
    assert listed("both")["first"]["comment"] == "compact"
    first = listed("first_until_2020")["first"]
    assert (first["development"], first["not_after"]) == (True, "2020-12-31T23:59:59Z")
    assert first["public_key"] == listed("both")["first"]["public_key"]
    assert listed("second_not_before_2999")["second"]["not_before"] == "2999-01-01T00:00:00Z"
    assert listed("revoked")["second"]["revoked"] is True


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("both", ["first", "second"]),
        ("first_until_2020", ["first"]),
        ("second_not_before_2999", ["second"]),
        ("revoked", ["first"]),
    ],
)
def test_a_build_ignores_time_but_not_revocation(name: str, keys: list[str]) -> None:
    assert report(name)["keyNames"] == keys
    assert report(name)["parts"] > 1


@pytest.mark.parametrize(
    ("name", "at", "code", "words"),
    [
        ("both", [], 0, "signed with keys first ("),
        ("first_until_2020", [], 4, "key first expired after 2020-12-31T23:59:59Z; no other trusted key signed it"),
        ("first_until_2020", ["--at=2020-12-31"], 0, "signed with key first ("),
        ("second_not_before_2999", [], 4, "key second is not valid before 2999-01-01T00:00:00Z"),
        ("second_not_before_2999", ["--at=2999-01-01"], 0, "signed with key second ("),
        ("revoked", [], 4, "1 of the 2 required trusted keys signed it: first ("),
    ],
)
def test_a_test_looks_at_the_time(name: str, at: list[str], code: int, words: str) -> None:
    done = call(HERE / f"trusted_{name}_run_launcher.sh", *at)
    assert done.code == code
    assert words in done.stdout + done.stderr


def test_a_request_leaves_nothing_else_to_say() -> None:
    done = call(HERE / "trusted_both_run_launcher.sh", "--threshold=1", "other.wasm")
    assert done.code == 2
    assert "does not go with --request" in done.stderr
