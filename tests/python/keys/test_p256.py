"""P-256 keys: in every form that openssl and cosign write, refused for WebAssembly, accepted for statements, in trust stores too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat

from fakes.signing import K1, SPKI_1
from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.keys.any_key import load_any_public_key, parse_any_public_keys, parse_any_secret_key
from wasm_oci.keys.key import parse_public_keys
from wasm_oci.keys.p256 import P256PublicKey, P256SecretKey
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_signers, open_statement_signers
from wasm_oci.keys.sources.source import KeySource

KEY = ec.derive_private_key(7, ec.SECP256R1())
POINT = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
PUBLIC_DER = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PKCS8 = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SEC1 = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
NONE = PassphraseSource(environ={})
SECRETS = {
    "PKCS#8": PKCS8,
    "SEC 1": SEC1,
    "DER": KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "CRLF": PKCS8.replace(b"\n", b"\r\n"),
    "escaped line ends": PKCS8.replace(b"\n", b"\\n"),
}


@pytest.mark.parametrize("data", [PUBLIC_PEM, PUBLIC_DER, PUBLIC_PEM.replace(b"\n", b"\\n")], ids=["PEM", "DER", "escaped"])
def test_a_public_key(data: bytes) -> None:
    (key,) = parse_any_public_keys(data, where="cosign.pub")
    assert key == P256PublicKey(raw=POINT)
    assert key.der() == PUBLIC_DER
    assert key.key_id == hashlib.sha256(PUBLIC_DER).digest()[:12]
    with pytest.raises(KeyFormatError, match="of type ECDSA"):
        parse_public_keys(data, where="cosign.pub")


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_key_signs_deterministically_and_the_public_key_verifies(name: str) -> None:
    key = parse_any_secret_key(SECRETS[name], where="key.pem")
    signature = key.sign(b"message")
    assert key.sign(b"message") == signature
    assert key.public == P256PublicKey(raw=POINT)
    assert key.public.verifies(b"message", signature)
    assert not key.public.verifies(b"other", signature)
    for offset in range(len(signature)):
        assert not key.public.verifies(b"message", signature[:offset] + bytes([signature[offset] ^ 1]) + signature[offset + 1 :])
    assert not key.public.verifies(b"message", b"")
    r, s = decode_dss_signature(signature)
    assert not key.public.verifies(b"message", encode_dss_signature(r, s + 1))


def test_an_encrypted_key_is_opened_and_the_passphrase_requested_once() -> None:
    data = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    asked = []

    def passphrase(where: str) -> bytes:
        asked.append(where)
        return b"secret"

    assert parse_any_secret_key(data, where="key.pem", passphrase=passphrase).public.raw == POINT
    assert asked == ["key.pem"]
    with pytest.raises(KeyFormatError, match="does not open"):
        parse_any_secret_key(data, where="key.pem", passphrase=lambda _: b"wrong")


HEADERS = SEC1.replace(b"KEY-----\n", b"KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)
P384 = ec.derive_private_key(7, ec.SECP384R1())
REFUSED = {
    "P-384": (P384.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "Ed25519 or ECDSA P-256 is needed"),
    "P-384 in SEC 1": (P384.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()), "Ed25519 or ECDSA P-256"),
    "encrypted by headers": (HEADERS, "encrypted in a way that is not supported; convert it with `openssl pkcs8"),
    "public": (PUBLIC_PEM, "this is a public key"),
    "of cosign": (
        b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
        "of cosign, which only cosign opens",
    ),
    "cut off": (SEC1[:-30], "cut off"),
    "no key": (b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "P-256 is needed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    data, words = REFUSED[name]
    with pytest.raises(KeyFormatError) as caught:
        parse_any_secret_key(data, where="key.pem")
    assert str(caught.value).startswith("key.pem: ")
    assert words in str(caught.value)


def test_a_point_that_is_not_on_the_curve_is_refused() -> None:
    with pytest.raises(KeyFormatError, match="Ed25519 or ECDSA P-256 is needed"):
        parse_any_public_keys(PUBLIC_DER[:-1] + bytes([PUBLIC_DER[-1] ^ 1]), where="cosign.pub")


def test_a_file_of_two_keys_is_not_one_key(tmp_path: Path) -> None:
    (tmp_path / "keys.pub").write_bytes(
        K1.public.openssh() + b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICmsuuFBvMrwsi4alNNNC8c2HlJtC/4Sx4lLyTIplm3X\n"
    )
    with pytest.raises(KeyFormatError, match="holds 2 keys"):
        load_any_public_key(tmp_path / "keys.pub")


Places = Callable[[Path], KeySource]
PLACES: dict[str, Places] = {
    "file": lambda folder: KeySource(kind="file", ref=str(folder / "key.pem")),
    "env": lambda _: KeySource(kind="env", ref="SIGNING_KEY"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_key_source_signs_statements_and_no_wasm(place: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(PKCS8)
    (tmp_path / "key.pub").write_bytes(PUBLIC_PEM)
    environ = {"SIGNING_KEY": base64.b64encode(PKCS8).decode()}
    key = SigningKey(source=PLACES[place](tmp_path), public_key=tmp_path / "key.pub")
    (signer,) = open_statement_signers([key], NONE, environ=environ)
    assert isinstance(signer, P256SecretKey)
    with pytest.raises(KeyFormatError, match="of type ECDSA; Ed25519 is needed"):
        open_signers([SigningKey(source=key.source, public_key=None)], NONE, environ=environ)
    (tmp_path / "key.pub").write_bytes(SPKI_1)
    with pytest.raises(KeyFormatError, match="does not belong to the secret key"):
        open_statement_signers([key], NONE, environ=environ)


@pytest.mark.parametrize("encode", [bytes, base64.b64encode], ids=["DER", "base64"])
def test_a_signing_program_signs_with_a_key_of_a_kms(encode: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(PUBLIC_PEM)
    signature = tmp_path / "signature"
    key = SigningKey(source=KeySource(kind="command", ref=f"cat '{signature}'"), public_key=tmp_path / "key.pub")
    (signer,) = open_statement_signers([key], NONE)
    made = parse_any_secret_key(PKCS8, where="").sign(b"message")
    signature.write_bytes(encode(made))
    assert signer.sign(b"message") == made
    with pytest.raises(KeyFormatError, match="ECDSA with SHA-256"):
        signer.sign(b"other")
    signature.write_bytes(b"no signature")
    with pytest.raises(KeyFormatError, match="is not a signature; write the signature in DER"):
        signer.sign(b"message")


def test_no_key_at_all_is_an_error() -> None:
    with pytest.raises(UsageError, match="no key is given"):
        open_statement_signers([], NONE)
