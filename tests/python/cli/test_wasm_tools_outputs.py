"""The actions around wasm-tools, with a program in its place that fails half-way."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.wasm import COMPONENT, MODULE
from wasm_oci.cli.main import main

_WRITES = 'while [ "$1" != -o ]; do shift; done; printf half > "$2"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "module.wasm").write_bytes(MODULE)
    (tmp_path / "component.wasm").write_bytes(COMPONENT)
    (tmp_path / "out").mkdir()
    return tmp_path


def component(folder: Path, script: str, source: str) -> int:
    program = folder / "wasm-tools"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    files = ["-i", str(folder / source), "-o", str(folder / "out/made.wasm")]
    return main(["wasm-tools", "component", "--program", str(program), *files])


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


@pytest.mark.parametrize("before", [{}, {"made.wasm": b"old"}], ids=["new", "existing"])
def test_a_component_that_fails_half_way_leaves_the_output_as_it_was(folder: Path, before: dict[str, bytes]) -> None:
    for name, data in before.items():
        (folder / "out" / name).write_bytes(data)
    assert component(folder, f"{_WRITES}; exit 1", "module.wasm") == 2
    assert written(folder) == before


@pytest.mark.parametrize(("source", "made"), [("module.wasm", b"half"), ("component.wasm", COMPONENT)])
def test_an_existing_output_is_replaced(folder: Path, source: str, made: bytes) -> None:
    (folder / "out/made.wasm").write_bytes(b"old")
    assert component(folder, _WRITES, source) == 0
    assert written(folder) == {"made.wasm": made}


@pytest.mark.parametrize("source", ["module.wasm", "component.wasm"])
def test_an_output_that_cannot_be_written_is_named(folder: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    (folder / "out").rmdir()
    assert component(folder, _WRITES, source) == 2
    assert f"{folder / 'out/made.wasm'}: cannot write the component: No such file" in capsys.readouterr().err
