"""Rules about compatible versions, with a program in place of wasm-tools; tests/integration has the real one."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from fakes.artifacts import layout_of
from fakes.program import Run, request_file, writes
from fakes.release_files import entry
from fakes.wasm import COMPONENT, custom
from instruments.registry import RunningRegistry
from wasm_oci.limits import LIMITS

ANSWERS = """#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >> {folder}/calls
case "$2" in
wit) echo 'package root:component;' > "$5" ;;
targets) grep -q breaking "$6" && {{ echo 'missing expected export `more`' >&2; exit 1; }}; exit 0 ;;
esac
"""
POLICY = "always: {api_changes: compatible}\n"


@pytest.fixture
def wasm_tools(tmp_path: Path) -> Path:
    """Refuses components that hold the word breaking."""
    program = tmp_path / "bin/wasm-tools"
    program.parent.mkdir()
    program.write_text(ANSWERS.format(folder=tmp_path))
    program.chmod(0o755)
    return program


@pytest.fixture(autouse=True)
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no wasm-tools on PATH."""
    (tmp_path / "p.yaml").write_text(POLICY)
    monkeypatch.setenv("PATH", "/nonexistent")


def test_publishing_compares_with_the_version_that_the_registry_has(
    run: Run, registry: RunningRegistry, tmp_path: Path, wasm_tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()

    def push(tag: str, word: str, *flags: object) -> tuple[int, str]:
        image = layout_of(tmp_path / f"layout{next(numbers)}", COMPONENT + custom(word, b""))
        path = request_file(
            tmp_path, image, registries=[entry("here", registry)], policies=[str(tmp_path / "p.yaml")], signature=None, tag=tag
        )
        ended = run("push", "--request", path, *flags)
        return ended.code, ended.err

    assert push("1.0.0", "first")[1] == ""
    sent = writes(registry)
    code, err = push("1.1.0", "second")
    assert (code, writes(registry)) == (3, sent)
    assert "whether its interfaces are compatible is not known; give wasm-tools with --wasm-tools PROGRAM, or put it on PATH" in err
    assert push("2.0.0", "breaking1") == (0, "")
    code, err = push("2.0.1", "breaking2", "--wasm-tools", wasm_tools)
    assert code == 3
    assert "version 2.0.1 is not compatible with 2.0.0: missing expected export `more`; raise the major version" in err
    assert push("2.0.1", "third", "--wasm-tools", wasm_tools) == (0, "")
    monkeypatch.setenv("PATH", f"{wasm_tools.parent}:/usr/bin:/bin")
    assert push("2.0.2", "fourth") == (0, "")
    assert push("2.0.3", "breaking3")[0] == 3
    code, err = push("2.0.3", "fifth", "--wasm-tools", "/nonexistent/wasm-tools")
    assert (code, "/nonexistent/wasm-tools: wasm-tools cannot be started" in err) == (2, True)


def test_the_same_artifact_under_another_version_needs_no_comparison(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", COMPONENT)
    for tag in ("1.0.0", "1.1.0"):
        path = request_file(
            tmp_path, image, registries=[entry("here", registry)], policies=[str(tmp_path / "p.yaml")], signature=None, tag=tag
        )
        ended = run("push", "--request", path)
        assert ended.code == 0, ended.err


def test_policy_check(run: Run, tmp_path: Path, wasm_tools: Path) -> None:
    old, new, breaking = (tmp_path / f"{name}.wasm" for name in ("old", "new", "breaking"))
    for path in (old, new, breaking):
        path.write_bytes(COMPONENT + custom(path.stem, b""))
    options = ("--policy", "p.yaml", "--tag", "1.1.0", "--previous", old)
    without = run("policy", "check", new, *options)
    assert (without.code, "give wasm-tools with --wasm-tools PROGRAM, or put it on PATH" in without.out) == (3, True)
    assert run("policy", "check", new, *options, "--wasm-tools", wasm_tools).code == 0
    refused = run("policy", "check", breaking, *options, "--wasm-tools", wasm_tools)
    assert (refused.code, "missing expected export" in refused.out) == (3, True)
    (tmp_path / "calls").unlink()
    assert run("policy", "check", new, "--policy", "p.yaml", "--previous", "none", "--wasm-tools", wasm_tools).code == 0
    (tmp_path / "p.yaml").write_text("always: {new_imports: approved}\n")
    assert run("policy", "check", new, *options, "--wasm-tools", wasm_tools).code == 0
    assert not (tmp_path / "calls").exists()


def test_a_program_that_does_not_end(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasm_oci.wasm_tools.compatible.LIMITS", replace(LIMITS, wasm_tools_timeout=0.2))
    program, wasm = tmp_path / "slow", tmp_path / "a.wasm"
    program.write_text("#!/bin/sh\nexec /bin/sleep 20\n")
    program.chmod(0o755)
    wasm.write_bytes(COMPONENT)
    ended = run("policy", "check", wasm, "--policy", "p.yaml", "--tag", "1.1.0", "--previous", wasm, "--wasm-tools", program)
    assert (ended.code, "wasm-tools component took longer than 0.2 s" in ended.err) == (2, True)
