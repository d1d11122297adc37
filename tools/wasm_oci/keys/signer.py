"""Signers: a secret key in memory, or something that holds one and never shows it (an agent, a program)."""

from __future__ import annotations

from typing import Protocol, TypeGuard

from wasm_oci.keys.key import AnyPublicKey, PublicKey


class AnySigner(Protocol):
    """Makes signatures that verify with `public`: pure Ed25519 (RFC 8032), or ECDSA with P-256 and SHA-256."""

    @property
    def public(self) -> AnyPublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """Returns the signature; raises KeyFormatError or UsageError if it cannot sign."""


class Signer(AnySigner, Protocol):
    """Makes pure Ed25519 signatures (RFC 8032) that verify with `public`."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """Returns the 64 bytes of the signature; raises KeyFormatError or UsageError if it cannot sign."""


def is_ed25519(signer: AnySigner) -> TypeGuard[Signer]:
    """Tells whether a signer makes the signatures of WebAssembly files."""
    return isinstance(signer.public, PublicKey)
