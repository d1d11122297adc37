"""The process `wasmsign2`: its streams, and the signals that end it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.signing import K1, M_SIGNED, M
from wasm_oci.wasmsign2.program import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PROGRAM = [sys.executable, "-m", "wasm_oci.wasmsign2.program"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {"m": M, "k1": K1.compact(), "p1": K1.public.compact(), "signed": M_SIGNED}.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def shell(folder: Path, arguments: str, target: str) -> tuple[int, str, str]:
    line = ["sh", "-c", f'"$@" {target}', "sh", *PROGRAM, *arguments.split()]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "line", [["--\x1b[31m"], ["-\x1b"], ["\x1b"], ["sign", "--\x1b[31m"], ["sign", "-\x1b"], ["sign", "a\nb"], ["help", "\x1b"]]
)
def test_errors_about_arguments_are_escaped(capsys: pytest.CaptureFixture[str], line: list[str]) -> None:
    assert main(line) == 2
    lines = capsys.readouterr().err.rstrip("\n").split("\n")
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("arguments", "target", "code", "error"),
    [
        ("sign -i m -o out -k k1", ">&-", 0, ""),
        ("verify -i signed -K p1", ">&-", 0, ""),
        ("verify -i m -K p1", ">&- 2>&-", 1, ""),
        ("verify -i signed -K m", "2>&-", 1, ""),
        ("--help", ">&-", 0, ""),
        ("sign -i m -o out -k k1", ">/dev/full", 1, "I/O error\n"),
        ("show -i m", ">/dev/full", 1, "I/O error\n"),
        ("--help", ">/dev/full", 1, "I/O error\n"),
    ],
)
def test_streams_that_take_nothing(folder: Path, arguments: str, target: str, code: int, error: str) -> None:
    """The published program writes to closed ones without an error too, and is aborted by a full disk."""
    assert shell(folder, arguments, target) == (code, "", error)
    assert not (folder / "out").exists() or (folder / "out").read_bytes() == M_SIGNED
    assert (folder / "out").exists() == arguments.startswith("sign")


def test_a_reader_that_leaves(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    arguments = ["sign", "-i", "m", "-o", "out", "-k", "k1"]
    done = subprocess.run(
        [*PROGRAM, *arguments], cwd=folder, stdout=writer, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, timeout=60, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "I/O error\n")
    assert (folder / "out").read_bytes() == M_SIGNED


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_leaves_no_temporary_file(folder: Path, name: str, code: int) -> None:
    script = f"""
import os, signal, sys
from wasm_oci.wasmsign2 import program as wasmsign2
from wasm_oci.wasmsign.content import Content

def copy(*_, **options):
    assert [name for name in os.listdir() if name.endswith(".tmp")]
    os.kill(os.getpid(), signal.{name})
    signal.pause()

Content.copy = copy
sys.argv[1:] = ["sign", "-i", "m", "-o", "out", "-k", "k1"]
wasmsign2.program()
"""
    before = sorted(path.name for path in folder.iterdir())
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert sorted(path.name for path in folder.iterdir()) == before
