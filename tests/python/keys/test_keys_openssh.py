"""OpenSSH keys as people have them: with a passphrase, and in lists with options and comments."""

from __future__ import annotations

import base64
import time
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from fakes.signing import K1, K2, SSH_LINE_1, pem
from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.key import OPENSSH, PublicKey, SecretKey, parse_public_keys, parse_secret_key
from wasm_oci.keys.openssh import parse_private_file
from wasm_oci.limits import LIMITS

SSH_LINE_2 = K2.public.openssh().decode().strip()

SSH_KEYGEN = {
    "ctr": pem(
        "OPENSSH PRIVATE KEY",
        "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDMFe7bcHWxEJJuRxGfNIXfAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5"
        "AAAAIPbFUSR2qjhNWSRYTMAC8l50AV9sTOxju3xOehDHo8DpAAAAoA16FPaPYimhyPy4S58rm/icH+KKsqlt+1boz2MTzIwVWaXDF3kMphvuyVlVeC0tlZ0V"
        "NdrOBGp2t0h+aKXr5f9l5BTUyEbfAgSdS9BCTNQa/sUbf7V5t8E3yV0hDlgHBA/hbGlyJIY7pyEpuGo+Zh2VXMKSdcwqn82I7dfB6x21lolYIEa1IPuBwvcA"
        "jDkvmGskdEvs7xQRfBaDulA4Ri8=",
    ),
    "cbc": pem(
        "OPENSSH PRIVATE KEY",
        "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jYmMAAAAGYmNyeXB0AAAAGAAAABDfZWOEkRmkGPwDpaMWoMnuAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5"
        "AAAAIPbFUSR2qjhNWSRYTMAC8l50AV9sTOxju3xOehDHo8DpAAAAoLRNeKm8hKudFcpRBvUIp4RvSRy+kx24y4k5qfXelBQl/KrJRPWhjYIT+6jfxfqzwp9+"
        "yNetnjwKY1qVKS6GEub38YjCO9n6/NK5mlgC/O/zv2+J9O2k3xZYN8QyQVNKBr9Glbh6r3ac3SEqcv3dwgz0bXS2vdL6RFfRDsSP6lN6FFpvSkDTvBLsLbyO"
        "1QpZLZKFG2iayREq0KqwCsAvqJE=",
    ),
}
"""One key with the passphrase "secret words", in two ciphers."""
SSH_KEYGEN_PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbFUSR2qjhNWSRYTMAC8l50AV9sTOxju3xOehDHo8Dp made by ssh-keygen"


@cache
def encrypted(passphrase: bytes = b"open sesame") -> bytes:
    """K1 as another implementation encrypts it."""
    key = Ed25519PrivateKey.from_private_bytes(K1.seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(passphrase))


def changed(old: bytes, new: bytes) -> bytes:
    """The encrypted key with some of its plain parts replaced by others of the same length."""
    blob = base64.b64decode("".join(encrypted().decode().splitlines()[1:-1]))
    assert blob.count(old) >= 1
    return pem("OPENSSH PRIVATE KEY", base64.b64encode(blob.replace(old, new, 1)).decode())


def test_a_passphrase_opens_the_key() -> None:
    asked: list[str] = []

    def passphrase(where: str) -> bytes:
        asked.append(where)
        return b"open sesame"

    key = parse_secret_key(encrypted(), where="id", passphrase=passphrase)
    assert (key.seed, key.public, key.public.format) == (K1.seed, K1.public, OPENSSH)
    assert asked == ["id"]


@pytest.mark.parametrize(("name", "passphrase"), [("ctr", b"secret words"), ("cbc", b"secret words")])
def test_files_of_ssh_keygen(name: str, passphrase: bytes) -> None:
    key = parse_secret_key(SSH_KEYGEN[name], where=name, passphrase=lambda where: passphrase)
    assert key.public.comment == "made by ssh-keygen"
    assert key.public.openssh().decode().strip() == SSH_KEYGEN_PUBLIC


def test_the_public_half_shows_without_the_passphrase() -> None:
    file = parse_private_file(encrypted().decode(), where="id")
    assert (file.public, file.cipher) == (K1.public.raw, "aes256-ctr")
    assert K1.seed not in file.secret
    assert "secret" not in repr(file)


@pytest.mark.parametrize("wrong", [b"open sesam", b"open sesame\n", b""])
def test_a_wrong_passphrase_is_said_to_be_wrong(wrong: bytes) -> None:
    with pytest.raises(KeyFormatError, match="the passphrase does not open the private key") as caught:
        parse_secret_key(encrypted(), where="id", passphrase=lambda where: wrong)
    assert caught.value.reason == "wrong_passphrase"
    assert "sesam" not in str(caught.value)


def test_nobody_is_asked_for_a_key_without_passphrase() -> None:
    def passphrase(where: str) -> bytes:
        raise AssertionError(where)

    assert parse_secret_key(K1.openssh(), where="id", passphrase=passphrase).seed == K1.seed


def test_without_a_source_of_passphrases() -> None:
    with pytest.raises(KeyFormatError, match="encrypted with a passphrase") as caught:
        parse_secret_key(encrypted(), where="id")
    assert caught.value.reason == "key_encrypted"


