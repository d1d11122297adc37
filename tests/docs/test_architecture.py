"""The floors of `tools/wasm_oci`: imports point down only, and no module takes part in a circle (docs/architecture.md)."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import wasm_oci
from wasm_oci.cli.usage import COMMANDS

ROOT = Path(wasm_oci.__file__).parent
BASE = ""
FOLDERS: Mapping[str, set[str]] = {
    BASE: set(),
    "wasm": {BASE},
    "keys": {BASE},
    "keys/sources": {BASE, "keys"},
    "wasmsign": {BASE, "keys", "wasm"},
    "log": {BASE, "keys", "keys/sources"},
    "trust": {BASE, "keys", "wasmsign"},
    "http": {BASE},
    "oci": {BASE, "http", "keys", "wasm", "wasmsign"},
    "attest": {BASE, "keys", "oci", "trust"},
    "registry": {BASE, "http", "oci"},
    "registry_config": {BASE, "http", "oci"},
    "publish": {BASE, "attest", "http", "keys", "keys/sources", "oci", "registry", "registry_config", "trust", "wasm", "wasmsign"},
    "audit": {BASE, "keys/sources", "log", "oci", "publish", "trust"},
    "policy": {BASE, "http", "trust"},
    "policy/review": {BASE, "policy"},
    "policy_facts": {
        *(BASE, "attest", "http", "keys", "oci", "policy", "policy/review", "publish", "reading", "registry_config"),
        *("releases", "trust", "wasm", "wasm_tools", "wasmsign"),
    },
    "decisions": {BASE, "attest", "keys", "keys/sources", "oci", "policy", "policy_facts", "publish", "reading", "trust"},
    "reading": {BASE, "http", "oci", "registry", "trust", "wasm", "wasmsign"},
    "releases": {BASE, "http", "oci", "publish", "reading", "registry", "registry_config", "trust"},
    "pins": {BASE, "decisions", "http", "oci", "publish", "reading", "trust", "wasmsign"},
    "wasm_tools": {BASE, "wasm"},
    "cli/common": {BASE, "keys", "keys/sources", "trust", "wasmsign"},
    "cli/log": {BASE, "cli/common", "keys/sources", "log"},
    "cli/modes": {BASE, "cli/common", "keys", "keys/sources", "trust", "wasmsign"},
    "cli/policies": {BASE, "cli/common", "policy", "policy/review", "policy_facts", "registry_config", "trust"},
    "cli/publishing": {
        *(BASE, "attest", "audit", "cli/common", "decisions", "http", "keys", "keys/sources", "log", "oci"),
        *("publish", "reading", "releases", "trust"),
    },
    "cli/commands": {
        *(BASE, "cli/common", "cli/log", "cli/modes", "cli/policies", "cli/publishing", "keys", "keys/sources", "oci"),
        *("pins", "policy_facts", "publish", "reading", "registry", "registry_config", "releases", "trust", "wasm_tools", "wasmsign"),
    },
    "cli": {BASE, "cli/commands", "cli/common", "cli/policies", "keys", "keys/sources"},
    "local_registry": {BASE, "oci"},
    "wasmsign2": {BASE, "http", "keys", "wasm", "wasmsign"},
}
"""What each folder imports beside itself: no more, no less. BUILD files and the drawing of docs/architecture.md say the same."""
PACKAGES = {
    "bcrypt": {"keys"},
    "certifi": {"http"},
    "cryptography": {"keys"},
    "filelock": {BASE},
    "keyring": {"keys/sources"},
    "msgspec": {"cli"},
    "platformdirs": {BASE, "local_registry"},
    "re2": {BASE},
    "rich": {"cli/common"},
    "runfiles": {BASE},
    "urllib3": {"http"},
    "yaml": {BASE},
}
COMMANDS_FOLDER = "cli/commands"
"""Has as many modules as there are commands."""
MOST_MODULES = 20
TREE = Path(__file__).resolve().parents[2] if "TEST_SRCDIR" not in os.environ else Path.cwd()
PAGE = TREE / "docs/architecture.md"


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
    """Every imported module, those of functions and of TYPE_CHECKING too; of `from package import name` the module `name`.

    So does a string for `import_module`: a module's name, or how the names of all modules of a package begin.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in KNOWN else str(node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"wasm_oci\.\w", node.value):
            yield from (name for name in KNOWN if name == node.value or (node.value.endswith(".") and name.startswith(node.value)))


def with_packages(names: Iterable[str]) -> set[str]:
    """`names`, and the packages that Python runs before them."""
    parts = [name.split(".") for name in names]
    return {".".join(each[:count]) for each in parts for count in range(1, len(each) + 1)}


def problems(folder: str, source: str) -> list[str]:
    found = []
    for name in imported(source):
        top = name.partition(".")[0]
        if top == "wasm_oci":
            if name not in KNOWN or folder_of(KNOWN[name]) not in {folder, *FOLDERS[folder]}:
                found.append(f"{folder or 'the base'} imports {name}")
        elif top not in (*sys.stdlib_module_names, "_typeshed") and folder not in PACKAGES.get(top, set()):
            found.append(f"{folder or 'the base'} imports {top}")
    return found


def reachable(folders: Mapping[str, set[str]], start: str) -> set[str]:
    """The folders that `start` imports, and those that they import."""
    return folders[start].union(*(reachable(folders, folder) for folder in folders[start]))


