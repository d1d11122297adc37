"""Registry strings: the cases that the tests of Starlark read too."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.errors import FormatError
from wasm_oci.registry_config.config_file import parse_registry_config
from wasm_oci.registry_config.registry_string import parse_registry_string

_TREE = ast.parse((TESTDATA / "registry_strings.bzl").read_text(encoding="utf-8"))
CASES: dict[str, Any] = {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in _TREE.body if isinstance(node, ast.Assign)}


@pytest.mark.parametrize(("text", "fields"), CASES["GOOD_STRINGS"].items())
def test_entries(text: str, fields: dict[str, str]) -> None:
    entry = parse_registry_string(text)
    for name, value in fields.items():
        assert getattr(entry, name, None) == value or getattr(entry.auth, name, None) == value, name


@pytest.mark.parametrize(("text", "start"), CASES["BAD_STRINGS"].items())
def test_refusals(text: str, start: str) -> None:
    """The error names the same field as the rule's; where the case has its words, those too."""
    with pytest.raises(FormatError) as raised:
        parse_registry_string(text)
    assert str(raised.value).startswith(start)


@pytest.mark.parametrize("text", CASES["LITERAL_SECRETS"])
def test_no_refusal_repeats_a_secret(text: str) -> None:
    with pytest.raises(FormatError) as raised:
        parse_registry_config(f"registries: ['{text}']".encode(), where="r.yaml")
    assert str(raised.value).startswith("r.yaml: registries[0]")
    assert CASES["SECRET"] not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("n|10.0.0.5:5000|oci", "10.0.0.5:5000"),
        ("n|http://10.0.0.5:5000|oci", "10.0.0.5:5000"),
        ("n|http://localhost:5000|oci", "http://localhost:5000"),
        ("n|http://registry:5000/p|oci", "registry:5000"),
        ("n|https://registry:5001|oci", "https://registry:5001"),
    ],
)
def test_hosts_of_plain_http(text: str, host: str) -> None:
    assert parse_registry_string(text, ["registry:5000", "10.0.0.5"]).host == host


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n|http://other:5000|oci", "add it to plain_http"),
        ("n|http://registry:5001|oci", "add it to plain_http"),
        ("n|https://registry:5000|oci", "remove https://"),
    ],
)
def test_hosts_that_plain_http_contradicts(text: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        parse_registry_string(text, ["registry:5000", "10.0.0.5"])