ROUNDS = (16).to_bytes(4, "big")
REFUSED = {
    "other cipher": (b"aes256-ctr", b"aes999-ctr", "'aes999-ctr' and 'bcrypt', which is not supported"),
    "no cipher": (b"\0\0\0\x0aaes256-ctr\0\0\0\6bcrypt", b"\0\0\0\x04none\0\0\0\x0cbcryptbcrypt", "'none' and 'bcryptbcrypt'"),
    "other derivation": (b"bcrypt", b"scrypt", "'scrypt'"),
    "a million rounds": (ROUNDS + (1).to_bytes(4, "big"), (1 << 31).to_bytes(4, "big") + (1).to_bytes(4, "big"), "2147483648 times"),
    "no round": (ROUNDS + (1).to_bytes(4, "big"), bytes(4) + (1).to_bytes(4, "big"), "malformed"),
    "RSA": (b"ssh-ed25519", b"ssh-rsa\0\0\0\0", "Ed25519 is needed"),
    "security key": (b"\0\0\0\x0bssh-ed25519", b"\0\0\0\x0bsk-ssh-ed25", "'sk-ssh-ed25'; Ed25519 is needed"),
    "other public half": (K1.public.raw, K2.public.raw, "copies of the public half differ"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_encrypted_files_that_are_refused(name: str) -> None:
    old, new, message = REFUSED[name]
    began = time.monotonic()
    with pytest.raises(KeyFormatError, match=message):
        parse_secret_key(changed(old, new), where="id", passphrase=lambda where: b"open sesame")
    assert time.monotonic() - began < 2


def test_every_cut_of_an_encrypted_key_is_refused() -> None:
    whole = base64.b64decode("".join(encrypted().decode().splitlines()[1:-1]))
    for end in range(len(whole)):
        with pytest.raises(KeyFormatError):
            cut = pem("OPENSSH PRIVATE KEY", base64.b64encode(whole[:end]).decode())
            parse_secret_key(cut, where="id", passphrase=lambda where: b"")


@pytest.mark.parametrize("front", [b"", b"\n\r\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_what_editors_add_is_no_harm(front: bytes, line_end: bytes) -> None:
    secret = front + K1.openssh().replace(b"\n", line_end) + line_end * 2
    assert parse_secret_key(secret, where="id").seed == K1.seed
    assert parse_public_keys(front + SSH_LINE_1.encode() + line_end * 2, where="id.pub") == (K1.public,)


LISTS = {
    "several": (f"{SSH_LINE_1} one\n{SSH_LINE_2} two\n", ["one", "two"]),
    "comments and blanks": (f"# team\n\n   \n  {SSH_LINE_1}\tone two  \n#{SSH_LINE_2}\n", ["one two"]),
    "other types": (f"ssh-rsa AAAA me\necdsa-sha2-nistp256 AAAA me\nsk-ssh-ed25519@openssh.com AAAA me\n{SSH_LINE_2}", [""]),
    "an option": (f"no-pty {SSH_LINE_1} me", ["me"]),
    "options": (f'restrict,from="10.0.0.0/8,!10.1.1.1",no-pty {SSH_LINE_1} me', ["me"]),
    "blanks in quotes": (f'command="a b, c",no-pty\t{SSH_LINE_1} me', ["me"]),
    "quotes in quotes": (f'command="say \\"hi, you\\" ssh-ed25519 AAAA" {SSH_LINE_1} me', ["me"]),
    "an authority is no key": (f"cert-authority {SSH_LINE_2} ca\n{SSH_LINE_1} me", ["me"]),
    "other type with options": (f"no-pty ssh-rsa AAAA\n{SSH_LINE_1} me", ["me"]),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_public_keys(name: str) -> None:
    text, comments = LISTS[name]
    assert [key.comment for key in parse_public_keys(text.encode(), where="keys")] == comments


REFUSED_LISTS = {
    "only an authority": (f"cert-authority {SSH_LINE_1}", "it holds no Ed25519 key"),
    "an end": (f'{SSH_LINE_2}\nexpiry-time="20300101" {SSH_LINE_1}', "line 2 has an expiry-time"),
    "open quote": (f'command="x {SSH_LINE_1}', "a quote in line 1 has no end"),
    "only options": ("no-pty", "it holds no Ed25519 key"),
    "cut off after options": (f"no-pty {SSH_LINE_1[:-4]}", "line 1 is not a whole ssh-ed25519 key"),
    "revoked": (f"@revoked * {SSH_LINE_1}", "it holds no Ed25519 key"),
}


@pytest.mark.parametrize("name", REFUSED_LISTS)
def test_lists_that_are_refused(name: str) -> None:
    text, message = REFUSED_LISTS[name]
    with pytest.raises(KeyFormatError, match=message):
        parse_public_keys(text.encode(), where="keys")


@pytest.mark.parametrize("line_end", ["\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_comment_of_several_lines_makes_no_second_key(line_end: str) -> None:
    comment = f"me{line_end}{SSH_LINE_2}"
    secret = SecretKey(seed=K1.seed, public=PublicKey(raw=K1.public.raw, comment=comment))
    read = parse_secret_key(secret.openssh(), where="id")
    assert read.public.comment == comment
    assert parse_public_keys(read.public.openssh(), where="id.pub") == (K1.public,)


def test_the_limit_of_rounds_is_some_seconds() -> None:
    assert LIMITS.bcrypt_rounds <= 1000
