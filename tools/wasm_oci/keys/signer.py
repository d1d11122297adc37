"""Signers: a secret key in memory, or something that holds one and never shows it (an agent, a program)."""

from __future__ import annotations

from typing import Protocol

from wasm_oci.keys.key import PublicKey


class Signer(Protocol):
    """Makes pure Ed25519 signatures (RFC 8032) that verify with `public`."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """Returns the 64 bytes of the signature; raises KeyFormatError or UsageError if it cannot sign."""
