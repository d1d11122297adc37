"""Decrypts the secret part of an OpenSSH private key that has a passphrase (bcrypt_pbkdf, then AES)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.key_errors import wrong_passphrase
from wasm_oci.keys.ssh_wire import Strings, malformed
from wasm_oci.limits import LIMITS

_CIPHERS = {f"aes{bits}-{mode}": bits // 8 for bits in (128, 192, 256) for mode in ("ctr", "cbc")}
_BLOCK = 16
_MAX_SALT = 64
_AGAIN = "encrypt a copy of it again with `ssh-keygen -p -Z aes256-ctr -f COPY`"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateFile:
    """What an OpenSSH private key file shows without its passphrase."""

    public: bytes
    """The raw public key; what the secret part says may differ."""
    cipher: str
    """`none` where there is no passphrase."""
    kdf: bytes
    options: bytes
    secret: bytes = field(repr=False)
    """Encrypted, unless the cipher is `none`."""


def decrypted(file: PrivateFile, passphrase: Callable[[str], bytes], *, where: str) -> bytes:
    """Returns what is encrypted in `file`; only its check numbers tell whether the passphrase was the right one.

    The passphrase is asked for last. Raises KeyFormatError for another cipher or key derivation, and for so many
    rounds that a file could keep the program busy for minutes.
    """
    size = _CIPHERS.get(file.cipher)
    if size is None or file.kdf != b"bcrypt":
        how = f"{file.cipher[:40]!r} and {file.kdf[:40].decode('ascii', 'replace')!r}"
        raise KeyFormatError(
            f"the private key is encrypted with {how}, which is not supported", where=where, hint=_AGAIN, reason="key_encrypted"
        )
    options = Strings(file.options, 0, where)
    salt, rounds = options.string(), options.number()
    options.finish()
    if not 0 < len(salt) <= _MAX_SALT or rounds < 1 or not file.secret or len(file.secret) % _BLOCK:
        raise malformed(where)
    if rounds > LIMITS.bcrypt_rounds:
        raise KeyFormatError(
            f"the passphrase is hashed {rounds} times, more than {LIMITS.bcrypt_rounds}",
            where=where,
            hint="encrypt a copy of it again with `ssh-keygen -p -a 100 -f COPY`",
        )
    secret = passphrase(where)
    if not secret:
        raise wrong_passphrase(where)
    import bcrypt
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR

    key = bcrypt.kdf(password=secret, salt=salt, desired_key_bytes=size + _BLOCK, rounds=rounds, ignore_few_rounds=True)
    mode = CTR(key[size:]) if file.cipher.endswith("ctr") else CBC(key[size:])
    opener = Cipher(AES(key[:size]), mode).decryptor()
    return opener.update(file.secret) + opener.finalize()
