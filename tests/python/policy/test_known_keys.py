"""What is known of a key that several sources name: each may only add to why it does not count."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from fakes.artifacts import public
from wasm_oci.errors import UsageError
from wasm_oci.policy_facts.known_keys import KnownKey, KnownKeys

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([{"not_before": EARLY}, {"not_before": LATE}, {}], {"not_before": LATE}),
        ([{"not_after": EARLY}, {"not_after": LATE}, {}], {"not_after": EARLY}),
        ([{"revoked": True}, {}], {"revoked": True}),
        ([{"development": True}, {}], {"development": True}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_key_is_valid_where_all_sources_say_so(sources: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    for order in permutations(sources):
        known = KnownKeys.of(KnownKey(public=public(1), **each) for each in order)
        signer = known.signer(public(1), "detached")
        assert {name: getattr(signer, name) for name in expected} == expected


def test_it_has_the_names_of_all_sources() -> None:
    known = KnownKeys.of([KnownKey(public=public(1), names=("release", "//:key")), KnownKey(public=public(1), names=("release", "r"))])
    assert known.signer(public(1), "embedded").names == ("release", "//:key", "r")


def test_a_name_is_of_one_key_and_that_of_a_file_gives_way() -> None:
    named = KnownKey(public=public(1), names=("key",))
    with pytest.raises(UsageError, match="two keys are called key"):
        KnownKeys.of([named, KnownKey(public=public(2), names=("key",))])
    known = KnownKeys.of([named, KnownKey(public=public(2), names=("key", "/a/key.public"), by_file=True)])
    assert known.signer(public(2), "embedded").names == ("/a/key.public",)
