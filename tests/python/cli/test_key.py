"""`wasm_oci key`: shows, converts and checks keys of every form, and never shows a secret by itself."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from fakes.signing import K1, K2, KEY_ID_1, PKCS8_1, SPKI_1, SSH_LINE_1
from wasm_oci.cli.main import main
from wasm_oci.keys.key import FORMATS, PublicKey, SecretKey, load_public_key, load_secret_key

Capture = pytest.CaptureFixture[str]
COMMENTED = SecretKey(seed=K1.seed, public=PublicKey(raw=K1.public.raw, comment="release \x1b[31mkey"))

ENCRYPTED = {
    form: Ed25519PrivateKey.from_private_bytes(K1.seed).private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"open sesame"))
    for form in (PrivateFormat.OpenSSH, PrivateFormat.PKCS8)
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WASM_OCI_PASSPHRASE", raising=False)
    for name, data in {
        "compact.secret": K1.compact(),
        "openssh.secret": COMMENTED.openssh(),
        "pem.secret": PKCS8_1,
        "compact.public": K1.public.compact(),
        "openssh.public": f"{SSH_LINE_1} {COMMENTED.public.comment}\n".encode(),
        "pem.public": SPKI_1,
        "encrypted": ENCRYPTED[PrivateFormat.OpenSSH],
        "encrypted.pem": ENCRYPTED[PrivateFormat.PKCS8],
        "list": K1.public.openssh() + K2.public.openssh(),
        "k2.public": K2.public.compact(),
    }.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def no_secret(text: str) -> bool:
    forms = [K1.seed.hex(), base64.b64encode(K1.seed).decode()[:40], base64.b64encode(K1.compact()).decode()[:40]]
    return not any(form in text for form in [*forms, PKCS8_1.decode().splitlines()[1]])


@pytest.mark.parametrize("key_format", FORMATS)
@pytest.mark.parametrize("half", ["secret", "public"])
def test_show(files: Path, capsys: Capture, key_format: str, half: str) -> None:
    assert main(["key", "show", f"{key_format}.{half}"]) == 0
    out = capsys.readouterr().out
    assert f"{key_format}.{half}: {half} key, {key_format}\n" in out
    assert f"Key id:     {KEY_ID_1.hex()}\nPublic key: {K1.public.raw.hex()}\nOpenSSH:    {SSH_LINE_1}" in out
    assert "\x1b" not in out
    assert no_secret(out)
    assert main(["key", "show", f"{key_format}.{half}", "--output", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["secret"], document["encrypted"]) == (half == "secret", False)
    (key,) = document["keys"]
    assert (key["format"], key["keyId"], key["publicKey"]) == (key_format, KEY_ID_1.hex(), K1.public.raw.hex())
    assert key["comment"] == ("release \x1b[31mkey" if key_format == "openssh" else "")


def test_show_a_list(files: Path, capsys: Capture) -> None:
    assert main(["key", "show", "list", "--output", "json"]) == 0
    keys = json.loads(capsys.readouterr().out)["keys"]
    assert [key["publicKey"] for key in keys] == [K1.public.raw.hex(), K2.public.raw.hex()]


def test_show_an_encrypted_key(files: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["key", "show", "encrypted"]) == 0
    out = capsys.readouterr().out
    assert f"encrypted: secret key, openssh, encrypted\nKey id:     {KEY_ID_1.hex()}\n" in out
    assert main(["key", "show", "encrypted.pem"]) == 2
    assert "no passphrase was given" in capsys.readouterr().err
    monkeypatch.setenv("WASM_OCI_PASSPHRASE", "open sesame")
    assert main(["key", "show", "encrypted.pem"]) == 0
    out = capsys.readouterr().out
    assert f"secret key, pem, encrypted\nKey id:     {KEY_ID_1.hex()}\n" in out
    assert no_secret(out)


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("source", ["compact", "openssh", "pem"])
def test_convert(files: Path, capsys: Capture, source: str, to: str) -> None:
    assert main(["key", "convert", "-i", f"{source}.secret", "-o", "new.secret", "--to", to]) == 0
    assert main(["key", "convert", "-i", f"{source}.public", "-o", "new.public", "--to", to]) == 0
    assert main(["key", "convert", "-i", f"{source}.secret", "-o", "half.public", "--to", to, "--public"]) == 0
    secret, public = load_secret_key(files / "new.secret"), load_public_key(files / "new.public")
    assert (secret.seed, secret.public.format) == (K1.seed, to)
    assert (public, public.format) == (K1.public, to)
    assert (files / "half.public").read_bytes() == (files / "new.public").read_bytes()
    assert stat.S_IMODE((files / "new.secret").stat().st_mode) == 0o600
    captured = capsys.readouterr()
    assert "keep it to yourself" in captured.out
    assert no_secret(captured.out + captured.err)


def test_convert_an_encrypted_key(files: Path, capsys: Capture) -> None:
    (files / "passphrase").write_text("open sesame\n")
    for name in ("encrypted", "encrypted.pem"):
        assert main(["key", "convert", "-i", name, "-o", f"{name}.new", "--to", "compact", "--passphrase-file", "passphrase"]) == 0
        assert (files / f"{name}.new").read_bytes() == K1.compact()
    assert main(["key", "convert", "-i", "encrypted", "-o", "encrypted.pub", "--to", "openssh", "--public"]) == 0
    assert (files / "encrypted.pub").read_text() == SSH_LINE_1 + "\n"


def test_convert_to_base64_on_stdout(files: Path, capsys: Capture) -> None:
    assert main(["key", "convert", "-i", "pem.secret", "--to", "base64"]) == 0
    assert base64.b64decode(capsys.readouterr().out, validate=False) == K1.compact()
    assert main(["key", "convert", "-i", "pem.secret", "--to", "base64", "--public", "--output", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"schemaVersion": 1, "secret": False, "base64": base64.b64encode(K1.public.compact()).decode()}


def test_a_list_becomes_a_list(files: Path) -> None:
    assert main(["key", "convert", "-i", "list", "-o", "new", "--to", "openssh"]) == 0
    assert (files / "new").read_bytes() == (files / "list").read_bytes()


CHECKS = {
    "file": ["-k", "pem.secret", "-K", "compact.public"],
    "two": ["-k", "pem.secret", "-K", "compact.public", "-k", "openssh.secret", "-K", "openssh.public"],
    "variable": ["--key-source", "env", "--key-ref", "SIGNING_KEY", "-K", "pem.public"],
    "encrypted": ["-k", "encrypted", "-K", "pem.public", "--passphrase-env", "MY_PASSPHRASE"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_check(files: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SIGNING_KEY", PKCS8_1.decode())
    monkeypatch.setenv("MY_PASSPHRASE", "open sesame")
    assert main(["key", "check", *CHECKS[name]]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Belong together: ")
    assert f"(key id {KEY_ID_1.hex()})" in out
    assert main(["key", "check", *CHECKS[name], "--output", "json"]) == 0
    keys = json.loads(capsys.readouterr().out)["keys"]
    assert {key["publicKey"] for key in keys} == {K1.public.raw.hex()}


def test_check_asks_for_a_message_of_wasmsign2(files: Path, capsys: Capture) -> None:
    code = "import sys; sys.stderr.write(sys.stdin.buffer.read().hex()); sys.exit(1)"
    command = shlex.join([sys.executable, "-c", code])
    assert main(["key", "check", "--key-source", "command", "--key-ref", command, "-K", "pem.public"]) == 2
    digest = hashlib.sha256(b"wasm_oci key check").hexdigest()
    assert f"failed: 7761736d736967010101{digest};" in capsys.readouterr().err


REFUSED = {
    "show nothing": (["show", "absent"], "cannot read the key file"),
    "show a text": (["show", "passwords"], "it holds no Ed25519 key"),
    "overwrite": (["convert", "-i", "pem.secret", "-o", "list", "--to", "pem"], "the key file exists already"),
    "base64 to a file": (["convert", "-i", "pem.secret", "-o", "x", "--to", "base64"], "base64 is written to stdout; leave out -o"),
    "no file": (["convert", "-i", "pem.secret", "--to", "pem"], "pem is written to a file; give -o FILE"),
    "list to one key": (["convert", "-i", "list", "-o", "x", "--to", "pem"], "it holds 2 keys"),
    "encrypted without passphrase": (["convert", "-i", "encrypted", "-o", "x", "--to", "pem"], "no passphrase was given"),
    "check another": (["check", "-k", "pem.secret", "-K", "k2.public"], "does not belong to the secret key"),
    "check without public": (["check", "-k", "pem.secret"], "a public key is needed to check against"),
    "check nothing": (["check"], "no key is given"),
    "check for OpenSSH": (["check", "-Z", "-k", "pem.secret", "-K", "openssh.public"], "the key is pem, but openssh is required"),
    "no subcommand": ([], "show|convert|check"),
    "other subcommand": (["steal"], "invalid choice: 'steal'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(files: Path, capsys: Capture, name: str) -> None:
    arguments, message = REFUSED[name]
    (files / "passwords").write_text("hunter2\n")
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    assert main(["key", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert no_secret(captured.err)
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_the_help_warns_of_base64(capsys: Capture) -> None:
    assert main(["key", "convert", "--help"]) == 0
    assert "a SECRET key is then readable there" in " ".join(capsys.readouterr().out.split())


def test_the_mode_does_not_depend_on_the_umask(files: Path) -> None:
    before = os.umask(0)
    try:
        assert main(["key", "convert", "-i", "pem.secret", "-o", "new", "--to", "pem"]) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((files / "new").stat().st_mode) == 0o600
