"""The Python folders import each other only as docs/architecture.md says: downwards."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wasm_oci

ROOT = Path(wasm_oci.__file__).parent
BASE = "base"
ALLOWED = {
    "cli": {"cli", "local_registry", "publish", "oci", "keysource", "wasmsign", BASE},
    "local_registry": {"local_registry", "oci", BASE},
    "publish": {"publish", "oci", "keysource", "wasmsign", BASE},
    "oci": {"oci", "wasmsign", BASE},
    "keysource": {"keysource", "wasmsign", BASE},
    "wasmsign": {"wasmsign", BASE},
    BASE: {BASE},
}
PACKAGES = {
    "bcrypt": {"wasmsign"},
    "cryptography": {"wasmsign"},
    "keyring": {"keysource"},
    "re2": {"wasmsign"},
    "requests": {"oci"},
    "urllib3": {"oci"},
    "yaml": {BASE},
}


def folder_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else BASE


def imported(source: str) -> Iterator[str]:
    """Dotted names; those of `from package import name` with the name, which may be a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def problems(folder: str, source: str) -> list[str]:
    found = []
    for name in imported(source):
        top, *rest = name.split(".")
        if top == "wasm_oci" and rest:
            target = rest[0] if rest[0] in ALLOWED else BASE
            if target not in ALLOWED[folder]:
                found.append(f"{folder} imports {name}")
        elif top != "wasm_oci" and top not in (*sys.stdlib_module_names, "_typeshed") and folder not in PACKAGES.get(top, set()):
            found.append(f"{folder} imports {top}")
    return found


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def test_every_folder_is_in_the_table() -> None:
    assert {folder_of(path) for path in modules()} == set(ALLOWED)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    assert problems(folder_of(path), path.read_text(encoding="utf-8")) == []


def test_an_import_that_points_up_is_seen() -> None:
    assert problems("oci", "from wasm_oci.publish.plan import Plan") == ["oci imports wasm_oci.publish.plan.Plan"]
    assert problems("wasmsign", "from wasm_oci import oci") == ["wasmsign imports wasm_oci.oci"]
    assert problems("publish", "import requests") == ["publish imports requests"]
    assert problems(BASE, "def f():\n    import wasm_oci.cli") == ["base imports wasm_oci.cli"]
    assert problems("oci", "import json\nfrom wasm_oci.errors import AuthError\nfrom wasm_oci import limits") == []
