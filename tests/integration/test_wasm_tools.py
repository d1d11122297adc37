"""Build actions around wasm-tools: what it accepts passes, what it refuses is one error and no output."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from peers import call

from wasm_oci.cli.main import main
from wasm_oci.errors import FormatError
from wasm_oci.wasm_tools.compatible import incompatibility

MODULE = '(module (func (export "run")))'
FITS = "package test:run;\nworld runs { export run: func(); }\n"
OTHER = "package test:other;\nworld stops { export stop: func(); }\n"


@pytest.fixture
def wasm_tools() -> str:
    found = shutil.which("wasm-tools")
    assert found
    return found


@pytest.fixture
def module(tmp_path: Path, wasm_tools: str) -> Path:
    text, binary = tmp_path / "module.wat", tmp_path / "module.wasm"
    text.write_text(MODULE)
    assert call(wasm_tools, "parse", text, "-o", binary).code == 0
    return binary


def wit(folder: Path, text: str) -> list[str]:
    path = folder / f"{abs(hash(text))}.wit"
    path.write_text(text)
    return ["--wit", str(path), "--world", text.split("world ")[1].split(maxsplit=1)[0]]


def component(wasm_tools: str, source: Path, output: Path, *extra: str) -> int:
    return main(["wasm-tools", "component", "--program", wasm_tools, "-i", str(source), "-o", str(output), *extra])


def test_a_valid_file_gets_its_marker_and_a_broken_one_does_not(module: Path, wasm_tools: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    arguments = ["wasm-tools", "validate", "--program", wasm_tools, "-o", str(marker), "-i"]
    broken = tmp_path / "broken.wasm"
    broken.write_bytes(module.read_bytes()[:-2])
    assert main([*arguments, str(broken)]) == 2
    assert not marker.exists()
    assert main([*arguments, str(module)]) == 0
    assert marker.read_text() == "valid\n"


def test_a_program_that_is_not_there_is_named(module: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert component("/nonexistent/wasm-tools", module, tmp_path / "out.wasm") == 2
    assert "/nonexistent/wasm-tools: wasm-tools cannot be started; check the wasm-tools toolchain" in capsys.readouterr().err


def test_a_module_becomes_a_component_of_its_world(module: Path, wasm_tools: str, tmp_path: Path) -> None:
    output = tmp_path / "out.wasm"
    assert component(wasm_tools, module, output, *wit(tmp_path, FITS)) == 0
    assert "export run: func()" in call(wasm_tools, "component", "wit", output).stdout


def test_a_component_must_fit_the_world_that_is_given(
    module: Path, wasm_tools: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, again = tmp_path / "made.wasm", tmp_path / "again.wasm"
    assert component(wasm_tools, module, made, *wit(tmp_path, FITS)) == 0
    assert component(wasm_tools, made, again, *wit(tmp_path, OTHER)) == 2
    assert not again.exists()
    assert "; generate bindings of this world" in capsys.readouterr().err
    assert component(wasm_tools, made, again, *wit(tmp_path, FITS)) == 0
    assert again.read_bytes() == made.read_bytes()
    assert component(wasm_tools, made, again) == 0


def test_whether_a_component_can_take_the_place_of_another(wasm_tools: str, tmp_path: Path) -> None:
    def made(name: str, functions: str, *parameters: str) -> Path:
        text, binary, output = tmp_path / f"{name}.wat", tmp_path / f"{name}.core.wasm", tmp_path / f"{name}.wasm"
        names, typed = functions.split(), " ".join(parameters)
        text.write_text("(module " + " ".join(f'(func (export "{each}") {typed})' for each in names) + ")")
        assert call(wasm_tools, "parse", text, "-o", binary).code == 0
        arguments = "x: u32" if parameters else ""
        world = f"world w {{ {' '.join(f'export {each}: func({arguments});' for each in names)} }}"
        assert component(wasm_tools, binary, output, *wit(tmp_path, f"package test:it;\n{world}\n")) == 0
        return output

    program, old = Path(wasm_tools), made("old", "run stop")
    assert incompatibility(program, old, made("same", "run stop"), tmp_path) == ""
    assert incompatibility(program, old, made("more", "run stop go"), tmp_path) == ""
    assert "missing export" in incompatibility(program, old, made("less", "run"), tmp_path)
    assert "parameters" in incompatibility(program, old, made("other", "run stop", "(param i32)"), tmp_path)
    with pytest.raises(FormatError):
        incompatibility(program, tmp_path / "old.core.wasm", old, tmp_path)


def test_a_module_without_the_exports_of_its_world_is_told_where_they_come_from(
    module: Path, wasm_tools: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert component(wasm_tools, module, tmp_path / "out.wasm", *wit(tmp_path, OTHER)) == 2
    assert "; export what the world of wit says, with bindings through deps" in capsys.readouterr().err
