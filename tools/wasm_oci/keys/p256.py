"""ECDSA keys on the curve P-256 (FIPS 186-5), which sign and verify statements about manifests, as cosign's own keys do.

They are PKCS#8, SEC 1 or SPKI, in PEM or DER. A signature is over SHA-256 and in DER (RFC 3279, 2.2.3). The `cryptography` package is
imported only when a key is read or used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_LONGEST = 1024
"""A key in DER has at most about 200 bytes."""
_EC = bytes.fromhex("06072a8648ce3d0201")
_CURVE = bytes.fromhex("06082a8648ce3d030107")
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""What every SubjectPublicKeyInfo of an uncompressed point on this curve begins with (RFC 5480, 2)."""
_SEC1 = b"\x02\x01\x01\x04\x20"
"""Version and length with which an ECPrivateKey of 32 bytes begins (RFC 5915, 3)."""
_NAME = "secp256r1"
_KEY_ID_SIZE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class P256PublicKey:
    """A public key; `raw` is a point of the curve, uncompressed (SEC 1, 2.3.3), 65 bytes."""

    format: ClassVar[str] = "pem"
    deterministic: ClassVar[bool] = False
    """Whether the same message always has the same signature: it need not (FIPS 186-5, section 6.4)."""
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The beginning of the SHA-256 digest of its DER: of what `openssl pkey -pubin -outform DER` writes."""
        return hashlib.sha256(self.der()).digest()[:_KEY_ID_SIZE]

    def der(self) -> bytes:
        """Returns its SubjectPublicKeyInfo."""
        return _SPKI + self.raw

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Tells whether the owner of the key signed the message."""
        return _verifier(self.raw)(message, signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class P256SecretKey:
    """A secret key whose public half is known to belong to it."""

    public: P256PublicKey
    _sign: Callable[[bytes], bytes] = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """Returns the deterministic signature (RFC 6979) of a message, so that signing again adds nothing."""
        return self._sign(message)


def is_public(der: bytes) -> bool:
    """Tells whether DER says that it is a public key on this curve."""
    return len(der) <= _LONGEST and _EC + _CURVE in der[:40]


def is_secret(der: bytes) -> bool:
    """Tells whether DER says that it is a secret key on this curve, in PKCS#8 or SEC 1."""
    return len(der) <= _LONGEST and (_EC + _CURVE in der[:40] or (_SEC1 in der[:12] and _CURVE in der))


def parse_public(der: bytes) -> P256PublicKey | None:
    """Returns the key of a SubjectPublicKeyInfo; None for anything that is not a point of this curve."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return P256PublicKey(raw=_point(key)) if isinstance(key, EllipticCurvePublicKey) and key.curve.name == _NAME else None


def parse_secret(der: bytes) -> P256SecretKey | None:
    """Returns the key of PKCS#8 or SEC 1 without a passphrase; None for anything that is not a key of this curve."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(der, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != _NAME:
        return None
    scheme = ECDSA(SHA256(), deterministic_signing=True)
    return P256SecretKey(public=P256PublicKey(raw=_point(key.public_key())), _sign=lambda message: key.sign(message, scheme))


def _point(key: EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@lru_cache(maxsize=64)
def _verifier(raw: bytes) -> Callable[[bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)

    def verifies(message: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    return verifies
