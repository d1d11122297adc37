"""What a person at a terminal sees: colours, and what to do next."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.artifacts import component, layout_of, public, signed_image
from fakes.program import NAME, Run
from instruments.registry import RunningRegistry, start

PROGRAM = [sys.executable, "-m", "wasm_oci.cli.program"]
GREEN, YELLOW, RED = "\x1b[32m", "\x1b[33m", "\x1b[31m"

OnTerminal = Callable[..., tuple[int, str]]


@pytest.fixture
def on_terminal(tmp_path: Path) -> OnTerminal:
    """Runs the program with stdout and stderr on a terminal; returns its exit code and what the terminal got."""

    def run(*args: object, **environ: str) -> tuple[int, str]:
        leader, follower = pty.openpty()
        inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        env = {**inherited, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "DOCKER_CONFIG": str(tmp_path), **environ}
        done = subprocess.Popen(
            [*PROGRAM, *map(str, args)], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower, env=env, cwd=tmp_path
        )
        os.close(follower)
        output = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            output += piece
        os.close(leader)
        return done.wait(), output.decode()

    return run


def test_colours_are_for_terminals_that_want_them(on_terminal: OnTerminal, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    (tmp_path / "K").write_bytes(public(1).compact())
    pull = ["pull", image.folder, "-o", "x.wasm", "-K", "K"]
    code, shown = on_terminal(*pull)
    assert (code, shown.startswith(f"{GREEN}Pulled"), shown.count("\x1b") % 2) == (0, True, 0)
    assert "\x1b" not in shown.partition("digest")[2]
    code, shown = on_terminal("inspect", "none.wasm")
    assert (code, shown) == (2, f"{RED}wasm_oci: none.wasm: no such file or folder; check the path\x1b[0m\r\n")
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
        for line in (pull, ["inspect", "none.wasm"]):
            assert "\x1b" not in on_terminal(*line, **environ)[1]
    assert "\x1b" in on_terminal(*pull, NO_COLOR="")[1]
    assert "\x1b" not in on_terminal(*pull, "--output", "json")[1]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}
    piped = subprocess.run([*PROGRAM, *map(str, pull)], capture_output=True, check=True, cwd=tmp_path, env=environ)
    assert b"\x1b" not in piped.stdout


def test_no_name_chooses_a_colour(on_terminal: OnTerminal, tmp_path: Path) -> None:
    image = signed_image(tmp_path / f"Published {GREEN}image\n{GREEN}Pulled")
    _, shown = on_terminal("inspect", image.folder)
    assert "\x1b" not in shown
    _, shown = on_terminal("pull", image.folder, "-o", "x.wasm", "--allow-unsigned")
    assert shown.count(GREEN) == shown.count("\x1b[0m") == shown.count("\x1b") / 2
    assert "\\x1b[32mimage\\n" in shown


def next_command(output: str) -> list[str]:
    """The arguments of the command that a result ends with, as a shell takes them."""
    return shlex.split(output.partition("  next: wasm_oci ")[2].replace("\\\n", " "))


@pytest.mark.parametrize("signed", [True, False])
def test_what_comes_next_works_as_it_stands(run: Run, registry: RunningRegistry, tmp_path: Path, signed: bool) -> None:
    image = signed_image(tmp_path / "image") if signed else layout_of(tmp_path / "layout", component())
    (tmp_path / "PUBLIC_KEY").write_bytes(public(1).compact())
    ended = run("push", image.folder, f"{registry.host}/{NAME}:v1")
    assert f"  next: wasm_oci pull {registry.host}/{NAME}@{image.digest} " in ended.out
    assert run(*next_command(ended.out)).code == 0
    assert (tmp_path / "hello.wasm").read_bytes() == image.wasm
    assert "next:" not in run("push", image.folder, f"{registry.host}/{NAME}:v1").out


def test_what_comes_next_of_a_folder(run: Run, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", component())
    for name in ("disk", "./my disk", str(tmp_path / "abs")):
        request = f'{{"schema_version": 1, "layout": "{image.folder}", "registry": "here", "repository": "hello", "tag": "v1", '
        request += f'"registries": [{{"name": "here", "type": "layout", "path": "{name}"}}]}}'
        (tmp_path / "request.json").write_text(request)
        ended = run("push", "--request", "request.json")
        assert ended.code == 0, ended.err
        assert run(*next_command(ended.out)).code == 0


def test_no_line_of_a_result_is_longer_than_160_characters(run: Run, tmp_path: Path) -> None:
    tag, repository = "v" * 60, "my-organisation/a-team-of-ours/hello-component"
    old, new = (signed_image(tmp_path / name, text=name, detached=True) for name in ("old", "new"))
    (tmp_path / "K").write_bytes(public(1).compact())
    with start() as registry:
        reference = f"{registry.host}/{repository}:{tag}"
        outputs = []
        for image, *options in ((old,), (old,), (new, "--dry-run"), (new, "--move-tags")):
            outputs.append(run("push", image.folder, reference, "--signature-file", image.signature, *options).out)
        outputs += [run(*line).out for line in (["pull", reference, "-o", "x.wasm", "-K", "K"], ["list", f"{registry.host}/{repository}"])]
        outputs += [run("inspect", reference).out, run("push", "--help").out, run("list", "--help").out]
    assert all(outputs)
    assert max(len(line) for output in outputs for line in output.splitlines()) <= 160


def test_what_comes_next_names_the_key_that_verified(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    (tmp_path / "my key").write_bytes(public(1).compact())
    ended = run("push", image.folder, f"{registry.host}/{NAME}:v1", "-K", "my key")
    assert " -K 'my key'" in ended.out
    assert run(*next_command(ended.out)).code == 0


def test_what_comes_next_names_the_file_that_runfiles_lead_to(
    run: Run, registry: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runfiles are deep in Bazel's folders, and gone after `bazel clean`."""
    image = signed_image(tmp_path / "image")
    (tmp_path / "release.pub").write_bytes(public(1).compact())
    link = tmp_path / "publish.runfiles/_main/release.pub"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "release.pub")
    for folder, tag, shown in ((tmp_path, "v1", "release.pub"), (link.parent, "v2", str(tmp_path / "release.pub"))):
        monkeypatch.chdir(folder)
        ended = run("push", image.folder, f"{registry.host}/{tag}/{NAME}:{tag}", "-K", link)
        assert next_command(ended.out)[-1] == shown
        assert run(*next_command(ended.out)).code == 0
