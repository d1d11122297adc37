"""The WWW-Authenticate header."""

from __future__ import annotations

import random

import pytest

from wasm_oci.registry.challenge import parse_challenges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://auth/token?a=1,2",service="s",scope="repository:a/b:pull,push"',
            [("bearer", {"realm": "https://auth/token?a=1,2", "service": "s", "scope": "repository:a/b:pull,push"})],
        ),
        ('bEARER Realm="r" ,  SERVICE=s', [("bearer", {"realm": "r", "service": "s"})]),
        ('Basic realm="x, y", Bearer realm="z"', [("basic", {"realm": "x, y"}), ("bearer", {"realm": "z"})]),
        ('Negotiate abc==, Basic realm="z"', [("negotiate", {}), ("basic", {"realm": "z"})]),
        ('Negotiate, NTLM, Bearer realm="z"', [("negotiate", {}), ("ntlm", {}), ("bearer", {"realm": "z"})]),
        (r'Basic realm="say \"hi\" \\"', [("basic", {"realm": 'say "hi" \\'})]),
        ('Bearer realm="first", realm="second"', [("bearer", {"realm": "first"})]),
        (",, Basic", [("basic", {})]),
        ("", []),
        ("=", []),
        ('realm="no scheme"', []),
    ],
)
def test_challenges(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges(header)] == expected


def test_no_header_is_a_crash() -> None:
    dice = random.Random(6)
    for _ in range(3000):
        header = "".join(dice.choice('Bearer=",\\ \trealm;:é\0') for _ in range(dice.randrange(40)))
        for challenge in parse_challenges(header):
            assert challenge.scheme == challenge.scheme.lower()
