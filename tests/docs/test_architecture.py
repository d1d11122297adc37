"""The floors of `tools/wasm_oci`: imports point down only, and no module takes part in a circle (docs/architecture.md)."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import wasm_oci

ROOT = Path(wasm_oci.__file__).parent
BASE = ""
FLOORS = (
    BASE,
    "wasm",
    "keys",
    "keys/sources",
    "wasmsign",
    "trust",
    "http",
    "oci",
    "registry",
    "publish",
    "wasm_tools",
    "cli/common",
    "cli/commands",
    "cli",
    "local_registry",
    "wasmsign2",
)
"""From the ground up. A folder may import itself and those before it."""
PACKAGES = {
    "bcrypt": {"keys"},
    "certifi": {"http"},
    "cryptography": {"keys"},
    "filelock": {BASE},
    "keyring": {"keys/sources"},
    "msgspec": {"cli"},
    "platformdirs": {BASE, "local_registry"},
    "re2": {"wasmsign"},
    "runfiles": {BASE},
    "urllib3": {"http"},
    "yaml": {BASE},
}
MOST_MODULES = 20
PAGE = (Path(__file__).resolve().parents[2] if "TEST_SRCDIR" not in os.environ else Path.cwd()) / "docs/architecture.md"


def folder_of(path: Path) -> str:
    return path.relative_to(ROOT).parent.as_posix().removeprefix(".")


def name_of(path: Path) -> str:
    """The dotted name of a module; a package's own module has the package's."""
    parts = ("wasm_oci", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


KNOWN = {name_of(path): path for path in modules()}


def imported(source: str) -> Iterator[str]:
    """Every imported module, those of functions and of TYPE_CHECKING too; of `from package import name` the module `name`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in KNOWN else str(node.module)


def problems(folder: str, source: str) -> list[str]:
    found = []
    for name in imported(source):
        top = name.partition(".")[0]
        if top == "wasm_oci":
            if name not in KNOWN or FLOORS.index(folder_of(KNOWN[name])) > FLOORS.index(folder):
                found.append(f"{folder or 'the base'} imports {name}")
        elif top not in (*sys.stdlib_module_names, "_typeshed") and folder not in PACKAGES.get(top, set()):
            found.append(f"{folder or 'the base'} imports {top}")
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return list(err.args[1])
    return []


def test_every_folder_is_a_floor() -> None:
    assert {folder_of(path) for path in modules()} == set(FLOORS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    assert problems(folder_of(path), path.read_text(encoding="utf-8")) == []


def test_no_module_takes_part_in_a_circle() -> None:
    graph = {
        name: {other for other in imported(path.read_text(encoding="utf-8")) if other in KNOWN and other != "wasm_oci"} - {name}
        for name, path in KNOWN.items()
    }
    assert circle(graph) == []


@pytest.mark.parametrize("folder", FLOORS, ids=lambda folder: folder or "base")
def test_no_folder_has_too_many_modules(folder: str) -> None:
    assert sum(folder_of(path) == folder and path.name != "__init__.py" for path in modules()) <= MOST_MODULES


def test_an_import_that_points_up_is_seen() -> None:
    assert problems("oci", "from wasm_oci.publish.plan import Plan") == ["oci imports wasm_oci.publish.plan"]
    assert problems("keys", "if TYPE_CHECKING:\n    from wasm_oci import trust") == ["keys imports wasm_oci.trust"]
    assert problems("publish", "import urllib3") == ["publish imports urllib3"]
    assert problems(BASE, "def f():\n    import wasm_oci.cli") == ["the base imports wasm_oci.cli"]
    assert problems("oci", "import json\nfrom wasm_oci.errors import AuthError\nfrom wasm_oci import limits") == []


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_the_page_names_files_that_exist_and_every_folder() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`(?:tools/wasm_oci/)?([a-z_0-9/]+\.py)`", text)
    inside = [name for name in named if not name.startswith("tests/")]
    assert len(inside) > 20
    assert [name for name in inside if not (ROOT / name).is_file()] == []
    assert [folder for folder in FLOORS if f"`{folder or '*.py'}{'/' if folder else ''}`" not in text] == []
