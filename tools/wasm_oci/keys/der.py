"""Ed25519 keys in DER (RFC 5958, 5280, 8410, 8018), read by the strict parser of the `cryptography` package, which this imports.

What an encrypted key may cost is looked at first, by the parser that decrypts it. Identifiers are compared as bytes:
the package's own type for them comes with all of X.509, which takes longer than reading the key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from cryptography.hazmat import asn1

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.ed25519 import KEY_SIZE, SEED_SIZE
from wasm_oci.keys.key_errors import NEW_KEY, wrong_algorithm, wrong_passphrase
from wasm_oci.limits import LIMITS

_LONGEST = 1024
"""An encrypted Ed25519 key has about 250 bytes; a longer one may hold a key that takes minutes to check."""
_ED25519 = bytes.fromhex("06032b6570")
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_ALGORITHMS = {
    bytes.fromhex("06092a864886f70d010101"): "RSA",
    bytes.fromhex("06092a864886f70d01010a"): "RSA-PSS",
    bytes.fromhex("06072a8648ce3d0201"): "ECDSA",
    bytes.fromhex("06072a8648ce380401"): "DSA",
    bytes.fromhex("06032b656e"): "X25519",
    bytes.fromhex("06032b656f"): "X448",
    bytes.fromhex("06032b6571"): "Ed448",
}
"""Keys of others are named by their identifiers, and not loaded."""
_INTEGER = b"\x02"
_PLAIN = "decrypt a copy of it with `openssl pkcs8`, or make an OpenSSH key with a passphrase"


@asn1.sequence
class _Algorithm:
    """An AlgorithmIdentifier that has parameters."""

    algorithm: asn1.TLV
    parameters: asn1.TLV


@asn1.sequence
class _PlainAlgorithm:
    """An AlgorithmIdentifier without parameters, as Ed25519 has it (RFC 8410, 3), or with none to speak of."""

    algorithm: asn1.TLV
    parameters: asn1.Null | None


@asn1.sequence
class _Attribute:
    type: asn1.TLV
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _PublicKey:
    """SubjectPublicKeyInfo (RFC 5280, 4.1)."""

    algorithm: _PlainAlgorithm
    key: asn1.BitString


@asn1.sequence
class _PrivateKey:
    """OneAsymmetricKey (RFC 5958, 2): version 1 of PKCS#8, or version 2 with the public key."""

    version: int
    algorithm: _PlainAlgorithm
    private_key: bytes
    attributes: Annotated[asn1.SetOf[_Attribute] | None, asn1.Implicit(0)]
    public_key: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    explicit_public_key: Annotated[asn1.BitString | None, asn1.Explicit(1)]
    """As some libraries wrote it."""


@asn1.sequence
class _EncryptedKey:
    """EncryptedPrivateKeyInfo (RFC 5958, 3)."""

    scheme: _Algorithm
    data: bytes


@asn1.sequence
class _Pbes2:
    derivation: _Algorithm
    cipher: _Algorithm


@asn1.sequence
class _Pbkdf2:
    salt: bytes
    rounds: int
    key_length: int | None
    hash: _PlainAlgorithm | None


def is_sequence(data: bytes) -> bool:
    """Tells whether `data` is one DER sequence and nothing else."""
    try:
        return data[:1] == asn1.decode_der(asn1.TLV, data).tag_bytes == b"\x30"
    except ValueError:
        return False


def is_secret(der: bytes) -> bool:
    """Tells a private key (it begins with a version), or an encrypted one, from a public key."""
    return bytes(asn1.decode_der(asn1.TLV, der).data[:1]) == _INTEGER or is_encrypted(der)


def is_encrypted(der: bytes) -> bool:
    """Tells whether this is an EncryptedPrivateKeyInfo, in whatever way it is encrypted."""
    return _encrypted(der) is not None


