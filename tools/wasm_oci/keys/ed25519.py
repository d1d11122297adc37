"""Ed25519 (RFC 8032) by the `cryptography` package, which is imported only when one of these is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

SEED_SIZE = 32
KEY_SIZE = 32
SIGNATURE_SIZE = 64
_SPKI = bytes.fromhex("302a300506032b6570032100")
"""What every SubjectPublicKeyInfo of Ed25519 begins with (RFC 8410, 4)."""
_PRIME = 2**255 - 19
_SIGN_BIT = 1 << 255
_SMALL_ORDER = frozenset(
    (
        0,
        1,
        _PRIME - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    )
)
"""The y coordinates of the points whose order divides 8: anyone can forge signatures for a key that is one of them."""


def is_weak(public: bytes) -> bool:
    """Tells whether 32 bytes are a key that no program generates: of small order, or not canonically encoded (RFC 8032, 5.1.3)."""
    y = int.from_bytes(public, "little") & ~_SIGN_BIT
    return y >= _PRIME or y in _SMALL_ORDER


def public_der(raw: bytes) -> bytes:
    """Returns the SubjectPublicKeyInfo of a public key."""
    return _SPKI + raw


def new_seed() -> bytes:
    """Returns a new secret seed from the system's random numbers."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_of(seed: bytes) -> bytes:
    """Returns the public key that belongs to a seed of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def signer(seed: bytes) -> Callable[[bytes], bytes]:
    """Returns a function that makes the deterministic signature of a message, 64 bytes, for a key that signs more than once."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign


@lru_cache(maxsize=64)
def verifier(public: bytes) -> Callable[[bytes, bytes], bool]:
    """Returns a function that tells whether a message has a signature by the owner of the 32-byte key `public`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(public)

    def verifies(message: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verifies
