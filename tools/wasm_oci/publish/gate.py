"""What an image that nobody signed, or only a development key, may do: a warning by default, a refusal where a signature is required."""

from __future__ import annotations

from wasm_oci.errors import PolicyError
from wasm_oci.http.host import is_loopback
from wasm_oci.oci.store import Store
from wasm_oci.publish.signatures import Signatures
from wasm_oci.registry.store import RegistryStore

_SIGN = "sign it with a wasm_signing_key"


def is_remote(store: Store) -> bool:
    """Returns whether a store is a registry on another machine."""
    return isinstance(store, RegistryStore) and not is_loopback(store.name.partition("/")[0])


def signature_warning(signatures: Signatures, store: Store) -> str | None:
    """Returns what to tell a user who publishes to a registry on another machine; None where there is nothing to tell."""
    if not is_remote(store):
        return None
    if signatures.none:
        return f"{store.name}: the image is not signed; {_SIGN}, or set require_signed to refuse this"
    if signatures.development_only:
        return f"{store.name}: the image is signed with a development key only; {_SIGN}, or set require_signed to refuse this"
    return None


def require_signed(signatures: Signatures, store: Store, *, target: str) -> None:
    """Raises PolicyError unless a known key signed; on another machine, one that no build made."""
    where = target or store.name
    if signatures.none:
        raise PolicyError("the image is not signed, and a signature is required", where=where, hint=_SIGN, reason="unsigned")
    if not signatures.verified:
        raise PolicyError(
            f"a signature is required, and this one was not verified: {signatures}",
            where=where,
            hint="name the signer's public key with -K or --trusted-keys",
            reason="unverified",
        )
    if is_remote(store) and all(key.development for key in signatures.verified):
        raise PolicyError(
            f"only a development key signed the image ({signatures}), and publishing to {store.name} requires a real key",
            where=where,
            hint=_SIGN,
            reason="development_key",
        )
