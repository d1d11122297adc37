"""PKCS#8 and SPKI in PEM (RFC 7468): which text is one key, and the text of a key.

The content is parsed by the `cryptography` package, which is imported only then: most key files are of another form.
"""

from __future__ import annotations

import base64
import binascii
import re

from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.key_errors import NEW_KEY, cosign_key, wrong_algorithm

PUBLIC_LABEL = "PUBLIC KEY"
SECRET_LABEL = "PRIVATE KEY"  # noqa: S105 - a label, not a secret
ENCRYPTED_LABEL = "ENCRYPTED PRIVATE KEY"
_END = "-----END "
_DASHES = "-----"
_BEGIN_LINE = re.compile(r"^-----BEGIN ([A-Z0-9]+(?: [A-Z0-9]+)*)-----", re.MULTILINE)
_END_LINE = re.compile(r"-----END [A-Z0-9 ]+-----")
_EC_LABEL = "EC PRIVATE KEY"
_ENCRYPTED_HEADER = "Proc-Type:"
_LABELS = {"RSA PRIVATE KEY": "RSA", "RSA PUBLIC KEY": "RSA", _EC_LABEL: "ECDSA", "DSA PRIVATE KEY": "DSA"}
_COSIGN_LABELS = ("ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY")
_SEQUENCE = b"\x30"


def public_pem(raw: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def secret_pem(seed: bytes) -> bytes:
    """Returns PKCS#8 version 1, without the public key, which every program reads."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.from_private_bytes(seed).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def is_der(data: bytes) -> bool:
    """Tells whether `data` is one DER sequence and nothing else."""
    if data[:1] != _SEQUENCE:
        return False
    from wasm_oci.keys import der

    return der.is_sequence(data)


def holds_block(text: str) -> bool:
    """Tells whether a line of `text` begins a PEM block."""
    return _BEGIN_LINE.search(text) is not None


def is_of_cosign(text: str) -> bool:
    """Tells whether `text` begins with a secret key that cosign encrypted."""
    begin = _BEGIN_LINE.match(text)
    return begin is not None and begin[1] in _COSIGN_LABELS


def is_block(text: str) -> bool:
    """Tells whether `text` begins with the first line of a PEM block and ends with the last line of one."""
    return _BEGIN_LINE.match(text) is not None and _END_LINE.fullmatch(text.rpartition("\n")[2]) is not None


def require_one_block(text: str, *, where: str) -> None:
    """Raises KeyFormatError if a second PEM block of any kind begins in `text`, because it is not clear which is meant."""
    if len(_BEGIN_LINE.findall(text)) > 1:
        raise KeyFormatError("it holds more than one PEM block", where=where, hint="keep the block of the key")


def unarmoured(text: str, *, where: str, public: bool) -> tuple[str, bytes]:
    """Returns label and content of the one PEM block in `text`; lines around it are explanation.

    Raises KeyFormatError for a block that is cut off, is not base64, or is not alone, and for a key of another algorithm; `public` says
    which half of an Ed25519 key is needed.
    """
    label, body = _block(text, where)
    if algorithm := _LABELS.get(label):
        raise wrong_algorithm(algorithm, where, public=public)
    if label in _COSIGN_LABELS:
        raise cosign_key(where, public=public)
    if label not in (PUBLIC_LABEL, SECRET_LABEL, ENCRYPTED_LABEL):
        raise KeyFormatError(f"this is a PEM file of another kind ({label[:40]})", where=where, hint=NEW_KEY)
    return label, _decoded(body, where)


def ec_content(text: str, *, where: str) -> bytes:
    """Returns the content of the one PEM block in `text` where that may hold an EC key, empty for another label.

    Raises KeyFormatError as `unarmoured`, and for a key that is encrypted by the headers of its block (RFC 1421).
    """
    label, body = _block(text, where)
    if label not in (_EC_LABEL, PUBLIC_LABEL, SECRET_LABEL, ENCRYPTED_LABEL):
        return b""
    if _ENCRYPTED_HEADER in body:
        hint = "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out COPY`"
        what = "the private key is encrypted in a way that is not supported"
        raise KeyFormatError(what, where=where, hint=hint, reason="key_encrypted")
    return _decoded(body, where)


def _block(text: str, where: str) -> tuple[str, str]:
    require_one_block(text, where=where)
    (begin,) = _BEGIN_LINE.finditer(text)
    label, rest = begin[1], text[begin.end() :]
    end = re.search(rf"{_END}{label}{_DASHES}\s*$", rest, re.MULTILINE)
    if not end:
        raise KeyFormatError(f"the PEM block {label[:40]!r} is cut off", where=where, hint="copy it again, from its first line to its last")
    return label, rest[: end.start()]


def _decoded(body: str, where: str) -> bytes:
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as err:
        raise KeyFormatError("the PEM block is not base64", where=where, hint="copy the file again") from err
