"""`wasm_oci wasm-tools` with programs that behave badly; tests/integration has the real one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main

COMPONENT = TESTDATA / "hello_component.wasm"


@pytest.mark.parametrize("code", [0, 1])
def test_a_program_left_in_the_background_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int) -> None:
    program = tmp_path / "wasm-tools"
    program.write_text(f"#!/bin/sh\nsleep 20 &\necho told >&2\nexit {code}\n")
    program.chmod(0o755)
    begin = time.monotonic()
    line = ["wasm-tools", "validate", f"--program={program}", f"--input-file={COMPONENT}", f"--output-file={tmp_path / 'valid'}"]
    assert main(line) == (2 if code else 0)
    assert time.monotonic() - begin < 10
    assert ("wasm-tools validate refuses it: told" in capsys.readouterr().err) == bool(code)
    assert (tmp_path / "valid").exists() != bool(code)
