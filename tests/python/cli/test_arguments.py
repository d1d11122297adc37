"""What every option of every command has in common."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import Image
from fakes.program import Run
from instruments.registry import start
from wasm_oci.cli.common.arguments import make_parser
from wasm_oci.cli.main import main
from wasm_oci.cli.usage import COMMANDS

MAY_BE_EMPTY = {("keygen", "--comment"), ("trusted-keys", "--place"), ("image", "--description")}
"""Texts that name nothing, and the path of what a rule wrote."""


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for command in COMMANDS:
        module = importlib.import_module(f"wasm_oci.cli.commands.{command.replace('-', '_')}")
        parser = make_parser(command, module.DESCRIPTION)
        module.add_arguments(parser)
        yield command, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from ((f"{command} {name}", further) for name, further in action.choices.items())


OPTIONS = [
    (command, name)
    for command, parser in parsers()
    for action in parser._actions
    for name in action.option_strings
    if action.nargs != 0 and (command, name) not in MAY_BE_EMPTY
]
POSITIONALS = [
    command
    for command, parser in parsers()
    for action in parser._actions
    if not action.option_strings and not isinstance(action, argparse._SubParsersAction)
]


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=str)
def test_no_option_takes_an_empty_value(capsys: pytest.CaptureFixture[str], command: str, option: str) -> None:
    for value in ([option, ""], *([[f"{option}="]] if option.startswith("--") else [])):
        assert main([*command.split(), *value]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "the value is empty" in captured.err or "invalid choice: ''" in captured.err


@pytest.mark.parametrize("command", sorted(set(POSITIONALS)))
def test_no_name_is_empty(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([*command.split(), ""]) == 2
    error = capsys.readouterr().err
    assert "the value is empty" in error or "invalid choice: ''" in error


@pytest.mark.parametrize("flag", ["--tag", "--registry", "--namespace", "--movable-tag", "--signature-file"])
def test_an_empty_override_publishes_nothing(run: Run, images: tuple[Image, Image], tmp_path: Path, flag: str) -> None:
    with start() as registry:
        document = {"schema_version": 1, "layout": str(images[0].folder), "registry": registry.host, "repository": "hello", "tag": "latest"}
        (tmp_path / "request.json").write_text(json.dumps(document))
        ended = run("push", "--request", "request.json", flag, "")
        assert (ended.code, ended.is_one_clear_error, registry.requests) == (2, True, [])
        assert ended.err.startswith(f"wasm_oci: {flag}: the value is empty; ")


@pytest.mark.parametrize("member", ["tag", "repository"])
def test_an_empty_member_of_a_request_publishes_nothing(run: Run, images: tuple[Image, Image], tmp_path: Path, member: str) -> None:
    with start() as registry:
        document = {"schema_version": 1, "layout": str(images[0].folder), "registry": registry.host, "repository": "hello", "tag": "latest"}
        (tmp_path / "request.json").write_text(json.dumps(document | {member: ""}))
        ended = run("push", "--request", "request.json")
        assert (ended.code, ended.is_one_clear_error, registry.requests) == (2, True, [])


def test_a_text_that_names_nothing_may_be_empty(tmp_path: Path, images: tuple[Image, Image]) -> None:
    assert main(["keygen", "-k", str(tmp_path / "k"), "-K", str(tmp_path / "K"), "--comment", ""]) == 0
    (tmp_path / "x.wasm").write_bytes(images[0].wasm)
    assert main(["image", "-i", str(tmp_path / "x.wasm"), "-o", str(tmp_path / "layout"), "--description", ""]) == 0
