"""Signing and verifying open no socket and start no program: an audit hook of the interpreter would end the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.signing import K1, M

HOOKED = """
import sys

def hook(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system")):
        sys.stderr.write(f"audit: {event}\\n")
        raise SystemExit(99)

sys.addaudithook(hook)
from wasm_oci.cli.main import main

sys.exit(main(sys.argv[1:]))
"""


def hooked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", HOOKED, *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "m.wasm").write_bytes(M)
    (tmp_path / "k").write_bytes(K1.compact())
    (tmp_path / "K").write_bytes(K1.public.compact())
    (tmp_path / "p.yaml").write_text("default: {signing: required, plain_http: denied}\n")
    return tmp_path


def test_sign_verify_detach_and_attach(files: Path) -> None:
    for arguments, code in (
        (["sign", "-i", "m.wasm", "-o", "s.wasm", "-k", "k"], 0),
        (["verify", "-i", "s.wasm", "-K", "K"], 0),
        (["verify", "-i", "m.wasm", "-K", "K"], 4),
        (["detach", "-i", "s.wasm", "-o", "d.wasm", "-S", "d.sig"], 0),
        (["verify", "-i", "d.wasm", "-S", "d.sig", "-K", "K"], 0),
        (["attach", "-i", "d.wasm", "-o", "a.wasm", "-S", "d.sig"], 0),
        (["policy", "check", "s.wasm", "--policy", "p.yaml", "-K", "K", "--registry", "ghcr.io"], 0),
        (["policy", "explain", "m.wasm", "--policy", "p.yaml", "-K", "K", "--registry", "ghcr.io"], 3),
        (["policy", "lint", "p.yaml"], 0),
    ):
        done = hooked(files, *arguments)
        assert done.returncode == code, done.stderr
        assert "audit:" not in done.stderr


def test_the_hook_works(files: Path) -> None:
    done = hooked(files, "pull", "localhost:1/a/b:c", "-o", "x.wasm", "-K", "K")
    assert done.returncode == 99
    assert "audit: socket." in done.stderr
