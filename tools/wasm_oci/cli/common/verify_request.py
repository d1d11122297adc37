"""What `wasm_oci verify` is asked for: a file, its signature, and whom to trust."""

from __future__ import annotations

from dataclasses import dataclass

from wasm_oci.shape import Runfile
from wasm_oci.trust.request import TrustRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest:
    """One file to verify."""

    input: Runfile
    signature: Runfile | None
    """A detached signature; None where it is in the file."""
    trust: TrustRequest