def drawing(folders: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    """The arrows that a drawing needs: none to a folder that is reached by way of another one."""
    return {
        (folder, other)
        for folder, others in folders.items()
        for other in others
        if not any(other in reachable(folders, between) for between in others)
    }


def build_deps(text: str) -> set[str]:
    """The folders among the `deps` of a BUILD file."""
    labels = re.findall(r'"//tools/wasm_oci([/:][^"]+)"', text.partition("    deps = [")[2])
    return {BASE if label == ":base" else label.removeprefix("/") for label in labels}


def drawn(text: str) -> set[tuple[str, str]]:
    """The arrows of a mermaid flowchart from folder to folder: `a --> b & c --> d["folder: what it is"]`."""
    titles = dict(re.findall(r'(\w+)\["([^:"]+)', text))
    arrows = set()
    for line in text.splitlines():
        ends = [re.findall(r"\w+", re.sub(r'\["[^"]*"\]', "", end)) for end in line.split("-->")]
        for sources, targets in pairwise(ends):
            arrows |= {(titles.get(source, source), titles.get(target, target)) for source in sources for target in targets}
    return {(BASE if source == "*.py" else source, BASE if target == "*.py" else target) for source, target in arrows}


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return list(err.args[1])
    return []


def test_every_folder_is_in_the_map() -> None:
    assert {folder_of(path) for path in modules()} == set(FOLDERS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    assert problems(folder_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder or "base")
def test_a_folder_imports_all_that_the_map_allows(folder: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in modules() if folder_of(path) == folder]
    found = {folder_of(KNOWN[name]) for source in sources for name in imported(source) if name in KNOWN}
    assert FOLDERS[folder] - found == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder or "base")
def test_the_build_file_says_the_same(folder: str) -> None:
    assert build_deps((TREE / "tools/wasm_oci" / folder / "BUILD.bazel").read_text(encoding="utf-8")) == FOLDERS[folder]


def test_the_drawing_says_the_same() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## The floors")[2].partition("```mermaid")[2].partition("```")[0]
    programs = set(FOLDERS).difference(*FOLDERS.values())
    assert drawn(text) == drawing(FOLDERS) | {("tools/programs", program) for program in programs}


def test_no_module_takes_part_in_a_circle() -> None:
    graph = {
        name: with_packages([name, *(other for other in imported(path.read_text(encoding="utf-8")) if other in KNOWN)]) - {name}
        for name, path in KNOWN.items()
    }
    assert circle(graph) == []


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != COMMANDS_FOLDER], ids=lambda folder: folder or "base")
def test_no_folder_has_too_many_modules(folder: str) -> None:
    """That of the commands has as many as there are commands."""
    assert sum(folder_of(path) == folder and path.name != "__init__.py" for path in modules()) <= MOST_MODULES


def test_the_commands_folder_has_one_module_a_command() -> None:
    names = {path.stem for path in modules() if folder_of(path) == COMMANDS_FOLDER} - {"__init__"}
    assert names == {command.replace("-", "_") for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_a_typed_request(command: str) -> None:
    tree = ast.parse((ROOT / "cli/commands" / f"{command.replace('-', '_')}.py").read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert any(name.endswith("Request") or name == "requests_of" for name in names)


def test_an_import_that_points_up_is_seen() -> None:
    assert problems("oci", "from wasm_oci.publish.plan import Plan") == ["oci imports wasm_oci.publish.plan"]
    assert problems("keys", "if TYPE_CHECKING:\n    from wasm_oci import trust") == ["keys imports wasm_oci.trust"]
    assert problems("publish", "import urllib3") == ["publish imports urllib3"]
    assert problems("trust", "import wasm_oci.http.host") == ["trust imports wasm_oci.http.host"]
    assert problems("keys", "import_module('wasm_oci.wasm.varint')") == ["keys imports wasm_oci.wasm.varint"]
    assert "cli imports wasm_oci.publish.plan" in problems("cli", "import_module(f'wasm_oci.publish.{name}')")
    assert problems(BASE, "def f():\n    import wasm_oci.cli") == ["the base imports wasm_oci.cli"]
    assert problems("oci", "import json\nfrom wasm_oci.errors import AuthError\nfrom wasm_oci import limits") == []


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    package = {"p": with_packages(["p.a"]) - {"p"}, "p.a": with_packages(["p.b", "p.a"]) - {"p.a"}, "p.b": {"p"}}
    assert package["p.a"] == {"p", "p.b"}
    assert circle(package)


def test_a_wrong_arrow_and_a_wrong_dep_are_seen() -> None:
    assert drawn('  a["x/y: its, text"] --> b & c["z: more"] --> base["*.py: all"]') == {("x/y", "b"), ("x/y", "z"), ("b", ""), ("z", "")}
    assert drawing({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {("a", "b"), ("b", "c")}
    assert build_deps('x(\n    deps = [\n        "//tools/wasm_oci:base",\n        "//tools/wasm_oci/a/b",\n    ],\n)') == {BASE, "a/b"}


def test_the_page_names_files_that_exist_and_every_folder() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`(?:tools/wasm_oci/)?([a-z_0-9/]+\.py)`", text)
    inside = [name for name in named if not name.startswith("tests/")]
    assert len(inside) > 20
    assert [name for name in inside if not (ROOT / name).is_file()] == []
    assert [folder for folder in FOLDERS if f"`{folder or '*.py'}{'/' if folder else ''}`" not in text] == []
