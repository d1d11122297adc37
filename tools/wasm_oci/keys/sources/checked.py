"""A signer whose every signature is verified before it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.ed25519 import SIGNATURE_SIZE, verifier
from wasm_oci.keys.key import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSigner:
    """Signs by calling `ask`, whose signatures are verified with `public` because they are not trusted."""

    public: PublicKey
    where: str
    ask: Callable[[bytes], bytes]

    def sign(self, message: bytes) -> bytes:
        """Returns the signature; raises KeyFormatError if it does not verify, and what `ask` raises."""
        signature = self.ask(message)
        if len(signature) != SIGNATURE_SIZE or not verifier(self.public.raw)(message, signature):
            raise KeyFormatError(
                f"the signature that came back is not by the key {self.public.key_id.hex()}",
                where=self.where,
                hint="check that it signs with this key, pure Ed25519, and the message as it is",
                reason="bad_signature",
            )
        return signature
