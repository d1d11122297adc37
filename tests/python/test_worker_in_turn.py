"""The worker of systems without fork, as a process that Bazel starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.wasm import TESTDATA

PROGRAM = (
    "from wasm_oci.cli import main\nfrom wasm_oci.cli.worker_in_turn import serve_in_turn\nraise SystemExit(serve_in_turn(main.run_line))"
)
WASM = str(TESTDATA / "kinds_component.wasm")


def respond(folder: Path, *requests: dict[str, Any], before: str = "") -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{PROGRAM}"],
        input="".join(f"{json.dumps(request)}\n" for request in requests),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["gone", "n" * 300, "a\0b", "x\nVerified: y\x1b[2J"])
def test_a_folder_that_cannot_be_entered(tmp_path: Path, name: str) -> None:
    code, (response,) = respond(tmp_path, {"arguments": ["verify"], "sandboxDir": f"{tmp_path}/{name}", "requestId": 7})
    assert (code, response["exitCode"], response["requestId"]) == (0, 2, 7)
    assert response["output"].count("\n") == 1
    assert response["output"].strip().isprintable()


def test_a_current_directory_that_is_gone(tmp_path: Path) -> None:
    gone = f"import os\nos.mkdir({str(tmp_path / 'gone')!r})\nos.chdir({str(tmp_path / 'gone')!r})\nos.rmdir({str(tmp_path / 'gone')!r})"
    code, (response,) = respond(tmp_path, {"arguments": ["split", "-i", WASM, "-o", f"{tmp_path}/out"]}, before=gone)
    assert code == 0
    assert response["exitCode"] == 2
    assert "cannot run the action there" in response["output"]


def test_requests_one_after_the_other(tmp_path: Path) -> None:
    split = {"arguments": ["split", "-i", WASM, "-o", f"{tmp_path}/out"]}
    code, responses = respond(tmp_path, split, {"arguments": ["verify"], "requestId": 1}, split)
    assert code == 0
    assert [response.get("exitCode", 0) for response in responses] == [0, 2, 0]