def parse_public(der: bytes, *, where: str) -> bytes:
    """Returns the raw key of an Ed25519 SubjectPublicKeyInfo; raises KeyFormatError for anything else."""
    _require_ed25519(der, "public", where)
    try:
        key = asn1.decode_der(_PublicKey, der)
    except ValueError as err:
        raise _malformed("public", where) from err
    raw = key.key.as_bytes()
    if not _is_plain_ed25519(key.algorithm) or len(raw) != KEY_SIZE or key.key.padding_bits():
        raise _malformed("public", where)
    return raw


def parse_secret(der: bytes, *, where: str) -> tuple[bytes, bytes | None]:
    """Returns the seed and, where the file holds it (version 2), the public key, which the caller must compare.

    Raises KeyFormatError for anything but an Ed25519 private key.
    """
    _require_ed25519(der, "private", where)
    try:
        key = asn1.decode_der(_PrivateKey, der)
        seed = asn1.decode_der(bytes, key.private_key)
    except ValueError as err:
        raise _malformed("private", where) from err
    publics = [public for public in (key.public_key, key.explicit_public_key) if public is not None]
    if (
        not _is_plain_ed25519(key.algorithm)
        or key.version != len(publics)
        or len(seed) != SEED_SIZE
        or any(public.padding_bits() for public in publics)
    ):
        raise _malformed("private", where)
    return seed, publics[0].as_bytes() if publics else None


def decrypt(der: bytes, passphrase: Callable[[str], bytes], *, where: str) -> bytes:
    """Returns the seed of an encrypted PKCS#8 key; the passphrase is asked for only if the key can be opened with one.

    Raises KeyFormatError for another scheme than PBES2 with PBKDF2, for more rounds than are allowed, for a wrong
    passphrase, and for a key that is not Ed25519.
    """
    rounds = _rounds(der) if len(der) <= _LONGEST else None
    if rounds is None:
        raise _unreadable(where)
    if rounds > LIMITS.pbkdf2_rounds:
        raise KeyFormatError(f"the passphrase is hashed {rounds} times, more than {LIMITS.pbkdf2_rounds}", where=where, hint=_PLAIN)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(der, passphrase(where))
    except UnsupportedAlgorithm as err:
        raise _unreadable(where) from err
    except (ValueError, TypeError) as err:
        raise wrong_passphrase(where) from err
    if not isinstance(key, Ed25519PrivateKey):
        raise wrong_algorithm(type(key).__name__.removesuffix("PrivateKey").strip("_"), where)
    return key.private_bytes_raw()


def _encrypted(der: bytes) -> _EncryptedKey | None:
    try:
        return asn1.decode_der(_EncryptedKey, der)
    except ValueError:
        return None


def _rounds(der: bytes) -> int | None:
    """The iterations of PBKDF2 in an EncryptedPrivateKeyInfo; None for any other scheme."""
    key = _encrypted(der)
    if key is None or not _is(key.scheme.algorithm, _PBES2):
        return None
    try:
        derivation = key.scheme.parameters.parse(_Pbes2).derivation
        return derivation.parameters.parse(_Pbkdf2).rounds if _is(derivation.algorithm, _PBKDF2) else None
    except ValueError:
        return None


def _is(element: asn1.TLV, identifier: bytes) -> bool:
    return element.tag_bytes == identifier[:1] and element.data == identifier[2:]


def _is_plain_ed25519(algorithm: _PlainAlgorithm) -> bool:
    return _is(algorithm.algorithm, _ED25519) and algorithm.parameters is None


def _require_ed25519(der: bytes, kind: str, where: str) -> None:
    head = der[:40]
    for identifier, name in _ALGORITHMS.items():
        if identifier in head:
            raise wrong_algorithm(name, where)
    if _ED25519 not in head:
        raise KeyFormatError(f"this is DER, but no Ed25519 {kind} key", where=where, hint=NEW_KEY)


def _malformed(kind: str, where: str) -> KeyFormatError:
    return KeyFormatError(f"the Ed25519 {kind} key is malformed", where=where, hint="restore the file or make a new key pair")


def _unreadable(where: str) -> KeyFormatError:
    return KeyFormatError("the private key is encrypted in a way that is not read here", where=where, hint=_PLAIN, reason="key_encrypted")
