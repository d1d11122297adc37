"""PKCS#8 and SPKI in PEM and DER: those of openssl and others, and what everything else is called."""

from __future__ import annotations

import base64
import hashlib
import random
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from fakes.signing import K1, K2, PKCS8_1, SPKI_1, pem
from wasm_oci.errors import KeyFormatError, WasmOciError
from wasm_oci.keys.key import PEM, PublicKey, parse_public_keys, parse_secret_key

PKCS8_DER = bytes.fromhex("302e020100300506032b657004220420") + K1.seed
SPKI_DER = bytes.fromhex("302a300506032b6570032100") + K1.public.raw
V2 = bytes.fromhex("3051020101300506032b657004220420") + K1.seed + bytes.fromhex("812100")
ATTRIBUTES = bytes.fromhex("a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273")
V2_EXPLICIT = bytes.fromhex("3053020101300506032b657004220420") + K1.seed + bytes.fromhex("a123032100")

OPENSSL_ENCRYPTED = pem(
    "ENCRYPTED PRIVATE KEY",
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAj6hxc2NpdkdwICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMEivzLPqN50LupWDpXd"
    "D5gEQPwIMnCb867qS53BglyJHCUkH3L6L3+CO93X93F32qykvzLgppZXgV40yF/rfWj+QxOyJ9vkh6MCoRJ6RKiB69E=",
)
"""By `openssl pkcs8 -topk8`, passphrase "hello"."""
OPENSSL_SCRYPT = pem(
    "ENCRYPTED PRIVATE KEY",
    "MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAiiDxcBofy1vAICQAACAQgCAQEwHQYJYIZIAWUDBAEqBBDbQBwATS/fQs87DMxgmxUnBEA376Y/"
    "roVSHrOCcbq9Ku74pg/cmHDGWg31j2NleNVu29uxOV5haWfP5Lu5hJISkJtbGitrlQLy9UeRxNIALzMG",
)
OPENSSL_PUBLIC = pem("PUBLIC KEY", "MCowBQYDK2VwAyEAX8uxmI6qIBMn+0lBRu+rLvTJeRGXkMrp6Rf8CYNbHqI=")


def refuse(where: str) -> bytes:
    raise AssertionError(f"asked for the passphrase of {where}")


def block(label: str, der: bytes) -> bytes:
    return pem(label, base64.b64encode(der).decode())


def test_what_is_written_is_what_openssl_writes() -> None:
    assert K1.encoded(PEM) == PKCS8_1
    assert K1.public.encoded(PEM) == SPKI_1
    theirs = load_pem_private_key(K1.encoded(PEM), None)
    assert isinstance(theirs, Ed25519PrivateKey)
    assert theirs.private_bytes_raw() == K1.seed
    load_pem_public_key(K1.public.encoded(PEM))


SECRETS = {
    "PEM": PKCS8_1,
    "DER": PKCS8_DER,
    "PEM of CRLF": PKCS8_1.replace(b"\n", b"\r\n"),
    "PEM of one line": PKCS8_1.replace(b"\n", b" "),
    "blank lines first": b"\n \n" + PKCS8_1,
    "byte order mark": b"\xef\xbb\xbf" + PKCS8_1,
    "text around": b"Bag Attributes\n  friendlyName: x\n" + PKCS8_1 + b"ED25519 Private-Key:\n",
    "version 2": V2 + K1.public.raw,
    "version 2 as some wrote it": V2_EXPLICIT + K1.public.raw,
    "version 1 with a public key": V2.replace(b"\x02\x01\x01", b"\x02\x01\x00", 1) + K1.public.raw,
    "version 2 without one": PKCS8_DER.replace(b"\x02\x01\x00", b"\x02\x01\x01", 1),
    "version 1 with attributes": b"\x30\x4f" + PKCS8_DER[2:] + ATTRIBUTES,
    "version 2 with attributes": b"\x30\x4f" + PKCS8_DER[2:].replace(b"\x02\x01\x00", b"\x02\x01\x01", 1) + ATTRIBUTES,
    "version 2 with attributes and public key": b"\x30\x72" + V2[2:-3] + ATTRIBUTES + V2[-3:] + K1.public.raw,
    "no attributes in their place": b"\x30\x30" + PKCS8_DER[2:] + b"\xa0\x00",
    "quotation marks": b'"' + PKCS8_1 + b'"\n',
    "escaped line ends": PKCS8_1.replace(b"\n", b"\\n"),
    "escaped CRLF in quotation marks": b"'" + PKCS8_1.replace(b"\n", b"\\r\\n") + b"'",
    "no line end": PKCS8_1.strip(),
    "carriage returns": PKCS8_1.replace(b"\n", b"\r"),
    "indented": PKCS8_1.replace(b"\n", b"\n    "),
    "UTF-16": PKCS8_1.decode().encode("utf-16"),
    "UTF-16, big endian": b"\xfe\xff" + PKCS8_1.decode().encode("utf-16-be"),
    "version 2 in PEM": block("PRIVATE KEY", V2 + K1.public.raw),
}


