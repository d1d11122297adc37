"""The example of a signing program: it speaks the protocol, and refuses what is no message of wasmsign2."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.signing import K1, K2, KEY_ID_1, M, signed
from wasm_oci.cli.main import main

PROGRAM = Path(__file__).parents[4] / "examples/signing/hsm_sign.py"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    folder = tmp_path / "a token"
    folder.mkdir()
    (folder / f"{KEY_ID_1.hex()}.pem").write_bytes(K1.encoded("pem"))
    for name, data in {"m.wasm": M, "k1.public": K1.public.compact(), "k2.public": K2.public.compact()}.items():
        (tmp_path / name).write_bytes(data)
    return folder


def sign(token: Path, public: str) -> int:
    command = shlex.join([sys.executable, str(PROGRAM), str(token)])
    return main(["sign", "-i", "m.wasm", "-o", "out.wasm", "--key-source", "command", "--key-ref", command, "-K", public])


def test_it_signs(token: Path, tmp_path: Path) -> None:
    assert sign(token, "k1.public") == 0
    assert (tmp_path / "out.wasm").read_bytes() == signed(tmp_path, M, K1)


def test_a_key_that_the_token_has_not(token: Path, tmp_path: Path, capsys: Capture) -> None:
    assert sign(token, "k2.public") == 2
    assert "the signing program failed: the token has no key 1b3e7ee50e0b7c24934a4e01" in capsys.readouterr().err
    (token / f"{K2.public.key_id.hex()}.pem").write_bytes(K1.encoded("pem"))
    assert sign(token, "k2.public") == 2
    assert "the signature that came back is not by the key 1b3e7ee50e0b7c24934a4e01" in capsys.readouterr().err
    assert not (tmp_path / "out.wasm").exists()


@pytest.mark.parametrize("message", [b"", b"SSHSIG", b"wasmsig\1\1\1" + bytes(4096)])
def test_it_signs_nothing_else(token: Path, message: bytes) -> None:
    environ = {**os.environ, "WASM_OCI_KEY_ID": KEY_ID_1.hex()}
    done = subprocess.run([sys.executable, PROGRAM, token], input=message, capture_output=True, env=environ, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"this is no message of wasmsign2\n")
