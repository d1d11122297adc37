"""The commands of docs/key-rotation.md, run in the order in which they are written."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.wasm import COMPONENT, custom
from instruments.registry import start
from wasm_oci.cli.main import main
from wasm_oci.trust import timestamps

PAGE = Path(__file__).parents[2] / "docs/key-rotation.md"
_FAILS = re.compile(r"# exit code (\d): (\w+)$")


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yields the page's files and commands: `yaml` with a list of keys, `run` with a line."""
    for block in re.finditer(r"^```yaml\n([^`]*)^```|^    (wasm_oci .*)$", text, re.MULTILINE):
        yield ("yaml", block[1]) if block[1] else ("run", block[2])


def test_the_commands_do_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(timestamps, "now", lambda: datetime(2026, 11, 25, tzinfo=UTC))
    Path("hello.wasm").write_bytes(COMPONENT + custom("hello", b""))
    failures = []
    with start() as registry:
        for kind, text in steps(PAGE.read_text(encoding="utf-8")):
            if kind == "yaml":
                Path("trusted.yaml").write_text(text, encoding="utf-8")
                continue
            words = shlex.split(text.replace("localhost:5000", registry.host), comments=True)[1:]
            code = main([*words, "--output", "json"])
            document = json.loads(capsys.readouterr().out)
            expected = _FAILS.search(text)
            assert code == (int(expected[1]) if expected else 0), (text, document)
            if expected:
                failures.append(document["error"]["reason"])
                assert failures[-1] == expected[2]
    assert failures == ["key_expired", "key_revoked"]


def test_every_step_of_the_page_is_found() -> None:
    kinds = [kind for kind, _ in steps(PAGE.read_text(encoding="utf-8"))]
    assert (kinds.count("yaml"), kinds.count("run")) == (3, 16)
