"""Ed25519 keys in DER (RFC 5958, 5280, 8410, 8018), read by the strict parser of the `cryptography` package, which this imports.

The cost of decrypting a key is checked first, by the parser that decrypts it. Identifiers are compared as bytes: the package's
own type for them comes with all of X.509, which takes longer than reading the key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from cryptography.hazmat import asn1

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys import pbes2
from wasm_oci.keys.ed25519 import KEY_SIZE, SEED_SIZE
from wasm_oci.keys.key_errors import NEW_KEY, wrong_algorithm, wrong_passphrase
from wasm_oci.limits import LIMITS

_LONGEST = 1024
"""An encrypted Ed25519 key has about 250 bytes; a longer one may hold a key that takes minutes to check."""
_ED25519 = bytes.fromhex("06032b6570")
_ALGORITHMS = {
    bytes.fromhex("06092a864886f70d010101"): "RSA",
    bytes.fromhex("06092a864886f70d01010a"): "RSA-PSS",
    bytes.fromhex("06072a8648ce3d0201"): "ECDSA",
    bytes.fromhex("06072a8648ce380401"): "DSA",
    bytes.fromhex("06032b656e"): "X25519",
    bytes.fromhex("06032b656f"): "X448",
    bytes.fromhex("06032b6571"): "Ed448",
}
"""Keys of other algorithms are recognised by their identifiers, and not loaded."""
_VERSIONS = (0, 1)
"""The numbers that stand for versions 1 and 2."""
_INTEGER = b"\x02"
_PLAIN = "convert it with `openssl pkcs8 -in KEY | openssl pkcs8 -topk8 -v2 aes-256-cbc -out COPY`"


@asn1.sequence
class _PlainAlgorithm:
    """An AlgorithmIdentifier without parameters, as Ed25519 has it (RFC 8410, 3), or with NULL."""

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
    """OneAsymmetricKey (RFC 5958, 2): PKCS#8 of version 1 or 2, with attributes or without.

    Version 2 is the one that may have a public key. Programs write it without one, too, and version 1 with one: what is read
    is the same, and a public key that is there must belong to the seed.
    """

    version: int
    algorithm: _PlainAlgorithm
    private_key: bytes
    attributes: Annotated[asn1.SetOf[_Attribute] | None, asn1.Implicit(0)]
    public_key: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    explicit_public_key: Annotated[asn1.BitString | None, asn1.Explicit(1)]
    """The public key as some libraries tag it."""


def is_sequence(data: bytes) -> bool:
    """Tells whether `data` is one DER sequence and nothing else."""
    try:
        return data[:1] == asn1.decode_der(asn1.TLV, data).tag_bytes == b"\x30"
    except ValueError:
        return False


def is_secret(der: bytes) -> bool:
    """Tells a private key (it begins with a version), or an encrypted one, from a public key."""
    return bytes(asn1.decode_der(asn1.TLV, der).data[:1]) == _INTEGER or pbes2.is_encrypted(der)


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
    """Returns the seed and, where the file holds it, the public key, which the caller must compare.

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
        or key.version not in _VERSIONS
        or len(publics) > 1
        or len(seed) != SEED_SIZE
        or any(public.padding_bits() for public in publics)
    ):
        raise _malformed("private", where)
    return seed, publics[0].as_bytes() if publics else None


def decrypt(der: bytes, passphrase: Callable[[str], bytes], *, where: str) -> tuple[bytes, bytes | None]:
    """Like `parse_secret`, for an encrypted PKCS#8 key; the passphrase is requested only if it can decrypt the key.

    Raises KeyFormatError for another scheme than PBES2 with PBKDF2 and a common cipher (RFC 8018), for more rounds than are
    allowed, for a wrong passphrase, and for a key that is not Ed25519.
    """
    opened = pbes2.read(der) if len(der) <= _LONGEST else None
    if opened is None:
        raise KeyFormatError(
            "the private key is encrypted in a way that is not supported", where=where, hint=_PLAIN, reason="key_encrypted"
        )
    if opened.rounds > LIMITS.pbkdf2_rounds:
        raise KeyFormatError(f"the passphrase is hashed {opened.rounds} times, more than {LIMITS.pbkdf2_rounds}", where=where, hint=_PLAIN)
    plain = opened.decrypted(passphrase(where))
    if plain is None or not is_sequence(plain):
        raise wrong_passphrase(where)
    return parse_secret(plain, where=where)


def _is(element: asn1.TLV, identifier: bytes) -> bool:
    return element.tag_bytes == identifier[:1] and element.data == identifier[2:]


def _is_plain_ed25519(algorithm: _PlainAlgorithm) -> bool:
    return _is(algorithm.algorithm, _ED25519) and algorithm.parameters is None


def _require_ed25519(der: bytes, kind: str, where: str) -> None:
    head = der[:40]
    for identifier, name in _ALGORITHMS.items():
        if identifier in head:
            raise wrong_algorithm(name, where, public=kind == "public")
    if _ED25519 not in head:
        raise KeyFormatError(f"this is DER, but no Ed25519 {kind} key", where=where, hint=NEW_KEY)


def _malformed(kind: str, where: str) -> KeyFormatError:
    convert = "openssl pkey" if kind == "private" else "openssl pkey -pubin"
    hint = f"convert it with `{convert} -in KEY -out COPY`, or restore the file"
    return KeyFormatError(f"the Ed25519 {kind} key is malformed", where=where, hint=hint)
