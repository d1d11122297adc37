"""Key files: every form read and written, everything else named and refused, no secret in any message."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_ssh_private_key

from fakes.signing import K1, K2, SSH_LINE_1, pem
from wasm_oci.errors import KeyFormatError, LimitError, UsageError, WasmOciError
from wasm_oci.keys.key import (
    COMPACT,
    FORMATS,
    OPENSSH,
    PublicKey,
    SecretKey,
    load_public_key,
    load_public_keys,
    load_secret_key,
    parse_public_keys,
    parse_secret_key,
    require_format,
    require_pair,
)
from wasm_oci.limits import LIMITS

SECRET_TEXTS = (K1.seed.hex(), base64.b64encode(K1.seed).decode()[:40], repr(K1.seed)[2:40])


def openssh_private(**changed: bytes) -> bytes:
    """An OpenSSH private key file of K1 with some of its parts replaced."""
    parts = {
        "cipher": b"none",
        "kdf": b"none",
        "options": b"",
        "count": (1).to_bytes(4, "big"),
        "type": b"ssh-ed25519",
        "outer": K1.public.raw,
        "check": b"\1\2\3\4" * 2,
        "public": K1.public.raw,
        "pair": K1.seed + K1.public.raw,
        "padding": b"\1\2\3\4\5",
        "after": b"",
    } | changed
    blob = string(b"ssh-ed25519") + string(parts["outer"])
    private = parts["check"] + b"".join(string(parts[name]) for name in ("type", "public", "pair")) + string(b"me") + parts["padding"]
    head = b"openssh-key-v1\0" + b"".join(string(parts[name]) for name in ("cipher", "kdf", "options")) + parts["count"]
    body = head + string(blob) + string(private) + parts["after"]
    return pem("OPENSSH PRIVATE KEY", base64.encodebytes(body).decode().strip())


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@pytest.mark.parametrize("key_format", FORMATS)
def test_every_form_comes_back_as_written(tmp_path: Path, key_format: str) -> None:
    comment = "release key 1" if key_format == OPENSSH else ""
    key = SecretKey.generate(key_format, comment)
    secret, public = tmp_path / "secret", tmp_path / "public"
    secret.write_bytes(key.encoded(key_format))
    public.write_bytes(key.public.encoded(key_format))
    read = load_secret_key(secret)
    assert (read.seed, read.public) == (key.seed, key.public)
    assert (read.public.format, read.public.comment) == (key_format, comment)
    assert load_public_key(public) == key.public
    assert (load_public_key(public).format, load_public_key(public).comment) == (key_format, comment)


def test_two_generated_keys_differ() -> None:
    assert SecretKey.generate().seed != SecretKey.generate().seed


def test_openssh_files_are_those_of_an_independent_implementation() -> None:
    for comment in ("", "a", "ab cd", "x" * 30):
        key = SecretKey.generate(OPENSSH, comment)
        theirs = load_ssh_private_key(key.openssh(), password=None)
        assert isinstance(theirs, Ed25519PrivateKey)
        assert theirs.private_bytes_raw() == key.seed
        written = theirs.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        assert parse_secret_key(written, where="theirs").seed == key.seed
        assert len(key.openssh().splitlines()[1]) == 70


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_openssh_files_of_known_bytes(line_end: str) -> None:
    text = openssh_private().decode().replace("\n", line_end).encode()
    key = parse_secret_key(text, where="key")
    assert (key.seed, key.public, key.public.comment) == (K1.seed, K1.public, "me")
    (public,) = parse_public_keys(f"  {SSH_LINE_1} me and you {line_end}".encode(), where="key.pub")
    assert (public, public.comment, public.format) == (K1.public, "me and you", OPENSSH)


SECRETS = {
    "empty": (b"", "is empty"),
    "compact public": (K1.public.compact(), "this is a public key"),
    "OpenSSH public": (SSH_LINE_1.encode(), "this is a public key"),
    "short compact": (K1.compact()[:-1], "has 65 bytes, not 64"),
    "compact with a line end": (K1.compact() + b"\n", "has 65 bytes, not 66"),
    "wrong public half": (K1.compact()[:33] + K2.public.raw, "does not belong to the secret half"),
    "cosign": (pem("ENCRYPTED SIGSTORE PRIVATE KEY", "eyJr"), "private key of cosign"),
    "text": (b"hunter2", "this is not a secret key"),
    "binary": (b"\xff\xfe\x00\x01", "this is not a secret key"),
    "WebAssembly": (b"\0asm\1\0\0\0", "this is a WebAssembly file; the secret key is needed here; give the secret file of the key pair"),
    "text first": (b"my key\n" + openssh_private(), "before the first line"),
    "text last": (openssh_private() + SSH_LINE_1.encode(), "there is text after the last line of the key; keep the lines of the key only"),
    "two blocks": (openssh_private() + openssh_private(), "it holds more than one PEM block; keep the block of the key"),
    "two blocks on one line": (openssh_private().strip() * 2, "there is text after the last line of the key"),
    "cut off": (openssh_private()[:200], "cut off"),
    "not base64": (openssh_private().replace(b"b3Bl", b"b3!l"), "malformed"),
    "other magic": (openssh_private().replace(b"b3Bl", b"b3Bm"), "malformed"),
    "encrypted": (openssh_private(cipher=b"aes256-ctr", kdf=b"bcrypt", options=b"x"), "encrypted with a passphrase"),
    "two keys": (openssh_private(count=(2).to_bytes(4, "big")), "exactly one key"),
    "RSA": (openssh_private(type=b"ssh-rsa"), "'ssh-rsa'; Ed25519 is needed"),
    "ECDSA": (openssh_private(type=b"ecdsa-sha2-nistp256"), "Ed25519 is needed"),
    "check numbers": (openssh_private(check=b"\1\2\3\4\5\6\7\x08"), "malformed"),
    "padding": (openssh_private(padding=b"\1\2\3\4\6"), "malformed"),
    "short pair": (openssh_private(pair=K1.seed), "malformed"),
    "left over": (openssh_private(after=b"x"), "malformed"),
    "other outer public": (openssh_private(outer=K2.public.raw), "copies of the public half differ"),
    "other inner public": (openssh_private(public=K2.public.raw), "copies of the public half differ"),
    "other pair": (openssh_private(pair=K1.seed + K2.public.raw), "copies of the public half differ"),
    "all public halves wrong": (
        openssh_private(outer=K2.public.raw, public=K2.public.raw, pair=K1.seed + K2.public.raw),
        "does not belong to the secret half",
    ),
}


@pytest.mark.parametrize("name", SECRETS)
def test_refused_secret_keys(name: str) -> None:
    data, message = SECRETS[name]
    with pytest.raises(KeyFormatError, match=message) as caught:
        parse_secret_key(data, where="key.secret")
    assert caught.value.where == "key.secret"
    assert caught.value.hint
    assert not any(secret in str(caught.value) for secret in SECRET_TEXTS)


def test_every_cut_of_a_private_key_is_refused() -> None:
    whole = base64.b64decode("".join(openssh_private().decode().splitlines()[1:-1]))
    for end in range(len(whole)):
        with pytest.raises(KeyFormatError):
            parse_secret_key(pem("OPENSSH PRIVATE KEY", base64.b64encode(whole[:end]).decode()), where="key")


PUBLICS = {
    "empty": (b"", "is empty"),
    "compact secret": (K1.compact(), "this is a secret key"),
    "OpenSSH secret": (openssh_private(), "this is a secret key"),
    "short compact": (K1.public.compact()[:-1], "has 33 bytes, not 32"),
    "certificate": (pem("CERTIFICATE", "MIIB"), "CERTIFICATE"),
    "only RSA": (b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA me", "it holds no Ed25519 key \\(found 'ssh-rsa'; Ed25519 is needed\\)"),
    "comments only": (b"# nothing\n", "no Ed25519 key"),
    "cut off": (SSH_LINE_1[:-6].encode(), "line 1 is not a whole ssh-ed25519 key"),
    "no key": (b"# a\nssh-ed25519\n", "line 2"),
    "not base64": (b"ssh-ed25519 ?", "line 1"),
    "other type inside": (b"ssh-ed25519 " + base64.b64encode(string(b"ssh-ed25518") + string(bytes(32))), "line 1"),
    "binary": (b"\xff\xfe", "this is not a public key; give the public file of an Ed25519 key pair"),
    "binary with a line end": (b"name\0\x0d\1", "this is not a public key; give the public file of an Ed25519 key pair"),
    "WebAssembly": (b"\0asm\x0d\0\1\r", "this is a WebAssembly file; the public key is needed here; give the public file of the key pair"),
}


@pytest.mark.parametrize("name", PUBLICS)
def test_refused_public_keys(name: str) -> None:
    data, message = PUBLICS[name]
    with pytest.raises(KeyFormatError, match=message) as caught:
        parse_public_keys(data, where="key.public")
    assert caught.value.where == "key.public"
    assert caught.value.hint
    assert not any(secret in str(caught.value) for secret in SECRET_TEXTS)


def test_no_secret_in_representations() -> None:
    assert not any(secret in repr(K1) + str(K1) for secret in SECRET_TEXTS)


def test_pairs_and_formats() -> None:
    require_pair(K1, PublicKey(raw=K1.public.raw, format=OPENSSH, comment="other file form"), where="x")
    with pytest.raises(KeyFormatError, match="does not belong to the secret key"):
        require_pair(K1, K2.public, where="x")
    require_format(K1.public, COMPACT, where="x")
    with pytest.raises(KeyFormatError, match="the key is compact, but openssh is required"):
        require_format(K1.public, OPENSSH, where="x")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_secret_key(tmp_path / "absent")
    with pytest.raises(UsageError):
        load_public_keys(tmp_path)
    large = tmp_path / "large"
    large.write_bytes(bytes(LIMITS.key_file + 1))
    with pytest.raises(LimitError):
        load_public_keys(large)


def test_random_bytes_end_in_a_typed_error() -> None:
    rng = random.Random(5)
    starts = (b"", b"\x01", b"\x81", b"ssh-ed25519 ", openssh_private()[:60])
    for _ in range(300):
        data = rng.choice(starts) + rng.randbytes(rng.randrange(80))
        for parse in (parse_secret_key, parse_public_keys):
            with pytest.raises(WasmOciError):
                parse(data + b"!", where="x")
