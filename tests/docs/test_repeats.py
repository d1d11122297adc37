"""What stands in one place only: lists of modules, which a glob makes, and code, which a function holds."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2] if "TEST_SRCDIR" not in os.environ else Path.cwd()
MOST_LINES = 12
"""A run of lines may stand twice if it is no longer."""
BUILD_FILES = sorted((TREE / "tools/wasm_oci").rglob("BUILD.bazel"))
SOURCES = sorted(path for folder in ("tools", "wasm", "rust") for end in ("py", "bzl") for path in (TREE / folder).rglob(f"*.{end}"))

Place = tuple[str, int]
"""A file, and a line of it."""


def left_out(source: str, *, python: bool) -> set[int]:
    """The lines of imports, loads and docstrings, which are alike where code is not."""
    out: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        load = not python and isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "load"
        if text or load or isinstance(node, ast.Import | ast.ImportFrom):
            assert isinstance(node, ast.stmt)
            out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return out


def code(source: str, *, python: bool) -> Iterator[tuple[int, str]]:
    """Number and text of each line of code, without indentation."""
    skipped = left_out(source, python=python)
    for number, line in enumerate(source.splitlines(), 1):
        if number not in skipped and line.strip() and not line.strip().startswith("#"):
            yield number, line.strip()


def repeated(sources: Mapping[str, str], most: int = MOST_LINES) -> list[tuple[Place, Place]]:
    """The places where a run of more than `most` lines begins that stands somewhere before."""
    first: dict[tuple[str, ...], Place] = {}
    found = []
    for name, source in sources.items():
        lines = list(code(source, python=name.endswith(".py")))
        for start in range(len(lines) - most):
            run = tuple(text for _, text in lines[start : start + most + 1])
            place = name, lines[start][0]
            if first.setdefault(run, place) != place:
                found.append((first[run], place))
    return found


def lists(text: str) -> list[str]:
    """What in a BUILD file names modules beside a glob of the folder, or leaves some out."""
    return re.findall(r'"[^"*]*\.py"|\bexclude\b|\bglob\((?!\["\*\.py"\]\))', text)


@pytest.mark.parametrize("path", BUILD_FILES, ids=lambda path: path.parent.name)
def test_a_build_file_takes_the_folder_as_it_is(path: Path) -> None:
    assert lists(path.read_text(encoding="utf-8")) == []


def test_every_build_file_and_all_code_is_read() -> None:
    assert len(BUILD_FILES) == len(list((TREE / "tools/wasm_oci").rglob("__init__.py")))
    assert {path.relative_to(TREE).parts[0] for path in SOURCES if path.suffix == ".bzl"} >= {"rust", "wasm"}
    assert sum(path.suffix == ".py" for path in SOURCES) > 100


def test_no_run_of_code_stands_twice() -> None:
    sources = {path.relative_to(TREE).as_posix(): path.read_text(encoding="utf-8") for path in SOURCES}
    assert repeated(sources) == []


def test_a_list_of_modules_is_seen() -> None:
    assert lists('srcs = glob(["*.py"]),') == []
    assert lists('srcs = ["a.py"],') == ['"a.py"']
    assert lists('srcs = glob(["**/*.py"]),') == ["glob("]
    assert lists('srcs = glob(["*.py"], exclude = ["b.py"]),') == ["glob(", "exclude", '"b.py"']


@pytest.mark.parametrize("end", ["py", "bzl"])
def test_a_run_of_code_that_stands_twice_is_seen(end: str) -> None:
    run = "def f():\n" + "".join(f"    x{number} = {number}\n\n" for number in range(MOST_LINES))
    sources = {f"a.{end}": f'"""A."""\n\n{run}', f"b.{end}": f"y = 1\nz = 2\n# A comment.\n{run}"}
    assert repeated(sources) == [((f"a.{end}", 3), (f"b.{end}", 4))]
    assert repeated({name: source.replace("x5", name[0]) for name, source in sources.items()}) == []


def test_imports_and_docstrings_may_stand_twice() -> None:
    imports = "".join(f"import a{number}\n" for number in range(MOST_LINES)) + "from b import (\n    c,\n    d,\n)\n"
    text = '"""Docs.\n' + "".join(f"line {number}\n" for number in range(MOST_LINES + 1)) + '"""\n'
    loads = "".join(f'load("//a:{number}.bzl", "b")\n' for number in range(MOST_LINES + 1))
    for end, source in (("py", text + imports), ("bzl", text + loads)):
        assert repeated({f"a.{end}": source, f"b.{end}": source}) == []
