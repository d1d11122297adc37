"""What the readers of several key forms say of a key that they refuse."""

from __future__ import annotations

from wasm_oci.errors import KeyFormatError

NEW_KEY = "make an Ed25519 key with `wasm_oci keygen`"


def wrong_passphrase(where: str) -> KeyFormatError:
    return KeyFormatError(
        "the passphrase does not open the private key", where=where, hint="give its own passphrase", reason="wrong_passphrase"
    )


def wrong_algorithm(name: str, where: str) -> KeyFormatError:
    reason = "key_rsa" if name.startswith("RSA") else "key_algorithm"
    return KeyFormatError(f"the key is of type {name}; Ed25519 is needed", where=where, hint=NEW_KEY, reason=reason)
