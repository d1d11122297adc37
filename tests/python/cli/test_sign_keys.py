"""`wasm_oci sign` with the keys that people have: several of them, and from every kind of source that needs no server."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from fakes.signing import K1, K2, KEY_ID_1, KEY_ID_2, PKCS8_1, SPKI_1, M, signed
from wasm_oci.cli.main import main

Capture = pytest.CaptureFixture[str]
PASSPHRASE = "correct horse"

SIGNER = """
import base64, os, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
assert base64.b64decode(os.environ["WASM_OCI_PUBLIC_KEY"]).hex() == {public!r}, "public key"
assert os.environ["WASM_OCI_KEY_ID"] == {key_id!r}, "key id"
key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read()))
"""

ENCRYPTED = {
    form: Ed25519PrivateKey.from_private_bytes(K1.seed).private_bytes(Encoding.PEM, form, BestAvailableEncryption(PASSPHRASE.encode()))
    for form in (PrivateFormat.OpenSSH, PrivateFormat.PKCS8)
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WASM_OCI_PASSPHRASE", raising=False)
    for name, data in {
        "m.wasm": M,
        "k1.pem": PKCS8_1,
        "k1.spki": SPKI_1,
        "k1.encrypted": ENCRYPTED[PrivateFormat.OpenSSH],
        "k1.encrypted.pem": ENCRYPTED[PrivateFormat.PKCS8],
        "k1.pub": K1.public.openssh(),
        "k2.secret": K2.compact(),
        "k2.public": K2.public.compact(),
        "passphrase": PASSPHRASE.encode() + b"\n",
        "signer.py": SIGNER.format(public=K1.public.raw.hex(), key_id=KEY_ID_1.hex()).encode(),
    }.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def sign(*more: str) -> int:
    return main(["sign", "-i", "m.wasm", "-o", "out.wasm", *more])


COMMAND = ["--key-source", "command", "--key-ref", f"'{sys.executable}' signer.py", "-K", "k1.pub"]
ONE_KEY = {
    "PEM": ["-k", "k1.pem", "-K", "k1.spki"],
    "file by its source": ["--key-source", "file", "--key-ref", "k1.pem"],
    "variable": ["--key-source", "env", "--key-ref", "SIGNING_KEY", "-K", "k1.pub"],
    "stdin": ["--key-source", "stdin"],
    "passphrase in a file": ["-k", "k1.encrypted", "--passphrase-file", "passphrase"],
    "passphrase in a variable": ["-k", "k1.encrypted.pem", "--passphrase-env", "MY_PASSPHRASE"],
    "program": COMMAND,
}


@pytest.mark.parametrize("name", ONE_KEY)
def test_every_source_gives_the_same_signature(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, name: str) -> None:
    monkeypatch.setenv("SIGNING_KEY", base64.b64encode(K1.compact()).decode())
    monkeypatch.setenv("MY_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(K1.openssh())))
    assert sign(*ONE_KEY[name]) == 0, capsys.readouterr().err
    assert (files / "out.wasm").read_bytes() == signed(files, M, K1)


def test_the_default_variable_of_the_passphrase(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASM_OCI_PASSPHRASE", PASSPHRASE)
    assert sign("-k", "k1.encrypted") == 0
    assert (files / "out.wasm").read_bytes() == signed(files, M, K1)


@pytest.mark.parametrize(
    "options",
    [
        ["-k", "k1.pem", "-k", "k2.secret"],
        ["-k", "k1.pem", "-K", "k1.spki", "-k", "k2.secret", "-K", "k2.public"],
        ["--key-source", "env", "--key-ref", "SIGNING_KEY", "-k", "k2.secret"],
        ["--key-source", "env", "--key-source", "file", "--key-ref", "SIGNING_KEY", "--key-ref", "k2.secret"],
        ["--key-source", "stdin", "--key-source", "file", "--key-ref", "k2.secret"],
    ],
)
def test_two_keys_sign_in_the_order_of_the_command_line(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, options: list[str]
) -> None:
    monkeypatch.setenv("SIGNING_KEY", PKCS8_1.decode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(PKCS8_1)))
    assert sign(*options, "--output", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["keyId"], document["keyIds"]) == (KEY_ID_1.hex(), [KEY_ID_1.hex(), KEY_ID_2.hex()])
    assert document["signatures"] == 2
    assert (files / "out.wasm").read_bytes() == signed(files, M, K1, K2)


@pytest.mark.parametrize("public", ["k1.spki", "k1.pub", "list"])
def test_every_form_verifies_too(files: Path, public: str) -> None:
    (files / "list").write_bytes(b"# team\n" + K2.public.openssh() + b'no-pty,from="10.0.0.0/8" ' + K1.public.openssh())
    assert sign("-k", "k1.pem") == 0
    assert main(["verify", "-i", "out.wasm", "-K", public]) == 0
    assert main(["verify", "-i", "out.wasm", "-K", "k2.public"]) == 4


def test_two_keys_in_text(files: Path, capsys: Capture) -> None:
    assert sign("-k", "k1.pem", "-k", "k2.secret") == 0
    assert main(["sign", "-i", "out.wasm", "-o", "out.wasm", "-k", "k1.pem", "-k", "k2.secret"]) == 0
    ids = f"Key ids: {KEY_ID_1.hex()}, {KEY_ID_2.hex()}\n"
    expected = f"Signed: out.wasm (module, 2 signatures)\n{ids}Already signed with these keys: out.wasm (module, 2 signatures)\n{ids}"
    assert capsys.readouterr().out == expected


REFUSED = {
    "no key": ([], "no key is given to sign with"),
    "no reference": (["--key-source", "env"], "key reference for env; give the name of a variable"),
    "reference without source": (["-k", "k1.pem", "--key-ref", "X"], "more references than sources"),
    "reference of an agent": (["--key-source", "ssh-agent", "--key-ref", "X"], "more references than sources"),
    "misspelt source": (["--key-source", "comand", "--key-ref", "X"], "did you mean command?"),
    "unknown source": (["--key-source", "vault", "--key-ref", "X"], "invalid choice: 'vault'"),
    "empty -k": (["-k", ""], "--secret-key: the value is empty"),
    "public keys for half of them": (["-k", "k1.pem", "-k", "k2.secret", "-K", "k1.spki"], "there are 2 keys and 1 public keys"),
    "public keys in another order": (
        ["-k", "k1.pem", "-k", "k2.secret", "-K", "k2.public", "-K", "k1.spki"],
        "does not belong to the secret key",
    ),
    "two on stdin": (["--key-source", "stdin", "--key-source", "stdin"], "stdin can hold one key only"),
    "unset variable": (["--key-source", "env", "--key-ref", "UNSET_KEY"], "env UNSET_KEY: the variable UNSET_KEY is not set"),
    "no passphrase": (["-k", "k1.encrypted"], "no passphrase was given; set WASM_OCI_PASSPHRASE, or"),
    "no passphrase in that variable": (["-k", "k1.encrypted", "--passphrase-env", "UNSET"], "set UNSET, or"),
    "wrong passphrase": (["-k", "k1.encrypted", "--passphrase-file", "m.wasm"], "the passphrase does not open the private key"),
    "no such file": (["-k", "k1.encrypted", "--passphrase-file", "absent"], "cannot read the passphrase file"),
    "two passphrases": (
        ["-k", "k1.encrypted", "--passphrase-file", "passphrase", "--passphrase-env", "X"],
        "the passphrase cannot come from two places",
    ),
    "command without public key": (COMMAND[:4], "a signing program needs the public key; give it with -K PUBLIC"),
    "compact where OpenSSH is required": (["-Z", "-k", "k2.secret"], "the key is compact, but openssh is required"),
    "PEM where OpenSSH is required": (["-Z", "-k", "k1.pem"], "the key is pem, but openssh is required"),
    "many without folder": (["x.wasm", "-k", "k1.pem"], "-i, -o and -S are for one file"),
    "detached without name": (["--detached", "-k", "k1.pem"], "one file's signature needs a name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(files: Path, capsys: Capture, name: str) -> None:
    options, message = REFUSED[name]
    assert sign(*options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not (files / "out.wasm").exists()


@pytest.mark.parametrize("options", [["-k", "out.wasm"], ["--key-source", "file", "--key-ref", "./out.wasm"]])
def test_a_key_file_is_never_an_output(files: Path, capsys: Capture, options: list[str]) -> None:
    (files / "out.wasm").write_bytes(PKCS8_1)
    assert sign(*options) == 2
    assert "this key file would be overwritten" in capsys.readouterr().err
    assert (files / "out.wasm").read_bytes() == PKCS8_1


@pytest.mark.parametrize("output", ["passphrase", "sub/../passphrase", "link", "hard"])
@pytest.mark.parametrize("options", [["-o", "{}"], ["-S", "{}"], ["--output-dir", "."]])
def test_the_passphrase_file_is_never_an_output(files: Path, capsys: Capture, options: list[str], output: str) -> None:
    (files / "sub").mkdir()
    (files / "link").symlink_to("passphrase")
    (files / "hard").hardlink_to(files / "passphrase")
    source = ["-i", "m.wasm"] if "." not in options else [f"sub/{Path(output).name}"]
    line = ["sign", *source, "-k", "k1.encrypted", "--passphrase-file", "passphrase", *[part.format(output) for part in options]]
    assert main(line if options[0] != "-S" else [*line, "-o", "out.wasm"]) == 2
    assert "this passphrase file would be overwritten; name another output" in capsys.readouterr().err
    assert (files / "passphrase").read_text() == f"{PASSPHRASE}\n"


def test_nothing_to_sign(capsys: Capture) -> None:
    assert main(["sign", "-k", "x"]) == 2
    assert "no file to sign and no file to write is given; give -i FILE, and -o FILE" in capsys.readouterr().err
    assert main(["sign", "-k", "x", "-i", "y"]) == 2
    assert capsys.readouterr().err == "wasm_oci: no file to write is given; give -o FILE\n"


def test_a_program_gets_no_secret_of_its_run(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = "import json, os\njson.dump(dict(os.environ), open('seen', 'w'))\n"
    (files / "signer.py").write_text(dump + (files / "signer.py").read_text())
    secret = base64.b64encode(K2.compact()).decode()
    for name, value in {"WASM_OCI_PASSPHRASE": "one", "MINE": "two", "KEY_2": secret, "OTHER": "three"}.items():
        monkeypatch.setenv(name, value)
    program = ("--key-source", "command", "--key-ref", f"{sys.executable} signer.py")
    assert sign(*program, "--key-source", "env", "--key-ref", "KEY_2", "-K", "k1.pub", "-K", "k2.public", "--passphrase-env", "MINE") == 0
    seen = json.loads((files / "seen").read_text())
    assert seen["OTHER"] == "three"
    assert seen["WASM_OCI_KEY_ID"] == KEY_ID_1.hex()
    assert not {"WASM_OCI_PASSPHRASE", "MINE", "KEY_2"} & seen.keys()
    assert not {"one", "two", secret} & set(seen.values())


@pytest.mark.parametrize("name", ["my secret pass", "pass-word"])
@pytest.mark.parametrize("line", ["sign -i m.wasm -o out.wasm -k", "key show", "key check -K k1.pub -k"])
def test_a_passphrase_in_place_of_a_name_is_not_shown(files: Path, capsys: Capture, line: str, name: str) -> None:
    assert main([*line.split(), "k1.encrypted", "--passphrase-env", name]) == 2
    captured = capsys.readouterr()
    assert "this is not the name of a variable" in captured.err
    assert "my secret" not in captured.err + captured.out


@pytest.mark.parametrize(
    "secret", [PKCS8_1.decode(), base64.b64encode(K1.compact()).decode(), base64.b64encode(K1.seed).decode(), K1.seed.hex()]
)
@pytest.mark.parametrize("options", [["-k"], ["--key-source", "file", "--key-ref"]])
def test_a_key_in_place_of_its_path_is_not_shown(files: Path, capsys: Capture, options: list[str], secret: str) -> None:
    assert main(["sign", "-i", "m.wasm", "-o", "out.wasm", *options, secret]) == 2
    captured = capsys.readouterr()
    assert "invalid key reference for file; give the path of a key file" in captured.err
    assert not [line for line in secret.splitlines() if line in captured.err]
