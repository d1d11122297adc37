"""`wasm_oci split`, `detach` and `attach`: results and refusals; the library's tests have the details."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.signing import K1, M_PAYLOAD_WITH_ID, C, M, signed
from wasm_oci.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "m.wasm").write_bytes(M)
    (tmp_path / "c.wasm").write_bytes(C)
    (tmp_path / "signed.wasm").write_bytes(signed(tmp_path, M, K1))
    (tmp_path / "m.sig").write_bytes(M_PAYLOAD_WITH_ID)
    (tmp_path / "bad.sig").write_bytes(M_PAYLOAD_WITH_ID + b"\0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_split_gives_the_same_bytes_each_time(files: Path, capsys: Capture) -> None:
    assert main(["split", "-i", "m.wasm", "-o", "a.wasm", "-s", "^none$", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schemaVersion": 1, "file": "a.wasm", "parts": 2, "added": [1, 3]}
    assert main(["split", "-i", "m.wasm", "-o", "b.wasm", "--split-regex", "^none$"]) == 0
    assert capsys.readouterr().out == "Split: b.wasm (2 parts, 2 new delimiters)\n"
    assert (files / "a.wasm").read_bytes() == (files / "b.wasm").read_bytes() != M


def test_split_without_an_expression_is_one_part(files: Path, capsys: Capture) -> None:
    assert main(["split", "-i", "m.wasm", "-o", "m.wasm"]) == 0
    assert capsys.readouterr().out == "Split: m.wasm (1 part, 1 new delimiter)\n"


def test_detach_and_attach(files: Path, capsys: Capture) -> None:
    assert main(["detach", "-i", "signed.wasm", "-o", "out.wasm", "-S", "out.sig", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schemaVersion": 1, "file": "out.wasm", "signatureFile": "out.sig"}
    assert ((files / "out.wasm").read_bytes(), (files / "out.sig").read_bytes()) == (M, M_PAYLOAD_WITH_ID)
    assert main(["attach", "-i", "out.wasm", "-S", "out.sig", "-o", "again.wasm"]) == 0
    assert capsys.readouterr().out == "Attached: again.wasm\n"
    assert (files / "again.wasm").read_bytes() == (files / "signed.wasm").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["split", "-i", "signed.wasm", "-s", "^none$"], "split the unsigned file, then sign it"),
        (["split", "-i", "m.wasm", "-s", "("], "is not a usable regular expression"),
        (["detach", "-i", "m.wasm", "-S", "x.sig"], "the file is not signed"),
        (["attach", "-i", "c.wasm", "-S", "m.sig"], "the signature is not of this file"),
        (["attach", "-i", "signed.wasm", "-S", "m.sig"], "holds a signature already"),
        (["attach", "-i", "m.wasm", "-S", "bad.sig"], "malformed"),
    ],
)
def test_refusals_write_nothing(files: Path, capsys: Capture, arguments: list[str], message: str) -> None:
    before = {path.name for path in files.iterdir()}
    assert main([*arguments, "-o", "out.wasm"]) == 2
    assert message in capsys.readouterr().err
    assert {path.name for path in files.iterdir()} == before
