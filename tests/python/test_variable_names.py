"""Names of variables and what is more likely a secret: the cases that the tests of Starlark read too."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.errors import UsageError
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.registry.credentials import AuthSetting
from wasm_oci.variable_names import is_variable_name


def _table(name: str) -> list[str]:
    tree = ast.parse((TESTDATA / "variable_names.bzl").read_text(encoding="utf-8"))
    (value,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name]
    return list(ast.literal_eval(value))


@pytest.mark.parametrize("name", _table("VARIABLE_NAMES"))
def test_names(name: str) -> None:
    assert is_variable_name(name)
    assert KeySource(kind="env", ref=name).ref == name
    AuthSetting(kind="env", variable=name, entry="github").check()


@pytest.mark.parametrize("text", _table("NOT_VARIABLE_NAMES"))
def test_what_is_none_is_refused_and_not_shown(text: str) -> None:
    assert not is_variable_name(text)
    basic = {"password_variable": text, "username": "me", "kind": "basic"}
    members: tuple[dict[str, Any], ...] = (basic, {"variable": text, "kind": "token"})
    with pytest.raises(UsageError) as key:
        KeySource(kind="env", ref=text)
    with pytest.raises(UsageError) as passphrase:
        PassphraseSource(variable=text)
    errors = [key.value, passphrase.value]
    for setting in members if text else ():
        with pytest.raises(UsageError, match="is not the name of a variable") as caught:
            AuthSetting(**setting, entry="github").check()
        errors.append(caught.value)
    assert not any(len(text) > 3 and text in str(error) for error in errors)
