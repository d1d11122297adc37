"""Keys as people have them sign one component: files of ssh-keygen and openssl, a real ssh-agent, a variable, a keychain, a program.

What is signed is verified by the published wasmsign2 where WASMSIGN2 names it, else by our drop-in.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import EXAMPLE, Done, call, wasm_oci
from signing_places import keychain, ssh_agent

from wasm_oci.keys.key import SecretKey, load_secret_key

VERIFIER = os.environ.get("WASMSIGN2") or str(Path("tools/programs/wasmsign2").absolute())
COMPONENT = (EXAMPLE / "hello.wasm").absolute()
PASSPHRASE = "correct horse battery staple"


def make_key(folder: Path, name: str, passphrase: str, *more: str) -> SecretKey:
    """A key of ssh-keygen, and what is in it."""
    path = folder / name
    made = call("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, *more, "-f", path)
    assert made.code == 0, made.stderr
    return load_secret_key(path, lambda where: passphrase.encode())


def sign(folder: Path, *options: str | Path, **environ: str) -> Done:
    return call(wasm_oci(), "sign", "-i", COMPONENT, "-o", folder / "signed.wasm", *options, cwd=folder, **environ)


def accepted(folder: Path, key: SecretKey, done: Done) -> None:
    """The other program verifies what was signed, and nobody has seen the secret."""
    assert done.code == 0, done.stderr
    assert key.public.key_id.hex() in done.stdout
    public = folder / "verifier.public"
    public.write_bytes(key.public.compact())
    verified = call(VERIFIER, "verify", "-i", folder / "signed.wasm", "-K", public)
    assert (verified.code, verified.stdout) == (0, "Signature is valid.\n"), verified.stderr
    for form in (key.seed.hex(), base64.b64encode(key.compact()).decode()[:40], PASSPHRASE):
        assert form not in done.stdout + done.stderr


@pytest.mark.parametrize("more", [[], ["-a", "100"], ["-Z", "aes256-cbc"], ["-Z", "aes128-ctr"]], ids=" ".join)
def test_an_openssh_key_with_a_passphrase(tmp_path: Path, more: list[str]) -> None:
    key = make_key(tmp_path, "id", PASSPHRASE, *more)
    accepted(tmp_path, key, sign(tmp_path, "-k", "id", "-K", "id.pub", MY_PASSPHRASE=PASSPHRASE, WASM_OCI_PASSPHRASE=PASSPHRASE))
    wrong = sign(tmp_path, "-k", "id", WASM_OCI_PASSPHRASE="incorrect")
    assert wrong.code == 2
    assert "id: the passphrase does not open the private key" in wrong.stderr
    nobody = sign(tmp_path, "-k", "id")
    assert nobody.code == 2
    assert "set WASM_OCI_PASSPHRASE" in nobody.stderr


def test_a_cipher_that_is_not_read_is_named(tmp_path: Path) -> None:
    made = call("ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE, "-Z", "chacha20-poly1305@openssh.com", "-f", tmp_path / "id")
    assert made.code == 0, made.stderr
    done = sign(tmp_path, "-k", "id", WASM_OCI_PASSPHRASE=PASSPHRASE)
    assert done.code == 2
    assert "'chacha20-poly1305@openssh.com' and 'bcrypt', which is not supported; encrypt a copy of it again" in done.stderr


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_key_of_openssl(tmp_path: Path, form: str) -> None:
    for arguments in (
        ["genpkey", "-algorithm", "ed25519", "-outform", form, "-out", "key"],
        ["pkey", "-inform", form, "-in", "key", "-pubout", "-outform", form, "-out", "key.pub"],
        ["pkcs8", "-topk8", "-inform", form, "-in", "key", "-outform", form, "-passout", f"pass:{PASSPHRASE}", "-out", "encrypted"],
    ):
        made = call("openssl", *arguments, cwd=tmp_path)
        assert made.code == 0, made.stderr
    key = load_secret_key(tmp_path / "key")
    accepted(tmp_path, key, sign(tmp_path, "-k", "key", "-K", "key.pub"))
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    accepted(tmp_path, key, sign(tmp_path, "-k", "encrypted", "-K", "key.pub", "--passphrase-file", "passphrase"))


@pytest.mark.parametrize("algorithm", ["RSA", "ED448"])
def test_other_keys_of_openssl_are_named(tmp_path: Path, algorithm: str) -> None:
    assert call("openssl", "genpkey", "-algorithm", algorithm, "-out", tmp_path / "key").code == 0
    done = sign(tmp_path, "-k", "key")
    assert done.code == 2
    assert f"the key is of type {algorithm.replace('ED', 'Ed')}; Ed25519 is needed" in done.stderr


def test_a_variable(tmp_path: Path) -> None:
    key = make_key(tmp_path, "id", "")
    text = base64.b64encode((tmp_path / "id").read_bytes()).decode()
    accepted(tmp_path, key, sign(tmp_path, "--key-source", "env", "--key-ref", "SIGNING_KEY", "-K", "id.pub", SIGNING_KEY=text))


def test_a_program(tmp_path: Path) -> None:
    """openssl signs; this program of one line has no other part of ours."""
    key = make_key(tmp_path, "id", "")
    (tmp_path / "key.pem").write_bytes(key.encoded("pem"))
    program = tmp_path / "sign with openssl"
    program.write_text('#!/bin/sh\ncat > message && openssl pkeyutl -sign -rawin -inkey "$1" -in message | base64 -w 0\n')
    program.chmod(0o700)
    accepted(tmp_path, key, sign(tmp_path, "--key-source", "command", "--key-ref", "'./sign with openssl' key.pem", "-K", "id.pub"))


def test_a_keychain(tmp_path: Path) -> None:
    key = make_key(tmp_path, "id", "")
    environ = keychain(tmp_path, "signing", "release", (tmp_path / "id").read_bytes())
    options = ["--key-source", "keychain", "--key-ref", "signing/release", "-K", "id.pub"]
    accepted(tmp_path, key, sign(tmp_path, *options, **environ))
    absent = sign(tmp_path, *options[:2], "--key-ref", "signing/other", **environ)
    assert absent.code == 2
    assert "keychain signing/other: the keychain has no such entry" in absent.stderr


def test_where_no_keychain_is(tmp_path: Path) -> None:
    config = tmp_path / "config" / "python_keyring" / "keyringrc.cfg"
    config.parent.mkdir(parents=True)
    config.write_text("[backend]\ndefault-keyring=keyring.backends.fail.Keyring\n")
    done = sign(tmp_path, "--key-source", "keychain", "--key-ref", "a/b", XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert done.code == 2
    assert "keychain a/b: no keychain is available" in done.stderr


@pytest.fixture
def agent() -> Iterator[str]:
    with ssh_agent() as socket:
        yield socket


def test_an_agent(tmp_path: Path, agent: str) -> None:
    options = ["--key-source", "ssh-agent"]
    none = sign(tmp_path, *options, SSH_AUTH_SOCK=agent)
    assert none.code == 2
    assert "the agent holds 0 Ed25519 keys" in none.stderr
    assert call("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "ecdsa").code == 0
    first = make_key(tmp_path, "first", "")
    for name in ("ecdsa", "first"):
        added = call("ssh-add", tmp_path / name, SSH_AUTH_SOCK=agent)
        assert added.code == 0, added.stderr
    (tmp_path / "first").unlink()
    accepted(tmp_path, first, sign(tmp_path, *options, SSH_AUTH_SOCK=agent))
    accepted(tmp_path, first, sign(tmp_path, *options, "-Z", "-K", "first.pub", SSH_AUTH_SOCK=agent))

    second = make_key(tmp_path, "second", "")
    other = sign(tmp_path, *options, "-K", "second.pub", SSH_AUTH_SOCK=agent)
    assert other.code == 2
    assert f"the agent does not hold the key {second.public.key_id.hex()}" in other.stderr
    assert call("ssh-add", tmp_path / "second", SSH_AUTH_SOCK=agent).code == 0
    accepted(tmp_path, second, sign(tmp_path, *options, "-K", "second.pub", SSH_AUTH_SOCK=agent))
    many = sign(tmp_path, *options, SSH_AUTH_SOCK=agent)
    assert many.code == 2
    assert "the agent holds 2 Ed25519 keys; say which one with -K PUBLIC" in many.stderr


def test_two_keys_of_an_agent_sign_at_once(tmp_path: Path, agent: str) -> None:
    keys = [make_key(tmp_path, name, "") for name in ("first", "second")]
    for name in ("first", "second"):
        assert call("ssh-add", tmp_path / name, SSH_AUTH_SOCK=agent).code == 0
    options = ["--key-source", "ssh-agent", "-K", "first.pub", "--key-source", "ssh-agent", "-K", "second.pub"]
    done = sign(tmp_path, *options, SSH_AUTH_SOCK=agent)
    for key in keys:
        accepted(tmp_path, key, done)
