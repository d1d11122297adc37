"""Errors of build actions name files as the rules say, not by paths of an execution root."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main, run_line

COMPONENT = TESTDATA / "hello_component.wasm"
LABEL = "component = //pkg:hello (hello.wasm)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "bazel-out" / "bin" / "pkg"
    found.mkdir(parents=True)
    shutil.copy(COMPONENT, found / "hello.wasm")
    (found / "broken.wasm").write_bytes(COMPONENT.read_bytes()[:-2])
    (found / "text.wasm").write_bytes(b"no wasm at all")
    monkeypatch.chdir(tmp_path)
    for name in ("key", "other"):
        assert main(["keygen", "-q", "-k", str(found / f"{name}.secret"), "-K", str(found / f"{name}.public")]) == 0
    return found


def shown(**names: str) -> list[str]:
    """The pairs for files of the folder, whose names have `_` for each dot."""
    pairs = [(f"--shown-as={text}", f"--shown-file=bazel-out/bin/pkg/{name.replace('_', '.')}") for name, text in names.items()]
    return [argument for pair in pairs for argument in pair]


def error_of(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    assert run_line([argument.replace("PKG", "bazel-out/bin/pkg") for argument in line]) != 0
    error = capsys.readouterr().err
    assert "bazel-out" not in error
    return error


@pytest.mark.parametrize(
    "line",
    [
        ("sign", "-o", "out.wasm", "-k", "PKG/key.secret", "-K", "PKG/key.public"),
        ("verify", "-K", "PKG/key.public", "--report", "report.json"),
        ("split", "-o", "out.wasm", "--split-regex=x"),
        ("normalise", "-o", "out.wasm"),
        ("detach", "-o", "out.wasm", "-S", "out.sig"),
        ("image", "-o", "layout"),
    ],
    ids=lambda line: str(line[0]),
)
def test_the_input_is_named_by_its_attribute(line: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, *line, "-i", "PKG/text.wasm", *shown(text_wasm=LABEL))
    assert error.startswith(f"wasm_oci: {LABEL}: ")


def test_the_words_of_wasm_tools_name_it_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = folder / "wasm-tools"
    program.write_text('#!/bin/sh\necho "failed to parse $2" >&2\nexit 1\n')
    program.chmod(0o755)
    line = ("wasm-tools", "validate", "--program", "PKG/wasm-tools", "-i", "PKG/broken.wasm", "-o", "marker")
    error = error_of(capsys, *line, *shown(broken_wasm=LABEL))
    assert error == f"wasm_oci: {LABEL}: wasm-tools validate refuses it: failed to parse {LABEL}\n"


def test_each_key_has_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    line = ("sign", "-i", "PKG/hello.wasm", "-o", "out.wasm", "-k", "PKG/key.secret", "-K", "PKG/other.public")
    names = shown(key_secret="secret_key = //pkg:a", other_public="public_key = //pkg:b", hello_wasm=LABEL)
    assert error_of(capsys, *line, *names).startswith("wasm_oci: secret_key = //pkg:a: ")


def test_a_longer_path_keeps_its_own_name(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    shutil.copy(folder / "text.wasm", folder / "text.wasm.wasm")
    names = ["--shown-as=short", "--shown-file=bazel-out/bin/pkg/text.wasm", *shown(text_wasm_wasm=LABEL)]
    assert error_of(capsys, "normalise", "-i", "PKG/text.wasm.wasm", "-o", "out.wasm", *names).startswith(f"wasm_oci: {LABEL}: ")


def test_a_name_without_a_file_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_line(["normalise", "--shown-as=x", "-i", "a", "-o", "b"]) == 2
    assert "give each --shown-file its --shown-as" in capsys.readouterr().err


def test_users_do_not_type_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["normalise", "--shown-as=x", "--shown-file=a", "-i", "a", "-o", "b"]) == 2
    assert "unrecognised option --shown-as" in capsys.readouterr().err
