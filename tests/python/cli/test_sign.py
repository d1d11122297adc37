"""`wasm_oci sign`: results, refusals, and that nothing is written after an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.signing import K1, K2, KEY_ID_1, M_HASH, M_PAYLOAD_WITH_ID, M, signed
from fakes.wasm import custom
from wasm_oci.cli.main import main
from wasm_oci.digest import Digest

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "m.wasm").write_bytes(M)
    (tmp_path / "k1.secret").write_bytes(K1.compact())
    (tmp_path / "k1.public").write_bytes(K1.public.compact())
    (tmp_path / "k1.ssh").write_bytes(K1.openssh())
    (tmp_path / "k1.pub").write_bytes(K1.public.openssh())
    (tmp_path / "k2.public").write_bytes(K2.public.compact())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sign(*more: str, source: str = "m.wasm", output: str = "out.wasm", key: str = "k1.secret") -> int:
    return main(["sign", "-i", source, "-o", output, "-k", key, *more])


@pytest.mark.parametrize(
    ("key", "more"),
    [
        ("k1.secret", []),
        ("k1.secret", ["-K", "k1.public"]),
        ("k1.secret", ["--public-key", "k1.pub"]),
        ("k1.ssh", []),
        ("k1.ssh", ["-Z", "-K", "k1.pub"]),
    ],
)
def test_embedded(files: Path, capsys: Capture, key: str, more: list[str]) -> None:
    assert sign(*more, key=key) == 0
    assert (files / "out.wasm").read_bytes() == signed(files, M, K1)
    assert capsys.readouterr().out == f"Signed: out.wasm (module, 1 signature)\nKey id: {KEY_ID_1.hex()}\n"


def test_detached(files: Path, capsys: Capture) -> None:
    assert sign("-S", "out.sig", "--output", "json") == 0
    assert (files / "out.wasm").read_bytes() == M
    assert (files / "out.sig").read_bytes() == M_PAYLOAD_WITH_ID
    assert json.loads(capsys.readouterr().out) == {
        "schemaVersion": 1,
        "kind": "module",
        "signature": "detached",
        "keyId": KEY_ID_1.hex(),
        "keyIds": [KEY_ID_1.hex()],
        "contentHash": M_HASH,
        "digest": Digest.of(M).text,
        "size": len(M),
        "signatures": 1,
        "added": True,
        "droppedSections": 0,
    }


def test_again_in_place(files: Path, capsys: Capture) -> None:
    assert sign(output="m.wasm") == 0
    before = (files / "m.wasm").read_bytes()
    assert sign(output="m.wasm") == 0
    assert (files / "m.wasm").read_bytes() == before
    assert "Already signed with this key: m.wasm (module, 1 signature)" in capsys.readouterr().out


def test_what_is_left_out_is_said(files: Path, capsys: Capture) -> None:
    (files / "m.wasm").write_bytes(M + custom("signature", b"stray"))
    assert sign() == 0
    assert "Left out: 1 signature section(s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "more", "message"),
    [
        ({}, ["-K", "k2.public"], "does not belong to the secret key"),
        ({}, ["-K", "k1.secret"], "this is a secret key"),
        ({"key": "k1.public"}, [], "this is a public key"),
        ({"key": "k1.pub"}, [], "this is a public key"),
        ({}, ["-Z"], "the key is compact, but openssh is required"),
        ({"key": "k1.ssh"}, ["-Z", "-K", "k1.public"], "the key is compact, but openssh is required"),
        ({"key": "absent"}, [], "cannot read the secret key: No such file"),
        ({"source": "absent"}, [], "cannot read the input file: No such file"),
        ({"source": "k1.public"}, [], "neither a WebAssembly module nor a component"),
        ({"output": "no/out.wasm"}, [], "cannot write the output file"),
        ({"output": "k1.secret"}, [], "this key file would be overwritten"),
        ({"output": "./k1.public"}, ["-K", "k1.public"], "this key file would be overwritten"),
        ({}, ["-S", "k1.secret"], "this key file would be overwritten"),
        ({}, ["-S", "out.wasm"], "also the input or output"),
        ({}, ["-S", "sub/../out.wasm"], "also the input or output"),
        ({}, ["-S", "sub/../m.wasm"], "also the input or output"),
        ({}, ["-S", "sub/../k1.secret"], "this key file would be overwritten"),
        ({}, ["-S", "a\0b"], "cannot look up"),
        ({}, ["--signature", "x"], "unrecognised option --signature; did you mean --signature-file?"),
    ],
)
def test_refused(files: Path, capsys: Capture, options: dict[str, str], more: list[str], message: str) -> None:
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    assert sign(*more, **options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_an_error_as_json(files: Path, capsys: Capture) -> None:
    assert sign("-K", "k2.public", "--output", "json") == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["reason"] == "key_mismatch"
    assert captured.err.count("\n") == 1


def test_help_says_what_happens_to_the_key_id(capsys: Capture) -> None:
    assert main(["sign", "--help"]) == 0
    assert "always written" in capsys.readouterr().out
