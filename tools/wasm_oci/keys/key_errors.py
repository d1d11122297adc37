"""Errors of the readers of several key forms."""

from __future__ import annotations

from wasm_oci.errors import KeyFormatError

_COSIGN = "keys of cosign are ECDSA: sign images with cosign, and verify them with `wasm_oci statements -K cosign.pub`"
_PUBLIC = "give the Ed25519 public key of the signer"
_PRIVATE = "give an Ed25519 secret key, such as `wasm_oci keygen` makes"
NEW_KEY = "make an Ed25519 key with `wasm_oci keygen`"


def wrong_passphrase(where: str) -> KeyFormatError:
    return KeyFormatError(
        "the passphrase does not open the private key", where=where, hint="give its own passphrase", reason="wrong_passphrase"
    )


def wrong_algorithm(name: str, where: str, *, public: bool) -> KeyFormatError:
    """The error for a key of another algorithm; `public` says which half of an Ed25519 key is needed."""
    reason = "key_rsa" if name.startswith("RSA") else "key_algorithm"
    hint = _PUBLIC if public else _PRIVATE
    if name == "ECDSA":
        hint = f"{hint}; {_COSIGN}"
    return KeyFormatError(f"the key is of type {name}; Ed25519 is needed", where=where, hint=hint, reason=reason)


def cosign_key(where: str, *, public: bool) -> KeyFormatError:
    """The error for a secret key of cosign; `public` says which half of an Ed25519 key is needed."""
    what = "this is an encrypted private key of cosign, which signs images, not WebAssembly"
    return KeyFormatError(what, where=where, hint=f"{_PUBLIC if public else _PRIVATE}; {_COSIGN}", reason="key_algorithm")


def bare_key(where: str, *, reader: str) -> KeyFormatError:
    """The error for 32 bytes in place of a public key; `reader` is the command that writes them to stdout."""
    what = "these are 32 bytes without a key format: a public key as HashiCorp Vault shows it, or a secret seed"
    prefix = rf"{{ printf '0*0\005\006\003+ep\003!\000'; {reader}; }} > COPY.der"
    return KeyFormatError(what, where=where, hint=f"if it is the public key, write the prefix of DER before it: `{prefix}`")


def not_for_statements(where: str, *, public: bool, cosign: bool) -> KeyFormatError:
    """Returns the error for a key of another algorithm than the two that sign statements, or one that only `cosign` opens."""
    half = "public" if public else "secret"
    if cosign:
        what, hint = "this is an encrypted private key of cosign, which only cosign opens", "sign with it in cosign, or give another key"
    else:
        what, hint = "the key is of another type; Ed25519 or ECDSA P-256 is needed", f"give the {half} file of such a key, P-256 as PEM"
    return KeyFormatError(what, where=where, hint=hint, reason="key_algorithm")


def secret_for_public(where: str) -> KeyFormatError:
    return KeyFormatError(
        "this is a secret key; the public key is needed here", where=where, hint="give the public file of the pair", reason="secret_key"
    )


def public_for_secret(where: str) -> KeyFormatError:
    return KeyFormatError("this is a public key; the secret key is needed here", where=where, hint="give the secret file of the pair")
