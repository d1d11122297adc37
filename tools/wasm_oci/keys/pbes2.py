"""Private keys that a passphrase encrypts: PBES2 with PBKDF2 (RFC 8018), in an EncryptedPrivateKeyInfo (RFC 5958, 3).

The key inside may be of a form that the `cryptography` package does not load (version 2, attributes), so only its ciphers and
its parser are used. Identifiers are compared as bytes, as in `der`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat import asn1

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm

_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HASHES = {
    None: "sha1",
    bytes.fromhex("2a864886f70d0207"): "sha1",
    bytes.fromhex("2a864886f70d0208"): "sha224",
    bytes.fromhex("2a864886f70d0209"): "sha256",
    bytes.fromhex("2a864886f70d020a"): "sha384",
    bytes.fromhex("2a864886f70d020b"): "sha512",
}
"""The pseudo-random functions, HMAC with these; SHA-1 where none is named (RFC 8018, A.2)."""
_AES = {bytes.fromhex(f"60864801650304{number}"): size for number, size in (("0102", 16), ("0116", 24), ("012a", 32))}
_TRIPLE_DES = bytes.fromhex("2a864886f70d0307")
_TRIPLE_DES_SIZE = 24


@asn1.sequence
class _Algorithm:
    """An AlgorithmIdentifier that has parameters."""

    algorithm: asn1.TLV
    parameters: asn1.TLV


@asn1.sequence
class _Hash:
    algorithm: asn1.TLV
    parameters: asn1.Null | None


@asn1.sequence
class _EncryptedKey:
    """EncryptedPrivateKeyInfo."""

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
    hash: _Hash | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encrypted:
    """What is known of an encrypted key without its passphrase."""

    rounds: int
    """How often the passphrase is hashed: the cost of decryption."""
    _salt: bytes
    _hash: str
    _cipher: bytes
    _size: int
    _vector: bytes
    _data: bytes = field(repr=False)

    def decrypted(self, passphrase: bytes) -> bytes | None:
        """Returns the decrypted key; None if the passphrase is wrong, which may also show only when the key is parsed."""
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.modes import CBC
        from cryptography.hazmat.primitives.padding import PKCS7

        if not passphrase:
            return None
        key = hashlib.pbkdf2_hmac(self._hash, passphrase, self._salt, self.rounds, self._size)
        opener = Cipher(self._algorithm(key), CBC(self._vector)).decryptor()
        unpadder = PKCS7(8 * len(self._vector)).unpadder()
        try:
            return unpadder.update(opener.update(self._data) + opener.finalize()) + unpadder.finalize()
        except ValueError:
            return None

    def _algorithm(self, key: bytes) -> BlockCipherAlgorithm:
        if self._cipher in _AES:
            from cryptography.hazmat.primitives.ciphers.algorithms import AES

            return AES(key)
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

        return TripleDES(key)


def is_encrypted(der: bytes) -> bool:
    """Tells whether this is an EncryptedPrivateKeyInfo, in whatever way it is encrypted."""
    return _outer(der) is not None


def read(der: bytes) -> Encrypted | None:
    """Returns the parameters of an EncryptedPrivateKeyInfo; None for another scheme, or a cipher that is not supported."""
    outer = _outer(der)
    if outer is None or not _is(outer.scheme.algorithm, _PBES2):
        return None
    try:
        scheme = outer.scheme.parameters.parse(_Pbes2)
        if not _is(scheme.derivation.algorithm, _PBKDF2):
            return None
        derivation, vector = scheme.derivation.parameters.parse(_Pbkdf2), scheme.cipher.parameters.parse(bytes)
    except ValueError:
        return None
    cipher = bytes(scheme.cipher.algorithm.data)
    size, block = (_AES.get(cipher, 0), 16) if cipher != _TRIPLE_DES else (_TRIPLE_DES_SIZE, 8)
    hashed = _HASHES.get(bytes(derivation.hash.algorithm.data) if derivation.hash else None)
    whole = outer.data and len(outer.data) % block == 0 and len(vector) == block
    if not size or hashed is None or not whole or derivation.rounds < 1 or derivation.key_length not in (None, size):
        return None
    return Encrypted(
        rounds=derivation.rounds, _salt=derivation.salt, _hash=hashed, _cipher=cipher, _size=size, _vector=vector, _data=outer.data
    )


def _outer(der: bytes) -> _EncryptedKey | None:
    try:
        return asn1.decode_der(_EncryptedKey, der)
    except ValueError:
        return None


def _is(element: asn1.TLV, identifier: bytes) -> bool:
    return element.tag_bytes == identifier[:1] and element.data == identifier[2:]