@pytest.mark.parametrize("name", SECRETS)
def test_secret_keys(name: str) -> None:
    key = parse_secret_key(SECRETS[name], where="key", passphrase=refuse)
    assert (key.seed, key.public, key.public.format) == (K1.seed, K1.public, PEM)


RFC_8410_SEED = bytes.fromhex("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842")
RFC_8410_PUBLIC = pem("PUBLIC KEY", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
RFC_8410 = {
    "version 1": "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC",
    "with an attribute and the public key": (
        "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
        "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
    ),
}
"""The examples of RFC 8410, section 10.3."""


@pytest.mark.parametrize("name", RFC_8410)
def test_the_examples_of_the_specification(name: str) -> None:
    for data in (pem("PRIVATE KEY", RFC_8410[name]), base64.b64decode(RFC_8410[name])):
        key = parse_secret_key(data, where="key", passphrase=refuse)
        assert (key.seed, key.public) == (RFC_8410_SEED, parse_public_keys(RFC_8410_PUBLIC, where="key.pub")[0])


PUBLICS = {
    "PEM": SPKI_1,
    "DER": SPKI_DER,
    "PEM of CRLF": SPKI_1.replace(b"\n", b"\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + SPKI_1,
    "text around": b"my key\n" + SPKI_1 + b"\nmore\n",
}


@pytest.mark.parametrize("name", PUBLICS)
def test_public_keys(name: str) -> None:
    (key,) = parse_public_keys(PUBLICS[name], where="key")
    assert (key, key.format) == (PublicKey(raw=K1.public.raw), PEM)


@pytest.mark.parametrize("data", [OPENSSL_ENCRYPTED, base64.b64decode("".join(OPENSSL_ENCRYPTED.decode().splitlines()[1:-1]))])
def test_an_encrypted_key_of_openssl(data: bytes) -> None:
    key = parse_secret_key(data, where="key", passphrase=lambda where: b"hello")
    assert key.public == parse_public_keys(OPENSSL_PUBLIC, where="key.pub")[0]
    assert key.public.format == PEM
    for wrong in (b"hello ", b"", b"x" * 1000):
        with pytest.raises(KeyFormatError, match="the passphrase does not open") as caught:
            parse_secret_key(data, where="key", passphrase=lambda where, wrong=wrong: wrong)  # type: ignore[misc]
        assert caught.value.reason == "wrong_passphrase"
    with pytest.raises(KeyFormatError, match="encrypted with a passphrase") as caught:
        parse_secret_key(data, where="key")
    assert caught.value.reason == "key_encrypted"


CIPHERS = {
    "AES-128": (
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhU7sksRAe6JAICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEELD6g5cqwOcm"
        "COMculjmJ5EEQAGQutItLxlCQshaSpqaTJn+SbUYYpuiVfPHGbpIvmWmmkcwMzrOP9nd8cOzn+LiJ7kgC4LbZaZlEa9eeG6HwIk="
    ),
    "AES-192": (
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjEqt2xagVzDQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEARYEEEnL8bnT6GTN"
        "lgKv1SDQLI0EQBbETMsttJJA2n4c6AvubpnSd5fg8lwhy5jc/BsVR26uNCLKApVe7nQnj0Atf2i2qLnFmltxQVM2AQ5NKc7JgLg="
    ),
    "AES-256 and SHA-1": (
        "MIGNMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAjGv7PO4R9aEAICCAAwHQYJYIZIAWUDBAEqBBD5IOfWVq7l+fHcctUYPbFYBEDO2PXh"
        "vI2P2v/53islf5zmj8QgsnpArM5pO8G4r/wTz+1lBlKpeMUqFL54PmBA76GHsDoCwgcmvisFj4Di+GHo"
    ),
    "AES-256 and SHA-512": (
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjp/NTkgqlA9gICCAAwDAYIKoZIhvcNAgsFADAdBglghkgBZQMEASoEECNMzudbg59r"
        "UJlRqJhq4JgEQLa5FcXYZPPF+Z7oW7RokduDkDydMowXiS8deYaeTDjZlaxsdzwIGN3y2wfVdLJG3Qdq8lml4z9jGGMG29t2Dbc="
    ),
    "Triple DES": (
        "MIGKME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAjhvg7ygYdJigICCAAwDAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQI5StECcSrp3oE"
        "OMQb7J6rQctwcLUk9BNPsx7sBMPVzSh+ylJ9ehcXbDS0BzwrnOr2K9j1yIj2c4+Tc3OBrgl8qzHT"
    ),
}
"""K1 by `openssl pkcs8 -topk8 -v2 CIPHER -v2prf HASH`, passphrase "hello"."""
FORMS = ("version 2", "version 2 without one", "version 1 with attributes", "version 2 with attributes and public key")


def encrypted(der: bytes, passphrase: bytes) -> bytes:
    """PBES2 with AES-256 as `openssl pkcs8 -topk8` writes it, around a form that openssl would write anew."""
    template = base64.b64decode("".join(OPENSSL_ENCRYPTED.decode().splitlines()[1:-1]))
    salt, vector = template[template.index(b"\x04\x08") + 2 :][:8], template[template.index(b"\x04\x10") + 2 :][:16]
    padded = der + bytes([16 - len(der) % 16]) * (16 - len(der) % 16)
    writer = Cipher(AES(hashlib.pbkdf2_hmac("sha256", passphrase, salt, 2048, 32)), CBC(vector)).encryptor()
    data = writer.update(padded) + writer.finalize()
    scheme = template[3 : template.rindex(b"\x04\x40")]
    body = scheme + (b"\x04" + (bytes([len(data)]) if len(data) < 128 else b"\x81" + bytes([len(data)]))) + data
    return b"\x30\x81" + bytes([len(body)]) + body


@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_an_encrypted_key(form: str) -> None:
    data = encrypted(SECRETS[form], b"hello")
    key = parse_secret_key(data, where="key", passphrase=lambda where: b"hello")
    assert (key.seed, key.public, key.public.format) == (K1.seed, K1.public, PEM)
    with pytest.raises(KeyFormatError, match="the passphrase does not open"):
        parse_secret_key(data, where="key", passphrase=lambda where: b"hullo")
    with pytest.raises(KeyFormatError, match="does not belong to the secret half"):
        parse_secret_key(encrypted(V2 + K2.public.raw, b"hello"), where="key", passphrase=lambda where: b"hello")


@pytest.mark.parametrize("name", CIPHERS)
def test_the_ciphers_of_openssl(name: str) -> None:
    data = base64.b64decode(CIPHERS[name])
    assert parse_secret_key(data, where="key", passphrase=lambda where: b"hello").seed == K1.seed
    with pytest.raises(KeyFormatError, match="the passphrase does not open"):
        parse_secret_key(data, where="key", passphrase=lambda where: b"hullo")


def test_so_many_rounds_that_a_file_could_block_the_program() -> None:
    der = base64.b64decode("".join(OPENSSL_ENCRYPTED.decode().splitlines()[1:-1]))
    rounds = bytes.fromhex("02020800")
    at = der.index(rounds)
    hostile = bytearray(der[:at] + bytes.fromhex("020477359400") + der[at + len(rounds) :])
    for position in range(at):  # two bytes more in each element around it
        if hostile[position] == 0x30 and position + 2 + hostile[position + 1] > at and position > 2:
            hostile[position + 1] += 2
    hostile[2] += 2
    with pytest.raises(KeyFormatError, match="hashed 2000000000 times"):
        parse_secret_key(bytes(hostile), where="key", passphrase=refuse)


@pytest.mark.parametrize("cut", range(1, 60))
def test_an_encrypted_key_that_is_cut_off(cut: int) -> None:
    der = base64.b64decode("".join(OPENSSL_ENCRYPTED.decode().splitlines()[1:-1]))
    for data in (der[:-cut], block("ENCRYPTED PRIVATE KEY", der[:-cut])):
        with pytest.raises(KeyFormatError):
            parse_secret_key(data, where="key", passphrase=lambda where: b"hello")


def private(key: object, encoding: Encoding, form: PrivateFormat) -> bytes:
    data: bytes = key.private_bytes(encoding, form, NoEncryption())  # type: ignore[attr-defined]
    return data


def public(key: object, encoding: Encoding) -> bytes:
    data: bytes = key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return data


OTHERS = {
    "RSA": rsa.generate_private_key(65537, 2048),
    "ECDSA": ec.generate_private_key(ec.SECP256R1()),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "X25519": x25519.X25519PrivateKey.generate(),
}


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("name", OTHERS)
def test_other_algorithms_are_named(name: str, encoding: Encoding) -> None:
    with pytest.raises(KeyFormatError, match=f"the key is of type {name}; Ed25519 is needed"):
        parse_secret_key(private(OTHERS[name], encoding, PrivateFormat.PKCS8), where="key")
    with pytest.raises(KeyFormatError, match=f"the key is of type {name}; Ed25519 is needed"):
        parse_public_keys(public(OTHERS[name], encoding), where="key")


@pytest.mark.parametrize("name", ["RSA", "ECDSA"])
def test_the_old_forms_of_other_algorithms_are_named(name: str) -> None:
    data = private(OTHERS[name], Encoding.PEM, PrivateFormat.TraditionalOpenSSL)
    with pytest.raises(KeyFormatError, match=f"the key is of type {name}; Ed25519 is needed") as caught:
        parse_secret_key(data, where="key")
    assert caught.value.reason == ("key_rsa" if name == "RSA" else "key_algorithm")
    assert "give an Ed25519 secret key" in caught.value.hint
    with pytest.raises(KeyFormatError, match=f"the key is of type {name}; Ed25519 is needed") as caught:
        parse_public_keys(data, where="key")
    assert "give the Ed25519 public key of the signer" in caught.value.hint


def test_an_encrypted_key_of_another_algorithm() -> None:
    data = ed448.Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    with pytest.raises(KeyFormatError, match="the key is of type Ed448; Ed25519 is needed"):
        parse_secret_key(data, where="key", passphrase=lambda where: b"x")


REFUSED_SECRETS = {
    "version 3": (PKCS8_DER.replace(b"\x02\x01\x00", b"\x02\x01\x02", 1), "malformed; convert it with `openssl pkey -in KEY -out COPY`"),
    "version 0": (PKCS8_DER.replace(b"\x02\x01\x00", b"\x02\x01\xff", 1), "malformed"),
    "version 1 with a wrong public key": (V2.replace(b"\x02\x01\x01", b"\x02\x01\x00", 1) + K2.public.raw, "does not belong"),
    "two public keys": (
        bytes.fromhex("3076020101300506032b657004220420")
        + K1.seed
        + bytes.fromhex("812100")
        + K1.public.raw
        + bytes.fromhex("a123032100")
        + K1.public.raw,
        "malformed",
    ),
    "parameters": (bytes.fromhex("3030020100300706032b6570050004220420") + K1.seed, "malformed"),
    "public PEM": (SPKI_1, "this is a public key"),
    "public DER": (SPKI_DER, "this is a public key"),
    "wrong public half": (V2 + K2.public.raw, "does not belong to the secret half"),
    "wrong public half as some wrote it": (V2_EXPLICIT + K2.public.raw, "does not belong to the secret half"),
    "one byte more": (PKCS8_DER + b"x", "this is not a secret key"),
    "one byte more inside": (b"\x30\x2f" + PKCS8_DER[2:] + b"x", "the Ed25519 private key is malformed"),
    "short seed": (bytes.fromhex("302d020100300506032b657004210420") + K1.seed[1:], "malformed"),
    "PBES1": (
        block("ENCRYPTED PRIVATE KEY", bytes.fromhex("3013300d06092a864886f70d010503300004020000")),
        "encrypted in a way that is not supported",
    ),
    "encrypted by its label only": (block("ENCRYPTED PRIVATE KEY", PKCS8_DER), "encrypted in a way that is not supported"),
    "scrypt": (OPENSSL_SCRYPT, "encrypted in a way that is not supported"),
    "certificate": (pem("CERTIFICATE", "MIIB"), r"another kind \(CERTIFICATE\)"),
    "cosign": (pem("ENCRYPTED SIGSTORE PRIVATE KEY", "eyJr"), "private key of cosign"),
    "no end": (PKCS8_1[:80], "the PEM block 'PRIVATE KEY' is cut off"),
    "other end": (PKCS8_1.replace(b"END PRIVATE", b"END PUBLIC"), "is cut off"),
    "two blocks": (PKCS8_1 + PKCS8_1, "more than one PEM block"),
    "two kinds": (PKCS8_1 + SPKI_1, "more than one PEM block"),
    "a block in a block": (pem("PRIVATE KEY", SPKI_1.decode()), "more than one PEM block"),
    "not base64": (PKCS8_1.replace(b"MC4C", b"M!4C"), "is not base64"),
    "no DER": (pem("PRIVATE KEY", "AAAA"), "the PEM block holds no key"),
    "empty": (pem("PRIVATE KEY", ""), "the PEM block holds no key"),
    "other DER": (b"\x30\x03\x02\x01\x00", "DER, but no Ed25519 private key"),
    "DSA": (pem("DSA PRIVATE KEY", "MIIB"), "the key is of type DSA"),
}
REFUSED_PUBLICS = {
    "parameters": (bytes.fromhex("302c300706032b65700500032100") + K1.public.raw, "the Ed25519 public key is malformed"),
    "a length that is not DER": (b"\x30\x81\x2a" + SPKI_DER[2:], "this is not a public key"),
    "one byte after it": (SPKI_DER + b"x", "this is not a public key"),
    "secret PEM": (PKCS8_1, "this is a secret key"),
    "secret DER": (PKCS8_DER, "this is a secret key"),
    "version 2": (V2 + K1.public.raw, "this is a secret key"),
    "encrypted": (OPENSSL_ENCRYPTED, "this is a secret key"),
    "one byte more": (b"\x30\x2b" + SPKI_DER[2:] + b"x", "the Ed25519 public key is malformed"),
    "unused bits": (SPKI_DER.replace(b"\x03\x21\x00", b"\x03\x21\x01"), "the Ed25519 public key is malformed"),
    "two blocks": (SPKI_1 + SPKI_1, "more than one PEM block"),
    "certificate": (pem("CERTIFICATE", "MIIB"), "another kind"),
}


@pytest.mark.parametrize("name", REFUSED_SECRETS)
def test_refused_secret_keys(name: str) -> None:
    data, message = REFUSED_SECRETS[name]
    with pytest.raises(KeyFormatError, match=message) as caught:
        parse_secret_key(data, where="key", passphrase=lambda where: b"hello")
    assert caught.value.hint
    assert base64.b64encode(K1.seed).decode()[:20] not in str(caught.value)


@pytest.mark.parametrize("name", REFUSED_PUBLICS)
def test_refused_public_keys(name: str) -> None:
    data, message = REFUSED_PUBLICS[name]
    with pytest.raises(KeyFormatError, match=message) as caught:
        parse_public_keys(data, where="key")
    assert caught.value.hint


def test_every_change_of_the_fixed_bytes_is_refused() -> None:
    rng = random.Random(7)
    for data, size in ((PKCS8_DER, 16), (V2 + K1.public.raw, 16), (SPKI_DER, 12)):
        for at in range(size):
            broken = bytearray(data)
            broken[at] ^= rng.randrange(1, 256)
            for parse in (parse_secret_key, parse_public_keys):
                with pytest.raises(WasmOciError):
                    parse(bytes(broken), where="key")


@pytest.mark.parametrize("public", [K1.public.compact(), K1.public.openssh()], ids=["compact", "openssh"])
def test_public_keys_of_other_forms_load_no_cryptography(public: bytes) -> None:
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from wasm_oci.keys.key import parse_public_keys; "
        f"parse_public_keys({public!r}, where=''); print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("kind", ["COSIGN", "SIGSTORE"])
def test_keys_of_cosign_are_named(kind: str) -> None:
    private = f"-----BEGIN ENCRYPTED {kind} PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED {kind} PRIVATE KEY-----\n".encode()
    with pytest.raises(KeyFormatError, match="encrypted private key of cosign") as caught:
        parse_secret_key(private, where="cosign.key")
    assert ("Ed25519 secret key" in caught.value.hint, "with cosign" in caught.value.hint) == (True, True)
    with pytest.raises(KeyFormatError, match="encrypted private key of cosign") as caught:
        parse_public_keys(private, where="cosign.key")
    assert ("Ed25519 public key of the signer" in caught.value.hint, "secret" in caught.value.hint) == (True, False)
    with pytest.raises(KeyFormatError, match="of type ECDSA") as caught:
        parse_public_keys(public(OTHERS["ECDSA"], Encoding.PEM), where="cosign.pub")
    assert ("Ed25519 public key of the signer" in caught.value.hint, "with cosign" in caught.value.hint) == (True, True)
