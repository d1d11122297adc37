"""The payload of a wasmsign2 signature section (tool-conventions, Signatures.md, "Signature data"), version 1.

As wasmsign2 writes it: `01 01 01 ‖ LEB(sets)`, per set `LEB(size) ‖ LEB(hashes) ‖ hash… ‖ LEB(records)`, per record
`LEB(size) ‖ LEB(size) key id ‖ algorithm ‖ LEB(size) signature`. A detached signature file is the same payload. wsc (sigil)
writes a number of certificates behind the signature: 0 is read and kept, certificates are not supported.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.keys.ed25519 import SIGNATURE_SIZE
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.varint import encode_u32, read_minimal_u32, read_u32

VERSION = CONTENT_TYPE = SHA256 = 1
ED25519 = 1
HASH_SIZE = 32
_CERTIFICATES = "certificates"
_HEAD = bytes((VERSION, CONTENT_TYPE, SHA256))
_DOMAIN = b"wasmsig"
_NO_CERTIFICATES = b"\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRecord:
    """One signature of one set. An empty `key_id` means that the signer gave none."""

    key_id: bytes
    signature: bytes
    """For another algorithm than Ed25519: all that follows the algorithm."""
    algorithm: int = ED25519
    no_certificates: bool = field(default=False, compare=False)
    """Whether the number of certificates is written, and is 0."""

    def encode(self) -> bytes:
        signature = _sized(self.signature) if self.algorithm == ED25519 else self.signature
        return _sized(self.key_id) + bytes((self.algorithm,)) + signature + (_NO_CERTIFICATES if self.no_certificates else b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHashes:
    """The hashes of a file, one for each part between delimiters, and who signed them."""

    hashes: tuple[bytes, ...]
    signatures: tuple[SignatureRecord, ...]

    def encode(self) -> bytes:
        body = encode_u32(len(self.hashes)) + b"".join(self.hashes) + encode_u32(len(self.signatures))
        return body + b"".join(_sized(record.encode()) for record in self.signatures)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureData:
    """All sets of a signature section."""

    sets: tuple[SignedHashes, ...] = ()
    hash_function: int = SHA256

    @property
    def records(self) -> tuple[SignatureRecord, ...]:
        return tuple(record for signed in self.sets for record in signed.signatures)

    def encode(self) -> bytes:
        head = bytes((VERSION, CONTENT_TYPE, self.hash_function))
        return head + encode_u32(len(self.sets)) + b"".join(_sized(signed.encode()) for signed in self.sets)

    def add(self, hashes: tuple[bytes, ...], record: SignatureRecord, *, where: str = "") -> SignatureData:
        """Returns the data with one more record: in the first set of the same hashes, else in a new set.

        Raises FormatError where the result would be more than a reader accepts.
        """
        for index, signed in enumerate(self.sets):
            if signed.hashes == hashes:
                _check_count(len(signed.signatures) + 1, LIMITS.signatures, "signatures", where)
                grown = replace(signed, signatures=(*signed.signatures, record))
                return replace(self, sets=(*self.sets[:index], grown, *self.sets[index + 1 :]))
        _check_count(len(self.sets) + 1, LIMITS.signature_sets, "sets of hashes", where)
        return replace(self, sets=(*self.sets, SignedHashes(hashes=hashes, signatures=(record,))))


def message(hashes: tuple[bytes, ...]) -> bytes:
    """Returns what Ed25519 signs for a set of hashes."""
    return _DOMAIN + _HEAD + b"".join(hashes)


def parse_signature(payload: bytes, *, where: str = "") -> SignatureData:
    """Reads a payload strictly: nothing may be left over, padded, empty, or beyond the limits.

    Raises SignatureError with reason `unsupported_version` or `malformed_signature`. Records of an algorithm that
    is not Ed25519 are kept as they are: the caller decides.
    """
    if len(payload) > LIMITS.signature_section:
        raise _malformed(f"it is larger than {LIMITS.signature_section} bytes", where)
    _check_head(payload, where)
    try:
        return _parse_sets(payload)
    except FormatError as err:
        if err.reason == _CERTIFICATES:
            hint = "sign the file again with a key, without certificates"
            raise SignatureError(
                f"the signature is not readable: {err.what}", where=where, hint=hint, reason="unsupported_version"
            ) from err
        raise _malformed(err.what, where) from err


def _check_head(payload: bytes, where: str) -> None:
    if len(payload) >= len(_HEAD) and not set(_HEAD).intersection(payload[: len(_HEAD)]):
        hint = "give a detached signature file, or sign the file again"
        raise SignatureError("the signature is not a wasmsign2 signature", where=where, hint=hint, reason="malformed_signature")
    for position, what in enumerate(("specification version", "content type", "hash function")):
        if len(payload) <= position:
            raise _malformed("it ends too early", where)
        if payload[position] != 1:
            raise SignatureError(
                f"the signature has {what} {payload[position]}; only 1 is known",
                where=where,
                hint="sign the file again, or use a newer program",
                reason="unsupported_version",
            )


def _parse_sets(payload: bytes) -> SignatureData:
    reader = _Reader(payload, len(_HEAD))
    count = reader.count(LIMITS.signature_sets, "sets of hashes")
    sets = tuple(_parse_set(reader.sized()) for _ in range(count))
    reader.finish()
    return SignatureData(sets=sets)


def _parse_set(body: bytes) -> SignedHashes:
    reader = _Reader(body)
    count = reader.count(LIMITS.signature_hashes, "hashes")
    hashes = tuple(reader.take(HASH_SIZE) for _ in range(count))
    count = reader.count(LIMITS.signatures, "signatures")
    records = tuple(_parse_record(reader.sized()) for _ in range(count))
    reader.finish()
    return SignedHashes(hashes=hashes, signatures=records)


def _parse_record(body: bytes) -> SignatureRecord:
    reader = _Reader(body)
    key_id = reader.sized()
    algorithm = reader.take(1)[0]
    if algorithm != ED25519:
        return SignatureRecord(key_id=key_id, signature=reader.take(len(body) - reader.pos), algorithm=algorithm)
    signature = reader.sized()
    if len(signature) != SIGNATURE_SIZE:
        raise FormatError(f"an Ed25519 signature has {len(signature)} bytes, not {SIGNATURE_SIZE}")
    counted = reader.pos < len(body)
    if counted and (certificates := reader.number()):
        raise FormatError(f"it has {certificates} certificates, and certificates are not supported", reason=_CERTIFICATES)
    reader.finish()
    return SignatureRecord(key_id=key_id, signature=signature, no_certificates=counted)


def parse_as_reference(payload: bytes) -> SignatureData:
    """Reads a payload as the published wasmsign2 does; for showing it and for the drop-in only.

    Left-over bytes are ignored, unreadable records and other algorithms dropped, padded numbers taken, and any
    hash function passed on. Raises FormatError where the published program says "Parse error".
    """
    if len(payload) > LIMITS.signature_section:
        raise FormatError(f"the signature section is larger than {LIMITS.signature_section} bytes")
    if payload[:2] != _HEAD[:2] or len(payload) < len(_HEAD) or payload[2] > 0x7F:
        raise FormatError("the signature section is of an unknown version, or cut off")
    reader = _Reader(payload, len(_HEAD), strict=False)
    sets = []
    for _ in range(reader.count(LIMITS.signature_sets, "sets of hashes")):
        body = _Reader(reader.sized(), strict=False)
        hashes = tuple(body.take(HASH_SIZE) for _ in range(body.count(LIMITS.signature_hashes, "hashes")))
        bodies = [body.sized() for _ in range(body.count(LIMITS.signatures, "signatures"))]
        records = tuple(record for body_ in bodies if (record := _record_as_reference(body_)))
        sets.append(SignedHashes(hashes=hashes, signatures=records))
    return SignatureData(sets=tuple(sets), hash_function=payload[2])


def _record_as_reference(body: bytes) -> SignatureRecord | None:
    reader = _Reader(body, strict=False)
    try:
        key_id, algorithm = reader.sized(), reader.take(1)[0]
        return SignatureRecord(key_id=key_id, signature=reader.sized()) if algorithm == ED25519 else None
    except FormatError:
        return None


class _Reader:
    """Takes values from the front of `data`; raises FormatError where there are none."""

    def __init__(self, data: bytes, pos: int = 0, *, strict: bool = True) -> None:
        self._data = data
        self.pos = pos
        self._strict = strict

    def number(self) -> int:
        number, self.pos = (read_minimal_u32 if self._strict else read_u32)(self._data, self.pos)
        return number

    def count(self, limit: int, what: str) -> int:
        number = self.number()
        _check_count(number, limit, what)
        if self._strict and not number:
            raise FormatError(f"there are no {what}")
        return number

    def take(self, size: int) -> bytes:
        taken = self._data[self.pos : self.pos + size]
        if len(taken) != size:
            raise FormatError("it ends too early")
        self.pos += size
        return taken

    def sized(self) -> bytes:
        return self.take(self.number())

    def finish(self) -> None:
        if self.pos != len(self._data):
            left = len(self._data) - self.pos
            raise FormatError("1 byte is left over" if left == 1 else f"{left} bytes are left over")


def _check_count(number: int, limit: int, what: str, where: str = "") -> None:
    if number > limit:
        reason = "too_many_" + what.split(maxsplit=1)[0]
        raise FormatError(f"{number} {what} are more than the {limit} that a reader accepts", where=where, reason=reason)


def _malformed(detail: str, where: str) -> SignatureError:
    return SignatureError(f"the signature is malformed: {detail}", where=where, hint="sign the file again", reason="malformed_signature")


def _sized(data: bytes) -> bytes:
    return encode_u32(len(data)) + data
