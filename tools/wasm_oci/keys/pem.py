"""PKCS#8 and SPKI in DER and PEM (RFC 5958, 5280, 8410, 7468): Ed25519 keys, by the fixed bytes that they have."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.ed25519 import KEY_SIZE, SEED_SIZE
from wasm_oci.limits import LIMITS

PUBLIC_LABEL = "PUBLIC KEY"
SECRET_LABEL = "PRIVATE KEY"  # noqa: S105 - a label, not a secret
ENCRYPTED_LABEL = "ENCRYPTED PRIVATE KEY"
_BEGIN = "-----BEGIN "
_END = "-----END "
_DASHES = "-----"
_BEGIN_LINE = re.compile(r"^-----BEGIN ([A-Z0-9]+(?: [A-Z0-9]+)*)-----", re.MULTILINE)
_LONGEST_ENCRYPTED = 1024
"""An encrypted Ed25519 key has about 250 bytes; a longer one may hold a key that takes minutes to check."""
_LINE = 64
_SPKI = bytes.fromhex("302a300506032b6570032100")
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
_PKCS8_V2 = (
    # With the public key, as RFC 5958 says, and as some libraries wrote it before.
    (bytes.fromhex("3051020101300506032b657004220420"), bytes.fromhex("812100")),
    (bytes.fromhex("3053020101300506032b657004220420"), bytes.fromhex("a123032100")),
)
_ALGORITHMS = {
    bytes.fromhex("06092a864886f70d010101"): "RSA",
    bytes.fromhex("06092a864886f70d01010a"): "RSA-PSS",
    bytes.fromhex("06072a8648ce3d0201"): "ECDSA",
    bytes.fromhex("06072a8648ce380401"): "DSA",
    bytes.fromhex("06032b656e"): "X25519",
    bytes.fromhex("06032b656f"): "X448",
    bytes.fromhex("06032b6571"): "Ed448",
}
_LABELS = {"RSA PRIVATE KEY": "RSA", "RSA PUBLIC KEY": "RSA", "EC PRIVATE KEY": "ECDSA", "DSA PRIVATE KEY": "DSA"}
_ED25519 = bytes.fromhex("06032b6570")
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_OBJECT, _OCTETS, _INTEGER, _SEQUENCE = 0x06, 0x04, 0x02, 0x30
_HINT = "make an Ed25519 key with `wasm_oci keygen`"
_PLAIN = "decrypt a copy of it with `openssl pkcs8`, or make an OpenSSH key with a passphrase"


def public_der(raw: bytes) -> bytes:
    """Returns the SubjectPublicKeyInfo of a public key."""
    return _SPKI + raw


def public_pem(raw: bytes) -> bytes:
    return _armoured(PUBLIC_LABEL, public_der(raw))


def secret_pem(seed: bytes) -> bytes:
    """Returns PKCS#8 version 1, without the public key: what every program reads."""
    return _armoured(SECRET_LABEL, _PKCS8 + seed)


def is_der(data: bytes) -> bool:
    """Tells whether `data` is one DER sequence and nothing else."""
    try:
        tag, _, end = _element(data, 0)
    except ValueError:
        return False
    return tag == _SEQUENCE and end == len(data)


def is_secret_der(der: bytes) -> bool:
    """Tells a private key (it begins with a version), or an encrypted one, from a public key."""
    _, start, _ = _element(der, 0)
    return der[start : start + 1] == bytes((_INTEGER,)) or is_encrypted_der(der)


def is_encrypted_der(der: bytes) -> bool:
    """Tells whether this is an EncryptedPrivateKeyInfo of PKCS#5 version 2."""
    return _PBES2 in der[:32]


def holds_block(text: str) -> bool:
    """Tells whether a line of `text` begins a PEM block."""
    return _BEGIN_LINE.search(text) is not None


def unarmoured(text: str, *, where: str) -> tuple[str, bytes]:
    """Returns label and content of the one PEM block in `text`; lines around it are explanation.

    Raises KeyFormatError for a block that is cut off, is no base64, or is not alone.
    """
    begins = list(_BEGIN_LINE.finditer(text))
    if len(begins) > 1:
        raise KeyFormatError("there is more than one PEM block in it", where=where, hint="keep the block of the key")
    label, rest = begins[0][1], text[begins[0].end() :]
    end = re.search(rf"{_END}{label}{_DASHES}\s*$", rest, re.MULTILINE)
    if not end:
        raise KeyFormatError(f"the PEM block {label[:40]!r} is cut off", where=where, hint="copy it again, from its first line to its last")
    if algorithm := _LABELS.get(label):
        raise _wrong_algorithm(algorithm, where)
    if label not in (PUBLIC_LABEL, SECRET_LABEL, ENCRYPTED_LABEL):
        raise KeyFormatError(f"this is a PEM file of another kind ({label[:40]})", where=where, hint=_HINT)
    try:
        return label, base64.b64decode("".join(rest[: end.start()].split()), validate=True)
    except (binascii.Error, ValueError) as err:
        raise KeyFormatError("the PEM block is not base64", where=where, hint="copy the file again") from err


