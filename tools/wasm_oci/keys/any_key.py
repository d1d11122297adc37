"""Keys of both algorithms that sign statements: Ed25519 in every form, P-256 in PEM or DER."""

from __future__ import annotations

from pathlib import Path

from wasm_oci.errors import KeyFormatError
from wasm_oci.files import read_bounded
from wasm_oci.keys.key import AnyPublicKey, AnySecretKey, Passphrase, parse_public_keys, parse_secret_key
from wasm_oci.keys.key_errors import not_for_statements
from wasm_oci.limits import LIMITS

_ALGORITHM = "key_algorithm"
"""The reason of the error for a key that is not Ed25519."""


def load_any_public_keys(path: Path) -> tuple[AnyPublicKey, ...]:
    """Like `load_public_keys`, also for the P-256 key of a PEM or DER file."""
    return parse_any_public_keys(read_bounded(path, LIMITS.key_file, what="public key"), where=str(path))


def load_any_public_key(path: Path) -> AnyPublicKey:
    """Like `load_public_key`, also for a P-256 key."""
    keys = load_any_public_keys(path)
    if len(set(keys)) != 1:
        raise KeyFormatError(f"it holds {len(keys)} keys, but exactly one is expected", where=str(path), hint="keep one line")
    return keys[0]


def parse_any_public_keys(data: bytes, *, where: str) -> tuple[AnyPublicKey, ...]:
    """`load_any_public_keys` for bytes; `where` names them in errors, which never show the bytes."""
    try:
        return parse_public_keys(data, where=where)
    except KeyFormatError as err:
        from wasm_oci.keys import p256

        if err.reason != _ALGORITHM:
            raise
        der, cosign = _der(data, "public", where)
        key = p256.parse_public(der) if p256.is_public(der) else None
        if key is None:
            raise not_for_statements(where, public=True, cosign=cosign) from err
    return (key,)


def parse_any_secret_key(data: bytes, *, where: str, passphrase: Passphrase | None = None) -> AnySecretKey:
    """Like `parse_secret_key`, also for a P-256 key in PEM or DER. The passphrase is requested once at most."""
    typed: list[bytes] = []

    def once(place: str) -> bytes:
        if passphrase is not None and not typed:
            typed.append(passphrase(place))
        return typed[0]

    try:
        return parse_secret_key(data, where=where, passphrase=once if passphrase else None)
    except KeyFormatError as err:
        from wasm_oci.keys import p256, pbes2

        if err.reason != _ALGORITHM:
            raise
        der, cosign = _der(data, "secret", where)
        if typed and (opened := pbes2.read(der)):
            der = opened.decrypted(typed[0]) or b""
        key = p256.parse_secret(der) if p256.is_secret(der) else None
        if key is None:
            raise not_for_statements(where, public=False, cosign=cosign) from err
    return key


def _der(data: bytes, kind: str, where: str) -> tuple[bytes, bool]:
    """Returns the content of a PEM or DER file that holds a key, empty where it is neither, and whether the key is one of cosign."""
    from wasm_oci.keys import keytext, pem

    if pem.is_der(data):
        return data, False
    text = keytext.unwrapped(keytext.text_of(data, kind, where=where))
    return pem.ec_content(text, where=where) if pem.holds_block(text) else b"", pem.is_of_cosign(text)
