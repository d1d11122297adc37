"""`wasm_oci sign FILE...`: every file is tried, each has its own result, and the keys are opened once."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakes.signing import K1, K2, KEY_ID_1, M_PAYLOAD_WITH_ID, C, M, signed
from wasm_oci.cli.main import main
from wasm_oci.digest import Digest

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name, data in {"m.wasm": M, "c.wasm": C, "bad.wasm": b"no wasm", "k.secret": K1.compact(), "k2.secret": K2.compact()}.items():
        (tmp_path / "in" / name).write_bytes(data)
    return tmp_path


def sign(*arguments: str) -> int:
    return main(["sign", "-k", "in/k.secret", *arguments])


def test_embedded(files: Path, capsys: Capture) -> None:
    assert sign("--output-dir", "out/deep", "in/m.wasm", "in/c.wasm") == 0
    assert (files / "out/deep/m.wasm").read_bytes() == signed(files, M, K1)
    assert (files / "out/deep/c.wasm").read_bytes() == signed(files, C, K1)
    assert capsys.readouterr().out == ("Signed: out/deep/m.wasm (module, 1 signature)\nSigned: out/deep/c.wasm (component, 1 signature)\n")


def test_detached_with_two_keys_as_json(files: Path, capsys: Capture) -> None:
    assert sign("--output-dir", "out", "--detached", "-k", "in/k2.secret", "in/m.wasm", "--output", "json") == 0
    assert (files / "out/m.wasm").read_bytes() == M
    assert (files / "out/m.wasm.sig").read_bytes()[:20] != M_PAYLOAD_WITH_ID[:20]
    (entry,) = json.loads(capsys.readouterr().out)["files"]
    expected = {
        "input": "in/m.wasm",
        "output": "out/m.wasm",
        "signatureFile": "out/m.wasm.sig",
        "signature": "detached",
        "keyId": KEY_ID_1.hex(),
        "digest": Digest.of(M).text,
        "signatures": 2,
    }
    assert {name: entry[name] for name in expected} == expected


def test_in_place(files: Path) -> None:
    assert sign("--output-dir", "in", "in/m.wasm") == 0
    assert (files / "in/m.wasm").read_bytes() == signed(files, M, K1)


def test_a_failure_does_not_stop_the_others(files: Path, capsys: Capture) -> None:
    assert sign("--output-dir", "out", "in/absent.wasm", "in/bad.wasm", "in/m.wasm", "--output", "json") == 2
    captured = capsys.readouterr()
    assert [line.split(":")[:2] for line in captured.err.splitlines()] == [["wasm_oci", " in/absent.wasm"], ["wasm_oci", " in/bad.wasm"]]
    absent, bad, good = json.loads(captured.out)["files"]
    assert (absent["error"]["reason"], absent["exitCode"]) == ("usage", 2)
    assert bad["error"]["where"] == "in/bad.wasm"
    assert good["added"]
    assert sorted(path.name for path in (files / "out").iterdir()) == ["m.wasm"]


def test_the_keys_are_opened_once(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """stdin can be read once only."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(K1.compact())))
    names = []
    for number in range(20):
        names.append(f"in/{number}.wasm")
        (files / names[-1]).write_bytes(M)
    assert main(["sign", "--key-source", "stdin", "--output-dir", "out", "-q", *names]) == 0
    assert {path.read_bytes() for path in (files / "out").iterdir()} == {signed(files, M, K1)}


REFUSED = {
    "no folder": (["in/m.wasm"], "no folder to write to is given; give --output-dir DIR"),
    "no files": (["--output-dir", "out"], "no file to sign is given; give FILE..."),
    "one name twice": (["--output-dir", "out", "in/m.wasm", "in/../in/m.wasm"], "two files would have this name"),
    "a name of a signature": (["--output-dir", "out", "--detached", "in/m.wasm", "in/m.wasm.sig"], "two files would have this name"),
    "over a key": (["--output-dir", "in", "in/k.secret"], "this key file would be overwritten"),
    "folder is a file": (["--output-dir", "in/m.wasm", "in/c.wasm"], "cannot make the folder"),
    "with -o": (["--output-dir", "out", "in/m.wasm", "-o", "x"], "-i, -o and -S are for one file"),
    "with -i": (["--output-dir", "out", "in/m.wasm", "-i", "x"], "-i, -o and -S are for one file"),
    "with -S": (["--output-dir", "out", "in/m.wasm", "-S", "x"], "-i, -o and -S are for one file"),
    "with -Z": (["--output-dir", "out", "in/m.wasm", "-Z"], "the key is compact, but openssh is required"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_written(files: Path, capsys: Capture, name: str) -> None:
    options, message = REFUSED[name]
    assert sign(*options) == 2
    assert message in capsys.readouterr().err
    assert not (files / "out").exists()
    assert (files / "in/m.wasm").read_bytes() == M
