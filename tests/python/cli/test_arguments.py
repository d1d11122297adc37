"""What every option of every command has in common."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import Image
from fakes.program import Run, tag_of
from instruments.registry import start
from wasm_oci.cli.common.arguments import make_parser
from wasm_oci.cli.main import main
from wasm_oci.cli.usage import COMMANDS, RUN_TARGETS

MAY_BE_EMPTY = {
    ("keygen", "--comment"),
    ("trusted-keys", "--place"),
    ("policy compile", "--place"),
    ("image", "--description"),
    ("metadata map", "--description"),
}
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


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("push --request x --tga v1", "unrecognised option --tga; did you mean --tag?"),
        ("push --request x --tga=v1", "unrecognised option --tga; did you mean --tag?"),
        ("verify -K k --threshhold 2 x.wasm", "unrecognised option --threshhold; did you mean --threshold?"),
        ("pull a/b --output-fiel x", "unrecognised option --output-fiel; did you mean --output-file?"),
        ("key show --passphrase-fil x", "unrecognised option --passphrase-fil; did you mean --passphrase-file?"),
        ("inspect --zzz x", "unrecognised option --zzz; see wasm_oci inspect --help"),
        ("inspect -z x", "unrecognised option -z; see wasm_oci inspect --help"),
        ("inspect x y", "unexpected argument 'y'"),
        ("pull x", "the following arguments are required: -o/--output-file"),
        ("verify -K", "-K/--public-key: expected one argument; see wasm_oci verify --help"),
        ("verify --threshold many x", "--threshold: invalid int value: 'many'"),
        ("auth localhost:5000/hello", "invalid choice: 'localhost:5000/hello'; use check; see wasm_oci auth --help"),
        ("verify --output yaml x", "--output: invalid choice: 'yaml'; use one of text, json; see wasm_oci verify --help"),
        ("push localhost:5000/hello:1 ./layout", "the layout comes first; write wasm_oci push ./layout localhost:5000/hello:1"),
        ("pusj x", "unknown command 'pusj'; did you mean push?"),
        ("zzz", "unknown command 'zzz'; the commands are keygen, "),
        ("push --passphrase=s3cret", "unrecognised option --passphrase; did you mean --passphrase-"),
    ],
)
def test_what_cannot_be_parsed_is_one_line_with_a_remedy(capsys: pytest.CaptureFixture[str], line: str, words: str) -> None:
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), words in err, "s3cret" in err) == ("", 1, True, False), err
    assert err.startswith("wasm_oci: ")


def test_an_error_of_the_command_line_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (["--output", "json"], ["--output=json"]):
        assert main(["push", "--tga", "x", *flags]) == 2
        document = json.loads(capsys.readouterr().out)
        assert document["error"]["hint"] == "did you mean --tag?"


ONCE = [("push", "--namespace"), ("push", "--signature-file"), ("verify", "-i"), ("pull", "--trusted-keys"), ("image", "--tag")]


@pytest.mark.parametrize(("command", "option"), ONCE)
def test_no_value_replaces_another_in_silence(capsys: pytest.CaptureFixture[str], command: str, option: str) -> None:
    assert main([command, option, "a", option, "b"]) == 2
    assert f"{option}: the option is given twice, and takes one value; keep one of them" in capsys.readouterr().err


@pytest.mark.parametrize("extra", [[], ["latest", "1.0"]])
def test_all_tags_that_are_named_are_published(run: Run, images: tuple[Image, Image], tmp_path: Path, extra: list[str]) -> None:
    document = {"schema_version": 1, "layout": str(images[0].folder), "repository": "hello", "tag": "main", "extra_tags": extra}
    for arguments, tags in (([], ["main"]), (["--tag", "a"], ["a"]), (["--tag", "a", "--tag", "b", "--tag", "a"], ["a", "b"])):
        with start() as registry:
            (tmp_path / "request.json").write_text(json.dumps(document | {"registry": registry.host}))
            ended = run("push", "--request", "request.json", *arguments, "--output", "json")
            assert ended.code == 0, ended.err
            assert ended.document["tagged"] == f"{registry.host}/hello:{tags[0]}"
            assert [tag_of(registry, "hello", tag) for tag in [*tags, *extra]] == [images[0].digest] * len(tags + extra)
            assert (tag_of(registry, "hello", "main") is None) == bool(arguments)


def test_a_wrong_tag_says_where(run: Run, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    ended = run("push", "--request", "request.json", "--tag", "v1", "--tag", "v 2")
    assert ended.err.startswith("wasm_oci: --tag: 'v 2' is not a tag; ")


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", ["push", "sign", "keygen"])
def test_a_run_target_shows_its_own_help(run: Run, tmp_path: Path, command: str, flag: str) -> None:
    (tmp_path / "request.json").write_text(json.dumps({"target": "//hello:publish\x1b[31m"} if command == "push" else {}))
    for path in ("request.json", "absent.json"):
        ended = run(command, "--request", path, flag)
        named = command == "push" and path == "request.json"
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(f"usage: bazel run {'//hello:publish' + chr(92) + 'x1b[31m' if named else 'TARGET'} -- [-h]")
        assert "--request" not in ended.out
        assert "positional" not in ended.out
    assert run(command, "--request", "request.json", flag, "-q").code == 2
    assert run("verify", "--request", "request.json", flag).code == 2


@pytest.mark.parametrize("command", RUN_TARGETS)
def test_the_help_of_a_run_target_names_what_goes_beside_its_request(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "request.json").write_text("{}")
    shown = run(command, "--request", "request.json", "--help").out.partition("\noptions:\n")[2]
    (parser,) = (parser for name, parser in parsers() if name == command)
    for action in parser._actions:
        option = action.option_strings[-1] if action.option_strings else ""
        if option.startswith("--") and option not in ("--help", "--request", "--output", "--verbose", "--quiet"):
            value = [] if action.nargs == 0 else [action.choices[-1] if isinstance(action.choices, tuple) else "1"]
            needed = ["--output-dir", "keys"] if command == "keygen" and option != "--output-dir" else []
            ended = run(command, "--request", "request.json", *needed, option, *value)
            assert ("go with --request" in ended.err) == (f" {option}" not in shown), option


def test_verbose_may_stand_after_the_command(run: Run, images: tuple[Image, Image], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with start() as registry:
        for line in (["push", "-v"], ["push", "--verbose"], ["-v", "push"]):
            assert run(*line, images[0].folder, f"{registry.host}/library/hello:v1", "--dry-run").code == 0
    assert run("key", "show", "-v", "/nowhere").code == 2
