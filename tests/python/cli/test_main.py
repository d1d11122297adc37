"""The program around its commands: what stdout takes, arguments from a file, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.signing import K1, M
from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main
from wasm_oci.limits import LIMITS

WASM = str(TESTDATA / "kinds_component.wasm")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PROGRAM = [sys.executable, "-m", "wasm_oci.cli.program"]


@pytest.mark.parametrize("line", [["inspect", WASM], ["inspect", WASM, "--output", "json"], ["--help"]])
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_stdout_that_takes_nothing(line: list[str], target: str) -> None:
    shell = ["sh", "-c", f'"$@" {target}', "sh", *PROGRAM, *line]
    done = subprocess.run(shell, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("wasm_oci: ")
    assert "cannot write the result" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("line", [["verify"], ["key", "show"], ["key"], []], ids=" ".join)
@pytest.mark.parametrize("text", ["--\x1b[31m", "--a\nwasm_oci: verified", "--\u202e", "\x1b[31m"])
def test_errors_about_arguments_are_escaped(capsys: pytest.CaptureFixture[str], line: list[str], text: str) -> None:
    assert main([*line, text]) == 2
    error = capsys.readouterr().err.rstrip("\n").split("\n")[-1]
    assert error.isprintable()
    assert error.startswith("wasm_oci")


@pytest.mark.parametrize(("arguments", "code"), [(["inspect", WASM], 0), (["push", "nothing", "localhost:1/a:b"], 2)])
def test_a_reader_that_leaves_changes_no_exit_code(arguments: list[str], code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False)
    os.close(writer)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_path_that_is_not_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wasm")
    assert main(["inspect", path, "--output", "json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["where"] == path
    assert captured.err == f"wasm_oci: {tmp_path}/\\udcff.wasm: no such file or folder; check the path\n"
    Path(path).write_bytes(Path(WASM).read_bytes())
    assert main(["inspect", path]) == 0
    assert "\\udcff.wasm" in capsys.readouterr().out


def test_arguments_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = tmp_path / "a b.params"
    for end in ("\n", "\r\n", ""):
        params.write_text(f"--output{end or chr(10)}json{end or chr(10)}{WASM}{end}", newline="")
        assert main(["inspect", f"@{params}"]) == 0
        assert json.loads(capsys.readouterr().out)["type"] == "wasm"


def test_a_line_names_no_further_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "params").write_text(f"@{tmp_path}/secret\n")
    assert main(["inspect", f"@{tmp_path}/params"]) == 2
    assert "s3cret" not in capsys.readouterr().err


@pytest.mark.parametrize("line", [["@a.wasm"], ["--", "@a.wasm"], ["@b", "z.wasm"], ["--", "@b"], ["-q", "--", "z.wasm", "@b"]])
def test_names_that_a_shell_lists_are_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key").write_bytes(K1.public.compact())
    for name in ("a.wasm", "b"):
        Path(name).write_text("--help\n")
    for name in ("@a.wasm", "z.wasm"):
        Path(name).write_bytes(M)
    names = [name for name in line if name.endswith(("wasm", "b"))]
    assert main(["verify", "-K", "key", *line]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [error.split(": ")[1] for error in captured.err.splitlines()] == names


@pytest.mark.parametrize(
    "line", [["@params"], ["--help", "@params"], ["-K", "key", "--help"], ["-hKkey", "x.wasm"], ["-K", "key", "-h", "x"]]
)
def test_help_in_place_of_a_result_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params").write_text("--help\n")
    assert main(["verify", *line]) == 2
    assert capsys.readouterr().err == "wasm_oci: --help: help was shown; the command was not run; leave out --help to run it\n"


@pytest.mark.parametrize("line", [["verify", "--help"], ["verify", "-h"], ["key", "show", "--help"]])
def test_help_alone_ends_well(capsys: pytest.CaptureFixture[str], line: list[str]) -> None:
    assert main(line) == 0
    assert capsys.readouterr().out.startswith(f"usage: wasm_oci {line[0]}")


def test_an_unusable_file_of_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "latin").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"x\n" * (LIMITS.request_file // 2 + 1))
    messages = {
        "fifo": "is not a regular file",
        "latin": "is not UTF-8 (byte 0)",
        "large": "is larger than",
        "absent": "cannot read the arguments file: No such file",
        "n" * 300: "cannot read the arguments file",
    }
    for name, message in messages.items():
        assert main(["inspect", f"@{tmp_path}/{name}"]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(("name", "code_of"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_no_temporary_file(tmp_path: Path, name: str, code_of: int) -> None:
    code = f"""
import os, signal
from pathlib import Path
from wasm_oci.cli.commands import inspect
from wasm_oci.cli import program
from wasm_oci.files import atomic_output

def run(args):
    with atomic_output(Path({str(tmp_path / "out")!r})):
        os.kill(os.getpid(), signal.{name})
        signal.pause()

inspect.run = run
import sys
sys.argv[1:] = ["inspect", "x"]
program.program()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (code_of, "")
    assert list(tmp_path.iterdir()) == []


ENDINGS = {"verify -i m.wasm -K key": 4, "verify -i m.wasm": 2, "verify --nonsense": 2, "sine": 2, "": 2, "inspect m.wasm": 0}


@pytest.mark.parametrize("line", ENDINGS)
@pytest.mark.parametrize("target", ["2>/dev/full", "2>&-", "2>/dev/full >&2", "2>&- >/dev/null"])
def test_stderr_that_takes_nothing_changes_no_exit_code(tmp_path: Path, target: str, line: str) -> None:
    (tmp_path / "m.wasm").write_bytes(M)
    (tmp_path / "key").write_bytes(K1.public.compact())
    shell = ["sh", "-c", f'"$@" {target}', "sh", *PROGRAM, *line.split()]
    done = subprocess.run(shell, capture_output=True, text=True, env=ENVIRONMENT, cwd=tmp_path, check=False)
    expected = ENDINGS[line]
    assert done.returncode == (2 if ">&2" in target and not expected else expected)
    assert done.stderr == ""
    assert (done.stdout == "") == (bool(expected) or " " in target)


def test_a_bug_without_stderr_is_still_one(tmp_path: Path) -> None:
    imports = "import sys\nfrom wasm_oci.cli import program\nfrom wasm_oci.cli.commands import inspect\n"
    code = imports + "inspect.run = None\nsys.argv[1:] = ['inspect', 'x']\nprogram.program()"
    for target in ("2>&-", "2>/dev/full"):
        shell = ["sh", "-c", f'"$@" {target}', "sh", sys.executable, "-c", code]
        done = subprocess.run(shell, capture_output=True, text=True, env=ENVIRONMENT, cwd=tmp_path, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (70, "", "")


@pytest.mark.parametrize(
    ("package", "code", "said"),
    [("_cffi_backend", 2, "the Python package _cffi_backend was not found"), ("wasm_oci.keys", 70, "this is a bug in wasm_oci")],
)
def test_a_package_that_is_missing_is_no_bug_unless_it_is_ours(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, package: str, code: int, said: str
) -> None:
    def run(_: object) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr("wasm_oci.cli.commands.inspect.run", run)
    assert main(["inspect", "m.wasm"]) == code
    stderr = capsys.readouterr().err
    assert said in stderr
    assert ("Traceback" in stderr) == (code == 70)
    assert ("bazelw exec" in stderr) == (code == 2)
