"""A signer whose every signature is verified before it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.key import AnyPublicKey, PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSigner:
    """Signs by calling `ask`, whose signatures are verified with `public` because they are not trusted."""

    public: AnyPublicKey
    where: str
    ask: Callable[[bytes], bytes]

    def sign(self, message: bytes) -> bytes:
        """Returns the signature; raises KeyFormatError if it does not verify, and what `ask` raises."""
        signature = self.ask(message)
        if not self.public.verifies(message, signature):
            algorithm = "pure Ed25519" if isinstance(self.public, PublicKey) else "ECDSA with SHA-256"
            raise KeyFormatError(
                f"the signature that came back is not by the key {self.public.key_id.hex()}",
                where=self.where,
                hint=f"check that it signs with this key, {algorithm}, and the message as it is",
                reason="bad_signature",
            )
        return signature
