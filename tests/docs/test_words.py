"""What pages say: commands that exist, tags that wkg finds, and plain English."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from wasm_oci.cli.common.arguments import make_parser, parse
from wasm_oci.errors import UsageError

ROOT = Path(__file__).resolve().parents[2] if "TEST_SRCDIR" not in os.environ else Path.cwd()
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
COMMAND = re.compile(
    r"(?:^    |[|;] |\$\()(?:wasm_oci|(?:\./)?bazelw? run (?:@rules_wasm_oci)?//tools:wasm_oci --) ([a-z].*)$", re.MULTILINE
)
TAG = re.compile(r"(?:localhost:\d+|ghcr\.io)/[\w./…-]+:(v\d[\w.-]*)|--tag v\d|tag = \"v\d")
TRANSLATED = (
    "the way of the data",
    "where you stand",
    "made anew",
    "makes it anew",
    "counts no more",
    "is no source",
    "not look at",
    "did not say",
    "who stole",
    "who builds",
    "what it says of itself",
)
"""Phrases that a writer of such pages would not use."""


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for found in COMMAND.finditer(text):
            yield page.name, found[1]


def test_the_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "in-ci.md", "kms.md", "with-cosign.md"} <= {page.name for page in PAGES}
    assert len(list(commands())) > 50


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_each_command_of_a_page_can_be_parsed(page: str, line: str) -> None:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|;&<>()"):
            break
        words.append(word)
    command = importlib.import_module(f"wasm_oci.cli.commands.{words[0].replace('-', '_')}")
    parser: argparse.ArgumentParser = make_parser(words[0], "")
    command.add_arguments(parser)
    try:
        parse(parser, words[1:])
    except UsageError as err:
        pytest.fail(f"{page}: {line}: {err}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tags_are_versions_that_wkg_finds(page: Path) -> None:
    assert TAG.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_sounds_translated(page: Path) -> None:
    text = " ".join(page.read_text(encoding="utf-8").lower().split())
    assert [phrase for phrase in TRANSLATED if phrase in text] == []
