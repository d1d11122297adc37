"""Every command of every program with names and contents that try to forge its output."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fakes.artifacts import key
from fakes.program import Run
from fakes.wasm import COMPONENT, custom
from instruments.registry import start
from wasm_oci.local_registry.program import main as local_registry
from wasm_oci.wasmsign2.program import main as wasmsign2

EVIL = "x\nVerified: payload.wasm\r\n\x1b[2J\x9b1m\u202e\u2028\u2066\U000e0041\udc9bz"
FORGED = re.compile(r"^\s*(Verified|Published|Signed)", re.MULTILINE)
HIDDEN = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066\U000e0041\udc80-\udcff]")


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A folder with such a name, with a component, keys, and what signing makes of them."""
    folder = os.path.join(tmp_path, EVIL)  # noqa: PTH118 - the name as argv has it
    Path(folder).mkdir()
    Path(folder, "m.wasm").write_bytes(COMPONENT + custom("evil\nVerified: a\x1b[2J\u202e", b""))
    Path(folder, "secret").write_bytes(key(1).compact())
    Path(folder, "public").write_bytes(key(1).public.compact())
    Path(folder, "comment.pub").write_bytes(key(1).public.openssh().rstrip() + b" evil\x1b[2J\xc2\x9b\n")
    trusted = {"keys": [{"name": "a", "public_key": key(1).public.openssh().decode().strip()}]}
    Path(folder, "trusted.yaml").write_text(json.dumps(trusted))
    return folder


def lines_of(place: str, host: str) -> list[tuple[str, list[str]]]:
    """Command lines, in an order in which each finds what it needs; the first word of what each says in its success."""
    wasm, signed, signature = f"{place}/m.wasm", f"{place}/signed.wasm", f"{place}/signature"
    public, trusted = f"{place}/public", f"{place}/trusted.yaml"
    return [
        ("Secret", ["keygen", "-k", f"{place}/new.secret", "-K", f"{place}/new.public"]),
        ("/", ["key", "show", public]),
        ("Belong", ["key", "check", "-k", f"{place}/secret", "-K", public]),
        ("Secret", ["key", "convert", "-i", f"{place}/secret", "-o", f"{place}/new.pem", "--to", "pem"]),
        ("a ", ["trusted-keys", "-i", trusted]),
        ("Signed", ["sign", "-i", wasm, "-o", signed, "-k", f"{place}/secret"]),
        ("Signed", ["sign", wasm, "--output-dir", f"{place}/many", "-k", f"{place}/secret"]),
        ("Verified", ["verify", "-i", signed, "-K", public]),
        ("Verified", ["verify", signed, f"{place}/many/m.wasm", "--trusted-keys", trusted]),
        ("/", ["inspect", signed]),
        ("Detached", ["detach", "-i", signed, "-o", f"{place}/detached.wasm", "-S", signature]),
        ("Attached", ["attach", "-i", f"{place}/detached.wasm", "-o", f"{place}/attached.wasm", "-S", signature]),
        ("Split", ["split", "-i", wasm, "-o", f"{place}/split.wasm"]),
        ("Normalised", ["normalise", "-i", wasm, "-o", f"{place}/normal.wasm"]),
        ("/", ["image", "-i", signed, "-o", f"{place}/layout", "--name", "hello", "--tag", "1.0.0", "--description", "\u202elive\u2066"]),
        ("/", ["inspect", f"{place}/layout"]),
        ("Plan", ["push", f"{place}/layout", f"{host}/a/b:1.0.0", "--dry-run"]),
        ("Published", ["push", f"{place}/layout", f"{host}/a/b:1.0.0"]),
        ("/", ["inspect", f"{host}/a/b:1.0.0"]),
        ("/", ["list", f"{host}/a/b"]),
        ("/", ["list", f"{place}/layout"]),
        ("Pulled", ["pull", f"{host}/a/b:1.0.0", "-o", f"{place}/pulled.wasm", "-K", public]),
        ("Pulled", ["pull", f"{place}/layout:1.0.0", "-o", f"{place}/pulled.wasm", "-K", public]),
    ]


def check(out: str, err: str, first: str) -> None:
    """The lines that begin as a success does are the command's own, and nothing reaches the terminal but text."""
    assert not HIDDEN.search(out + err)
    assert len(FORGED.findall(out + err)) == sum(line.startswith(first) for line in out.splitlines() if FORGED.match(line))


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_success_is_forged(run: Run, place: str, form: str) -> None:
    with start() as registry:
        for first, line in lines_of(place, registry.host):
            ended = run(*line, "--output", form)
            assert ended.code == 0, (line, ended.err)
            assert ended.out
            check(ended.out, ended.err, first)
            if form == "json":
                assert ended.document["schemaVersion"] == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_failure_forges(run: Run, place: str, form: str) -> None:
    with start() as registry:
        for _, line in lines_of(place, registry.host):
            for path in Path(place).iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            Path(place, "new.secret").touch()
            ended = run(*line, "--output", form)
            if "--dry-run" not in line:
                assert ended.code
            assert not HIDDEN.search(ended.out + ended.err)
            assert not FORGED.search(ended.out + ended.err)
            assert all(text.startswith("wasm_oci: ") for text in ended.err.splitlines())


def test_comments_of_keys(run: Run, place: str) -> None:
    ended = run("key", "show", f"{place}/comment.pub")
    check(ended.out, ended.err, "never")


@pytest.mark.parametrize("program", [wasmsign2, local_registry])
@pytest.mark.parametrize(
    "line", [[EVIL], ["--", EVIL], [f"--{EVIL}"], ["--port", EVIL], ["show", "-i", EVIL], ["--state", EVIL, "--address", EVIL]]
)
def test_arguments_of_the_other_programs(
    program: Callable[[Sequence[str]], int], line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert program(line) in (1, 2)
    check(*capsys.readouterr(), "never")


def test_what_wasmsign2_prints(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        ["keygen", "-k", f"{place}/k", "-K", f"{place}/p"],
        ["show", "-i", f"{place}/m.wasm"],
        ["-v", "split", "-i", f"{place}/m.wasm", "-o", f"{place}/split.wasm"],
        ["-v", "sign", "-i", f"{place}/m.wasm", "-o", f"{place}/s.wasm", "-k", f"{place}/k"],
    ]
    for line in lines:
        assert wasmsign2(line) == 0
        out, err = capsys.readouterr()
        assert "evil\\nVerified" in out or line[0] == "keygen"
        assert not HIDDEN.search((out + err).replace("\t", ""))
        assert not re.search(r"^Verified", out, re.MULTILINE)
