"""`wasm_oci sign --request`: what `bazel run` of a wasm_sign target does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.signing import K1, K2, M_PAYLOAD_WITH_ID, PKCS8_1, M, signed
from wasm_oci.cli.main import main
from wasm_oci.digest import Digest

Capture = pytest.CaptureFixture[str]
KEY = {"public_key": "_main/k.pub", "source": {"kind": "env", "ref": "SIGNING_KEY"}}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, data in {
        "m_unsigned.wasm": M,
        "m_signed.wasm": signed(tmp_path, M, K1),
        "m_signature.sig": M_PAYLOAD_WITH_ID,
        "k.pub": K1.public.openssh(),
        "k2.pub": K2.public.openssh(),
    }.items():
        path = tmp_path / "runfiles" / "_main" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path / "user")
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path / "runfiles"))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    monkeypatch.setenv("SIGNING_KEY", K1.openssh().decode())
    return tmp_path


def request(files: Path, **changed: Any) -> str:
    document = {
        "schema_version": 1,
        "input": "_main/m_unsigned.wasm",
        "openssh": False,
        "output": "m_signed.wasm",
        "signature": None,
        "keys": [KEY],
        "signed": None,
        "signed_signature": None,
    } | changed
    (files / "request.json").write_text(json.dumps({name: value for name, value in document.items() if value != "absent"}))
    return str(files / "request.json")


def test_embedded_under_its_name(files: Path, capsys: Capture) -> None:
    assert main(["sign", "--request", request(files)]) == 0
    expected = signed(files, M, K1)
    assert (files / "user/m_signed.wasm").read_bytes() == expected
    assert capsys.readouterr().out.splitlines()[-1] == f"Digest: {Digest.of(expected).text}"


def test_detached_under_other_names(files: Path, capsys: Capture) -> None:
    path = request(files, signature="m_signature.sig", openssh=True)
    assert main(["sign", "--request", path, "-o", "a.wasm", "-S", "b.sig", "--output", "json"]) == 0
    assert (files / "user/a.wasm").read_bytes() == M
    assert (files / "user/b.sig").read_bytes() == M_PAYLOAD_WITH_ID
    document = json.loads(capsys.readouterr().out)
    assert (document["output"], document["signatureFile"]) == ("a.wasm", "b.sig")
    assert (document["digest"], document["signature"]) == (Digest.of(M).text, "detached")
    assert main(["sign", "--request", path]) == 0
    assert sorted(file.name for file in (files / "user").iterdir()) == ["a.wasm", "b.sig", "m_signature.sig", "m_signed.wasm"]


def test_what_the_build_signed_is_copied(files: Path, capsys: Capture) -> None:
    embedded = request(files, keys=[], signed="_main/m_signed.wasm", signed_signature=None)
    assert main(["sign", "--request", embedded]) == 0
    assert (files / "user/m_signed.wasm").read_bytes() == signed(files, M, K1)
    assert "Digest: sha256:" in capsys.readouterr().out
    detached = request(files, keys=[], signature="m.sig", signed="_main/m_unsigned.wasm", signed_signature="_main/m_signature.sig")
    assert main(["sign", "--request", detached, "-o", "m.wasm", "--output", "json"]) == 0
    assert (files / "user/m.wasm").read_bytes() == M
    assert (files / "user/m.sig").read_bytes() == M_PAYLOAD_WITH_ID
    assert json.loads(capsys.readouterr().out) == {
        "schemaVersion": 1,
        "output": "m.wasm",
        "signatureFile": "m.sig",
        "digest": Digest.of(M).text,
    }


REFUSED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "other version": ({"schema_version": 2}, [], "unsupported schema_version 2: this program reads 1; build the target again"),
    "no version": ({"schema_version": "absent"}, [], "schema_version is missing; build the target again"),
    "no input": ({"input": "absent"}, [], "request.json: input: the member is missing; build the target again"),
    "unknown member": ({"signer": "x"}, [], "signer: unknown member 'signer' (did you mean signed?); build the target again"),
    "other spelling": ({"signedSignature": None}, [], "unknown member 'signedSignature' (did you mean signed_signature?)"),
    "openssh is text": ({"openssh": "yes"}, [], "openssh: expected true or false, not 'yes'"),
    "keys is an object": ({"keys": {}}, [], "keys: expected a list, not an object"),
    "a key without source": ({"keys": [{"public_key": "_main/k.pub"}]}, [], "keys[0].source: the member is missing"),
    "a key that is text": ({"keys": ["x"]}, [], "keys[0]: expected an object, not 'x'"),
    "a key without its public half": ({"keys": [{**KEY, "public_key": None}]}, [], "keys[0].public_key: the public key is missing"),
    "unknown source": ({"keys": [{**KEY, "source": {"kind": "vault", "ref": "x"}}]}, [], "unknown key source 'vault'"),
    "a reference that is no text": ({"keys": [{**KEY, "source": {"kind": "env", "ref": 7357}}]}, [], "ref: expected text, not a number"),
    "unset variable": ({"keys": [{**KEY, "source": {"kind": "env", "ref": "UNSET_KEY"}}]}, [], "the variable UNSET_KEY is not set"),
    "other public key": ({"keys": [{**KEY, "public_key": "_main/k2.pub"}]}, [], "does not belong to the secret key"),
    "public key not there": (
        {"keys": [{**KEY, "public_key": "_main/k3.pub"}]},
        [],
        "keys[0].public_key: the file '_main/k3.pub' is not in the runfiles",
    ),
    "input not there": ({"input": "_main/x.wasm"}, [], "is not in the runfiles"),
    "neither keys nor file": ({"keys": []}, [], "neither keys nor a signed file"),
    "no signature of the build": (
        {"keys": [], "signature": "m.sig", "signed": "_main/m_signed.wasm"},
        [],
        "neither keys nor a signed file",
    ),
    "-S for an embedded one": ({}, ["-S", "x"], "this target embeds its signature"),
    "-k": ({}, ["-k", "x"], "does not go with --request"),
    "-K": ({}, ["-K", "x"], "does not go with --request"),
    "-Z": ({}, ["-Z"], "openssh does not go with --request"),
    "--detached": ({}, ["--detached"], "detached does not go with --request"),
    "--key-ref": ({}, ["--key-ref", "X"], "key-ref does not go with --request"),
    "a passphrase for what is signed": (
        {"keys": [], "signed": "_main/k.pub"},
        ["--passphrase-env", "X"],
        "the build has signed this file",
    ),
    "-i": ({}, ["-i", "x"], "does not go with --request"),
    "files": ({}, ["x"], "does not go with --request"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(files: Path, capsys: Capture, name: str) -> None:
    changed, more, message = REFUSED[name]
    assert main(["sign", "--request", request(files, **changed), *more]) == 2
    assert message in capsys.readouterr().err
    assert list((files / "user").iterdir()) == []


def test_openssh_is_required_of_the_key_too(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("SIGNING_KEY", PKCS8_1.decode())
    assert main(["sign", "--request", request(files, openssh=True)]) == 2
    assert "env SIGNING_KEY: the key is pem, but openssh is required" in capsys.readouterr().err
