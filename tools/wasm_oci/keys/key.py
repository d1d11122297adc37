"""Ed25519 keys in the forms that are read and written here: compact, OpenSSH, and PEM or DER.

Compact is that of WebAssembly signatures (tool-conventions, Signatures.md, "Signature algorithms and key serialization").
Compact public: `01 ‖ key`, 33 bytes. Compact secret: `81 ‖ seed ‖ public key`, 65 bytes. Key ids are wasmsign2's: the first 12
bytes of HMAC-SHA256 with the raw public key as key and the text `key_id` as message. The readers of the other forms are
imported only when needed: most key files are compact.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from wasm_oci.errors import KeyFormatError
from wasm_oci.files import read_bounded
from wasm_oci.keys import ed25519
from wasm_oci.keys.key_errors import public_for_secret, secret_for_public
from wasm_oci.keys.p256 import P256PublicKey, P256SecretKey
from wasm_oci.limits import LIMITS
from wasm_oci.plaintext import check_line_ends

COMPACT = "compact"
OPENSSH = "openssh"
PEM = "pem"
"""PKCS#8 and SPKI, as PEM or DER."""
MIXED = "mixed"
"""The word in annotations for keys of several forms."""
FORMATS = (COMPACT, OPENSSH, PEM)
Passphrase = Callable[[str], bytes]
"""Returns the passphrase of the key at a place; called only if one is needed."""
_PUBLIC_TAG = b"\x01"
_SECRET_TAG = b"\x81"
_PUBLIC_SIZE = 1 + ed25519.KEY_SIZE
_SECRET_SIZE = 1 + ed25519.SEED_SIZE + ed25519.KEY_SIZE
_KEY_ID_SIZE = 12
_NEW_KEY = "use a compact, OpenSSH or PEM file with an Ed25519 key; `wasm_oci keygen` makes one"


