"""`wasm_oci verify`: 0, or 4 with a reason; a report only of what verified."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.signing import K1, K2, KEY_ID_1, M_HASH, M_SIGNED, SPKI_1, M, detached, signed
from wasm_oci.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    plain, signature = detached(tmp_path, M, K1)
    (tmp_path / "signed.wasm").write_bytes(signed(tmp_path, M, K1))
    (tmp_path / "plain.wasm").write_bytes(plain)
    (tmp_path / "plain.sig").write_bytes(signature)
    (tmp_path / "k1.public").write_bytes(K1.public.compact())
    (tmp_path / "k1.pub").write_bytes(K1.public.openssh())
    (tmp_path / "k2.public").write_bytes(K2.public.compact())
    (tmp_path / "both.pub").write_bytes(b"# team\n" + K2.public.openssh() + K1.public.openssh())
    (tmp_path / "k1.secret").write_bytes(K1.compact())
    (tmp_path / "k1.pem").write_bytes(SPKI_1)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["-i", "signed.wasm", "-K", "k1.public"],
        ["--input-file", "signed.wasm", "--public-key", "k1.pub", "--openssh"],
        ["-i", "signed.wasm", "-K", "k2.public", "-K", "k1.public"],
        ["-i", "signed.wasm", "-K", "both.pub", "-Z"],
        ["-i", "plain.wasm", "-K", "k1.public", "-S", "plain.sig"],
    ],
)
def test_verified(files: Path, capsys: Capture, arguments: list[str]) -> None:
    assert main(["verify", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Verified: ")
    assert KEY_ID_1.hex() in captured.out
    assert captured.err == ""


def test_report_is_the_document_and_names_no_path(files: Path, capsys: Capture) -> None:
    source = str(files / "signed.wasm")
    assert main(["verify", "-i", source, "-K", "k1.public", "--report", "r.json", "--output", "json"]) == 0
    report = (files / "r.json").read_text()
    assert report == capsys.readouterr().out
    assert json.loads(report) == {
        "schemaVersion": 1,
        "verified": True,
        "kind": "module",
        "signature": "embedded",
        "keyId": KEY_ID_1.hex(),
        "publicKey": K1.public.raw.hex(),
        "keyIds": [KEY_ID_1.hex()],
        "keyIdsSeen": [KEY_ID_1.hex()],
        "contentHash": M_HASH,
        "parts": 1,
        "skippedParts": 0,
    }
    assert str(files) not in report


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-i", "plain.wasm", "-K", "k1.public"], "unsigned"),
        (["-i", "signed.wasm", "-K", "k2.public"], "no_trusted_key"),
        (["-i", "plain.sig", "-K", "k1.public"], "malformed_module"),
        (["-i", "absent.wasm", "-K", "k1.public"], "malformed_module"),
        (["-i", ".", "-K", "k1.public"], "malformed_module"),
        (["-i", "signed.wasm", "-S", "plain.sig", "-K", "k1.public"], "content_changed"),
        (["-i", "plain.wasm", "-S", "plain.wasm", "-K", "k1.public"], "malformed_signature"),
        (["-i", "plain.wasm", "-S", "absent.sig", "-K", "k1.public"], "malformed_signature"),
    ],
)
def test_not_verified(files: Path, capsys: Capture, arguments: list[str], reason: str) -> None:
    assert main(["verify", *arguments, "--report", "r.json", "--output", "json"]) == 4
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["exitCode"], document["error"]["reason"]) == (4, reason)
    assert captured.err.startswith("wasm_oci: ")
    assert captured.err.count("\n") == 1
    assert not (files / "r.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-K", "k1.secret"], "this is a secret key"),
        (["-K", "k1.pem", "-Z"], "the key is pem, but openssh is required"),
        (["-K", "absent"], "cannot read the public key"),
        (["-Z", "-K", "k1.pub", "-K", "k1.public"], "the key is compact, but openssh is required"),
        ([], "-K"),
        (["-K", "k1.public", "--report", "no/r.json"], "cannot write the report"),
    ],
)
def test_usage(files: Path, capsys: Capture, arguments: list[str], message: str) -> None:
    assert main(["verify", "-i", "signed.wasm", *arguments]) == 2
    assert message in capsys.readouterr().err


OVERWRITES = {
    "signed.wasm": ["-i", "signed.wasm", "-K", "k1.public"],
    "k1.public": ["-i", "signed.wasm", "-K", "k2.public", "-K", "k1.public"],
    "plain.sig": ["-i", "plain.wasm", "-K", "k1.public", "-S", "plain.sig"],
    "plain.wasm.sig": ["-K", "k1.public", "--detached", "plain.wasm"],
    "list.yaml": ["-i", "signed.wasm", "--trusted-keys", "list.yaml"],
    "plain.wasm": ["-K", "k1.public", "signed.wasm", "plain.wasm"],
}


@pytest.mark.parametrize("name", OVERWRITES)
def test_a_report_replaces_nothing_that_is_read(files: Path, capsys: Capture, name: str) -> None:
    (files / "list.yaml").write_text("keys:\n  - name: one\n    public_key_file: k1.public\n")
    (files / "plain.wasm.sig").write_bytes((files / "plain.sig").read_bytes())
    before = (files / name).read_bytes()
    assert main(["verify", *OVERWRITES[name], "--report", f"../{files.name}/{name}"]) == 2
    assert "this input would be overwritten; name another output" in capsys.readouterr().err
    assert (files / name).read_bytes() == before


def test_every_flipped_byte_is_exit_4(files: Path) -> None:
    for index in range(len(M_SIGNED)):
        flipped = bytearray(M_SIGNED)
        flipped[index] ^= 1
        (files / "flipped.wasm").write_bytes(flipped)
        assert main(["verify", "-i", "flipped.wasm", "-K", "k1.public"]) == 4


@pytest.mark.parametrize("name", ["plain.wasm", "k1.pub"])
def test_a_file_that_is_not_a_signature_is_named(files: Path, capsys: Capture, name: str) -> None:
    assert main(["verify", "-i", "plain.wasm", "-S", name, "-K", "k1.public"]) == 4
    error = "the signature is not a wasmsign2 signature; give a detached signature file, or sign the file again"
    assert capsys.readouterr().err == f"wasm_oci: {name}: {error}\n"
