"""Every public rule and every command is in the pages that list them."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from wasm_oci.cli.usage import COMMANDS

ROOT = Path(__file__).resolve().parents[2] if "TEST_SRCDIR" not in os.environ else Path.cwd()
CLI_ROW = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)
RULE_ROW = re.compile(r"^\| (`[^|]+) \| [^|]+ \| (\[[^|]+) \| (\[[^|]+) \|$", re.MULTILINE)
PROGRAMS = re.compile(r"`//tools:wasm_oci` \(([^)]*)\)")


def exported(file: str) -> set[str]:
    """Returns the names that a file of public rules defines."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}


def section(page: str, heading: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rules_of_the_readme() -> list[str]:
    return [name for row in RULE_ROW.finditer(section("README.md", "Rules")) for name in re.findall(r"`(\w+)`", row[1])]


def test_every_public_rule_has_its_place_in_the_readme() -> None:
    rules = rules_of_the_readme()
    assert set(rules) == exported("wasm/defs.bzl") | exported("rust/defs.bzl")
    assert len(rules) == len(set(rules))


@pytest.mark.parametrize("row", list(RULE_ROW.finditer(section("README.md", "Rules"))), ids=lambda row: row[1])
def test_a_row_names_the_page_and_the_source_of_its_rules(row: re.Match[str]) -> None:
    page, source = (re.findall(r"\(([^)]+)\)", cell)[0] for cell in (row[2], row[3]))
    for name in re.findall(r"`(\w+)`", row[1]):
        assert f"## {name}\n" in (ROOT / page).read_text(encoding="utf-8")
        assert re.search(rf"^(def )?{name}\b", (ROOT / source).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_command_is_in_the_readme() -> None:
    found = PROGRAMS.search(section("README.md", "Rules"))
    assert found
    assert [name.strip() for name in found[1].split(",")] == list(COMMANDS)


def test_every_command_is_in_the_page_of_programs() -> None:
    commands = section("docs/cli.md", "wasm_oci").split("\n### ", 1)[0]
    assert sorted(CLI_ROW.findall(commands)) == sorted(COMMANDS)