@lru_cache(maxsize=2048)
def _key_id(raw: bytes) -> bytes:
    return hmac.new(raw, b"key_id", hashlib.sha256).digest()[:_KEY_ID_SIZE]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A public key; two are equal if their bytes are, whatever file form and comment they came with."""

    deterministic: ClassVar[bool] = True
    """Whether the same message always has the same signature (RFC 8032, section 5.1.6)."""
    raw: bytes
    format: str = field(default=COMPACT, compare=False)
    comment: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Raises KeyFormatError for a key for which anyone can forge signatures."""
        if ed25519.is_weak(self.raw):
            raise KeyFormatError(
                "weak public key: anyone can sign for it",
                hint="it is a placeholder or was made to deceive; get the key from its owner",
                reason="weak_key",
            )

    @property
    def key_id(self) -> bytes:
        return _key_id(self.raw)

    def compact(self) -> bytes:
        return _PUBLIC_TAG + self.raw

    def der(self) -> bytes:
        """Returns its SubjectPublicKeyInfo."""
        return ed25519.public_der(self.raw)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Tells whether the owner of the key signed the message."""
        return len(signature) == ed25519.SIGNATURE_SIZE and ed25519.verifier(self.raw)(message, signature)

    def openssh(self) -> bytes:
        from wasm_oci.keys import openssh

        return openssh.public_line(self.raw, self.comment)

    def encoded(self, key_format: str) -> bytes:
        """Returns the content of a file of this form."""
        if key_format == PEM:
            from wasm_oci.keys import pem

            return pem.public_pem(self.raw)
        return self.openssh() if key_format == OPENSSH else self.compact()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A secret key whose public half is known to belong to it."""

    seed: bytes = field(repr=False)
    public: PublicKey
    _sign: Callable[[bytes], bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sign", ed25519.signer(self.seed))

    @staticmethod
    def generate(key_format: str = COMPACT, comment: str = "") -> SecretKey:
        seed = ed25519.new_seed()
        return SecretKey(seed=seed, public=PublicKey(raw=ed25519.public_of(seed), format=key_format, comment=comment))

    def sign(self, message: bytes) -> bytes:
        """Returns the deterministic signature of `message`, 64 bytes."""
        return self._sign(message)

    def compact(self) -> bytes:
        return _SECRET_TAG + self.seed + self.public.raw

    def openssh(self) -> bytes:
        from wasm_oci.keys import openssh

        return openssh.private_text(self.seed, self.public.raw, self.public.comment)

    def encoded(self, key_format: str) -> bytes:
        """Returns the content of a file of this form, without a passphrase."""
        if key_format == PEM:
            from wasm_oci.keys import pem

            return pem.secret_pem(self.seed)
        return self.openssh() if key_format == OPENSSH else self.compact()


AnyPublicKey = PublicKey | P256PublicKey
AnySecretKey = SecretKey | P256SecretKey


def load_public_keys(path: Path) -> tuple[PublicKey, ...]:
    """Returns the key of a compact, PEM or DER file, or all Ed25519 keys of an OpenSSH file, in order.

    Raises KeyFormatError for anything else, UsageError for a file that cannot be read.
    """
    return parse_public_keys(read_bounded(path, LIMITS.key_file, what="public key"), where=str(path))


def load_public_key(path: Path) -> PublicKey:
    """Like `load_public_keys`, for exactly one key."""
    keys = load_public_keys(path)
    if len(set(keys)) != 1:
        raise KeyFormatError(f"it holds {len(keys)} keys, but exactly one is expected", where=str(path), hint="keep one line")
    return keys[0]


def load_secret_key(path: Path, passphrase: Passphrase | None = None) -> SecretKey:
    """Returns the key of a file of any form, its public half recomputed and compared.

    Raises KeyFormatError for anything else, UsageError for a file that cannot be read.
    """
    return parse_secret_key(read_bounded(path, LIMITS.key_file, what="secret key"), where=str(path), passphrase=passphrase)


def parse_public_keys(data: bytes, *, where: str) -> tuple[PublicKey, ...]:
    """`load_public_keys` for bytes; `where` names them in errors, which never show the bytes."""
    try:
        return _public_keys(data, where)
    except KeyFormatError as err:
        err.where = err.where or where
        raise


def _public_keys(data: bytes, where: str) -> tuple[PublicKey, ...]:
    if data[:1] == _PUBLIC_TAG and len(data) == _PUBLIC_SIZE:
        return (PublicKey(raw=data[1:]),)
    if data[:1] == _SECRET_TAG and len(data) == _SECRET_SIZE:
        raise secret_for_public(where)
    from wasm_oci.keys import keytext, openssh, pem

    if pem.is_der(data):
        return (_public_of_der(data, where),)
    _check_whole(data, _PUBLIC_TAG, _PUBLIC_SIZE, "public", where)
    if not data.isascii():
        keytext.require_format(data, where=where, reader="cat KEY")
    text = keytext.unwrapped_block(keytext.text_of(data, "public", where=where))
    if openssh.BEGIN in text:
        raise secret_for_public(where)
    if pem.holds_block(text):
        if openssh.holds_line(text):
            raise KeyFormatError("it holds both a PEM block and OpenSSH lines", where=where, hint="keep one of the two")
        label, der = pem.unarmoured(text, where=where, public=True)
        if label != pem.PUBLIC_LABEL:
            raise secret_for_public(where)
        keytext.require_format(der, where=where, reader="grep -v -e ----- KEY | base64 -d")
        return (_public_of_der(der, where),)
    keytext.require_format(keytext.base64_bytes(text), where=where, reader="base64 -d KEY")
    check_line_ends(text, where=where)
    lines = openssh.parse_public_lines(text, where=where)
    return tuple(PublicKey(raw=raw, format=OPENSSH, comment=comment) for raw, comment in lines)


def parse_secret_key(data: bytes, *, where: str, passphrase: Passphrase | None = None) -> SecretKey:
    """`load_secret_key` for bytes; `where` names them in errors, which never show the bytes."""
    if data[:1] == _SECRET_TAG and len(data) == _SECRET_SIZE:
        seed, raw = data[1 : 1 + ed25519.SEED_SIZE], data[1 + ed25519.SEED_SIZE :]
        return _checked(seed, PublicKey(raw=raw), where)
    if data[:1] == _PUBLIC_TAG and len(data) == _PUBLIC_SIZE:
        raise public_for_secret(where)
    from wasm_oci.keys import keytext, openssh, pem

    if pem.is_der(data):
        return _secret_of_der(data, passphrase, where)
    _check_whole(data, _SECRET_TAG, _SECRET_SIZE, "secret", where)
    text = keytext.unwrapped(keytext.text_of(data, "secret", where=where))
    pem.require_one_block(text, where=where)
    if openssh.BEGIN in text:
        if not text.startswith(openssh.BEGIN):
            raise KeyFormatError("there is text before the first line of the key", where=where, hint="keep the lines of the key only")
        seed, raw, comment = openssh.parse_private(text, where=where, passphrase=passphrase)
        return _checked(seed, PublicKey(raw=raw, format=OPENSSH, comment=comment), where)
    if pem.holds_block(text):
        label, der = pem.unarmoured(text, where=where, public=False)
        if label == pem.PUBLIC_LABEL:
            raise public_for_secret(where)
        return _secret_of_der(der, passphrase, where, encrypted=label == pem.ENCRYPTED_LABEL)
    if text.startswith(("ssh-", "ecdsa-", "sk-")):
        raise public_for_secret(where)
    raise KeyFormatError("this is not a secret key", where=where, hint=_NEW_KEY)


def of_seed(seed: bytes, *, key_format: str = COMPACT) -> SecretKey:
    """Returns the key that a seed of 32 bytes makes."""
    return SecretKey(seed=seed, public=PublicKey(raw=ed25519.public_of(seed), format=key_format))


def common_format(keys: Sequence[PublicKey]) -> str:
    """Returns the file form of all the keys, `mixed` if they differ."""
    (first, *others) = {key.format for key in keys}
    return MIXED if others else first


def require_format(key: AnyPublicKey, key_format: str, *, where: str) -> None:
    """Raises KeyFormatError unless the key came from a file of this form."""
    if key.format != key_format:
        raise KeyFormatError(f"the key is {key.format}, but {key_format} is required", where=where, hint="give the other key file")


def require_pair(secret: AnySecretKey, public: AnyPublicKey, *, where: str) -> None:
    """Raises KeyFormatError unless the two keys belong together."""
    if secret.public != public:
        raise KeyFormatError(
            f"the public key {public.key_id.hex()} does not belong to the secret key, whose id is {secret.public.key_id.hex()}",
            where=where,
            hint=f"give the secret key of {public.key_id.hex()}, or the public key of {secret.public.key_id.hex()}",
            reason="key_mismatch",
        )


def _checked(seed: bytes, public: PublicKey, where: str) -> SecretKey:
    if ed25519.public_of(seed) != public.raw:
        raise KeyFormatError(
            "the public half does not belong to the secret half",
            where=where,
            hint="the file is damaged; restore it or make a new key pair",
            reason="key_mismatch",
        )
    return SecretKey(seed=seed, public=public)


def _public_of_der(data: bytes, where: str) -> PublicKey:
    from wasm_oci.keys import der

    if der.is_sequence(data) and der.is_secret(data):
        raise secret_for_public(where)
    return PublicKey(raw=der.parse_public(data, where=where), format=PEM)


def _secret_of_der(data: bytes, passphrase: Passphrase | None, where: str, *, encrypted: bool = False) -> SecretKey:
    from wasm_oci.keys import der, pbes2

    if not der.is_sequence(data):
        raise KeyFormatError("the PEM block holds no key", where=where, hint=_NEW_KEY)
    encrypted = encrypted or pbes2.is_encrypted(data)
    if not encrypted and not der.is_secret(data):
        raise public_for_secret(where)
    if encrypted:
        if passphrase is None:
            raise KeyFormatError("the private key is encrypted with a passphrase", where=where, hint=_NEW_KEY, reason="key_encrypted")
        seed, raw = der.decrypt(data, passphrase, where=where)
    else:
        seed, raw = der.parse_secret(data, where=where)
    return of_seed(seed, key_format=PEM) if raw is None else _checked(seed, PublicKey(raw=raw, format=PEM), where)


def _check_whole(data: bytes, tag: bytes, size: int, kind: str, where: str) -> None:
    """Raises KeyFormatError for a file that is empty, or a compact key of another size."""
    if not data:
        raise KeyFormatError(f"the {kind} key file is empty", where=where, hint=_NEW_KEY)
    if data[:1] == tag:
        raise KeyFormatError(f"a compact {kind} key has {size} bytes, not {len(data)}", where=where, hint="copy the file again, as it is")