def parse_public_der(der: bytes, *, where: str) -> bytes:
    """Returns the raw key of an Ed25519 SubjectPublicKeyInfo; raises KeyFormatError for anything else."""
    if len(der) != len(_SPKI) + KEY_SIZE or not der.startswith(_SPKI):
        raise _not_ed25519(der, "public", where)
    return der[len(_SPKI) :]


def parse_secret_der(der: bytes, *, where: str) -> tuple[bytes, bytes | None]:
    """Returns the seed and, where the file holds it (version 2), the public key, which the caller must compare.

    Raises KeyFormatError for anything but an Ed25519 private key.
    """
    if len(der) == len(_PKCS8) + SEED_SIZE and der.startswith(_PKCS8):
        return der[len(_PKCS8) :], None
    for head, middle in _PKCS8_V2:
        start = len(head) + SEED_SIZE
        if len(der) == start + len(middle) + KEY_SIZE and der.startswith(head) and der[start:].startswith(middle):
            return der[len(head) : start], der[-KEY_SIZE:]
    raise _not_ed25519(der, "private", where)


def decrypted(der: bytes, passphrase: Callable[[str], bytes], *, where: str) -> bytes:
    """Returns the seed of an encrypted PKCS#8 key; the passphrase is asked for only if the key can be opened with one.

    Raises KeyFormatError for another scheme than PBES2 with PBKDF2, for more rounds than are allowed, for a wrong
    passphrase, and for a key that is not Ed25519.
    """
    rounds = _rounds(der) if len(der) <= _LONGEST_ENCRYPTED else None
    if rounds is None:
        raise _unreadable(where)
    if rounds > LIMITS.pbkdf2_rounds:
        raise KeyFormatError(f"the passphrase is hashed {rounds} times, more than {LIMITS.pbkdf2_rounds}", where=where, hint=_PLAIN)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(der, passphrase(where))
    except UnsupportedAlgorithm as err:
        raise _unreadable(where) from err
    except (ValueError, TypeError) as err:
        raise wrong_passphrase(where) from err
    if not isinstance(key, Ed25519PrivateKey):
        raise _wrong_algorithm(type(key).__name__.removesuffix("PrivateKey").strip("_"), where)
    return key.private_bytes_raw()


def wrong_passphrase(where: str) -> KeyFormatError:
    return KeyFormatError(
        "the passphrase does not open the private key", where=where, hint="give its own passphrase", reason="wrong_passphrase"
    )


def _unreadable(where: str) -> KeyFormatError:
    return KeyFormatError("the private key is encrypted in a way that is not read here", where=where, hint=_PLAIN, reason="key_encrypted")


def _rounds(der: bytes) -> int | None:
    """The iterations of PBKDF2 in an EncryptedPrivateKeyInfo; None for any other scheme."""
    try:
        _, at, _ = _element(der, 0)
        _, at, _ = _element(der, at)
        at = _after(der, at, _PBES2)
        _, at, _ = _element(der, at)
        _, at, _ = _element(der, at)
        at = _after(der, at, _PBKDF2)
        _, at, _ = _element(der, at)
        tag, _, at = _element(der, at)
        kind, start, end = _element(der, at)
    except ValueError:
        return None
    return int.from_bytes(der[start:end], "big") if (tag, kind) == (_OCTETS, _INTEGER) else None


def _after(der: bytes, at: int, expected: bytes) -> int:
    if der[at : at + len(expected)] != expected:
        raise ValueError("another object")
    return at + len(expected)


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """Returns tag, start and end of the content of the DER element at `at`; raises ValueError."""
    head = data[at : at + 2]
    if len(head) != 2 or head[1] > 0x82:
        raise ValueError("no element")
    start = at + 2 + (head[1] - 0x80 if head[1] & 0x80 else 0)
    size = int.from_bytes(data[at + 2 : start], "big") if head[1] & 0x80 else head[1]
    if start + size > len(data):
        raise ValueError("cut off")
    return head[0], start, start + size


def _armoured(label: str, der: bytes) -> bytes:
    body = base64.b64encode(der).decode()
    lines = [body[at : at + _LINE] for at in range(0, len(body), _LINE)]
    return "\n".join((f"{_BEGIN}{label}{_DASHES}", *lines, f"{_END}{label}{_DASHES}", "")).encode()


def _not_ed25519(der: bytes, kind: str, where: str) -> KeyFormatError:
    for identifier, name in _ALGORITHMS.items():
        if identifier in der[:40]:
            return _wrong_algorithm(name, where)
    if _ED25519 in der[:40]:
        return KeyFormatError(f"the Ed25519 {kind} key is malformed", where=where, hint="restore the file or make a new key pair")
    return KeyFormatError(f"this is DER, but no Ed25519 {kind} key", where=where, hint=_HINT)


def _wrong_algorithm(name: str, where: str) -> KeyFormatError:
    reason = "key_rsa" if name.startswith("RSA") else "key_algorithm"
    return KeyFormatError(f"this is a key for {name}; Ed25519 is needed", where=where, hint=_HINT, reason=reason)
