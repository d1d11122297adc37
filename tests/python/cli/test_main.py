"""The program around its commands: what stdout takes, arguments from a file, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main

WASM = str(TESTDATA / "kinds_component.wasm")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PROGRAM = [sys.executable, "-m", "wasm_oci.cli.main"]


@pytest.mark.parametrize("line", [["inspect", WASM], ["inspect", WASM, "--output", "json"], ["--help"]])
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_stdout_that_takes_nothing(line: list[str], target: str) -> None:
    shell = ["sh", "-c", f'"$@" {target}', "sh", *PROGRAM, *line]
    done = subprocess.run(shell, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("wasm_oci: ")
    assert "cannot write the result" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_path_that_is_not_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wasm")
    assert main(["inspect", path, "--output", "json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["where"] == path
    assert captured.err == f"wasm_oci: {tmp_path}/\\udcff.wasm: there is no such file or folder; check the path\n"
    Path(path).write_bytes(Path(WASM).read_bytes())
    assert main(["inspect", path]) == 0
    assert "\\udcff.wasm" in capsys.readouterr().out
