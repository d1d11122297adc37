"""Verifying a file: read once, its structure and its hashes checked in the same pass (FORMATS 1 and 2).

Stricter than the published wasmsign2: the hashes of a signed set must be those of this file, one for each part,
and the last must cover its end. So a file that was cut off after a delimiter is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.files import open_input
from wasm_oci.limits import KIB, LIMITS
from wasm_oci.wasmsign import ed25519
from wasm_oci.wasmsign.keys import PublicKey
from wasm_oci.wasmsign.sections import (
    DELIMITER_NAME,
    PREAMBLE_SIZE,
    SIGNATURE_NAME,
    WINDOW,
    Header,
    Kind,
    SeekingSource,
    read_preamble,
    walk,
)
from wasm_oci.wasmsign.signature import ED25519, SignatureData, SignedHashes, message, parse_signature

_BUFFER = 256 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """A file that verified."""

    key: PublicKey
    """The first of the given keys that signed all of the file."""
    keys: tuple[PublicKey, ...]
    """All of the given keys that did, in the given order."""
    key_ids_seen: tuple[str, ...]
    """Hexadecimal, sorted; signatures without a key id are not among them."""
    kind: Kind
    module_hash: str
    """SHA-256 of all that is signed, hexadecimal."""
    detached: bool


def verify_file(
    input: Path,
    keys: Sequence[PublicKey],
    *,
    signature: bytes | None = None,
    skip_unknown_algorithms: bool = False,
) -> VerifyResult:
    """Succeeds if one of `keys` signed all of the file. `signature` is the content of a detached signature file.

    Raises SignatureError, with one of the reasons that it lists, for whatever is wrong with the file or signature
    (the error that made a module unreadable is its cause), and UsageError where `keys` is empty.
    """
    if not keys:
        raise UsageError("there is no public key to verify with", hint="give at least one")
    where = str(input)
    try:
        with open_input(input) as stream:
            return _verify(stream, tuple(dict.fromkeys(keys)), signature, where, skip_unknown_algorithms)
    except (FormatError, UsageError) as err:
        raise SignatureError(err.what, where=where, hint=err.hint, reason="malformed_module") from err
    except OSError as err:
        raise SignatureError(f"cannot read the input file: {err.strerror}", where=where, reason="malformed_module") from err


def read_signature(path: Path) -> SignatureData | None:
    """Returns what the signature section of a file holds, unverified; None where it is not signed.

    Raises FormatError for a file that is not wasm, SignatureError for a malformed signature section.
    """
    where = str(path)
    with open_input(path) as stream:
        read_preamble(stream, where=where)
        first = _first_section(stream, where)
        return None if first is None else parse_signature(_payload(stream, first, where), where=where)


def _verify(
    stream: BinaryIO, keys: tuple[PublicKey, ...], signature: bytes | None, where: str, skip_unknown_algorithms: bool
) -> VerifyResult:
    kind, start = read_preamble(stream), PREAMBLE_SIZE
    if signature is None:
        first = _first_section(stream, where)
        if first is None:
            raise SignatureError(
                "the file is not signed", where=where, hint="sign it, or give its detached signature file", reason="unsigned"
            )
        payload, start = _payload(stream, first, where), first.end
        data = parse_signature(payload, where=where)
    else:
        data = parse_signature(signature, where="detached signature")
    if not skip_unknown_algorithms and any(record.algorithm != ED25519 for record in data.records):
        raise SignatureError("a signature uses an unknown algorithm", where=where, hint="use a newer program", reason="unsupported_version")
    signed = _signed_by(keys, data, where)
    hashes = _hashes(stream, start, where, detached=signature is not None)
    matching = {key for key, signed_hashes in signed if signed_hashes.hashes == hashes}
    if not matching:
        raise _changed(hashes, (signed_hashes for _, signed_hashes in signed), where)
    trusted = tuple(key for key in keys if key in matching)
    return VerifyResult(
        key=trusted[0],
        keys=trusted,
        key_ids_seen=_key_ids(data),
        kind=kind,
        module_hash=hashes[-1].hex(),
        detached=signature is not None,
    )


def _first_section(stream: BinaryIO, where: str) -> Header | None:
    """Returns the signature section if the file begins with one."""
    first = next(walk(SeekingSource(stream), PREAMBLE_SIZE, every=True, where=where), None)
    return first if first is not None and first.name == SIGNATURE_NAME else None


def _payload(stream: BinaryIO, section: Header, where: str) -> bytes:
    size = section.end - section.data
    if size > LIMITS.signature_section:
        raise SignatureError(
            f"the signature section is larger than {LIMITS.signature_section} bytes", where=where, reason="malformed_signature"
        )
    stream.seek(section.data)
    return stream.read(size)


def _signed_by(keys: tuple[PublicKey, ...], data: SignatureData, where: str) -> list[tuple[PublicKey, SignedHashes]]:
    """Returns every set with a valid signature, and whose it is; raises SignatureError where there is none."""
    found, named, tried = [], False, 0
    for key in keys:
        verifies = ed25519.verifier(key.raw)
        for signed in data.sets:
            for record in signed.signatures:
                if record.algorithm != ED25519 or record.key_id not in (b"", key.key_id):
                    continue
                named = named or bool(record.key_id)
                tried += 1
                if tried > LIMITS.verifications:
                    raise SignatureError(
                        f"more than {LIMITS.verifications} signatures may be of the given keys",
                        where=where,
                        hint="give fewer keys, or sign the file anew",
                        reason="malformed_signature",
                    )
                if verifies(message(signed.hashes), record.signature):
                    found.append((key, signed))
    if found:
        return found
    if named:
        raise SignatureError(
            "a signature with the id of a given key is not of that key, or was changed",
            where=where,
            hint="fetch or sign the file again",
            reason="content_changed",
        )
    seen = ", ".join(_key_ids(data)) or "no key id"
    expected = ", ".join(key.key_id.hex() for key in keys)
    raise SignatureError(
        f"none of the given keys signed it (signed by {seen}; given {expected})",
        where=where,
        hint="give the signer's public key if you trust it",
        reason="no_trusted_key",
    )


def _key_ids(data: SignatureData) -> tuple[str, ...]:
    return tuple(sorted({record.key_id.hex() for record in data.records if record.key_id}))


def _hashes(stream: BinaryIO, start: int, where: str, *, detached: bool) -> tuple[bytes, ...]:
    """Reads the file from `start` to its end; returns the hash at each delimiter and at the end."""
    source, last = _HashingSource(stream, start), 0
    hashes: list[bytes] = []
    for head in walk(source, start, every=False, where=where):
        if head.name == SIGNATURE_NAME and not (detached and head.offset == PREAMBLE_SIZE):
            raise SignatureError(
                f"byte {head.offset}: there is one more signature section", where=where, hint="sign it again", reason="malformed_signature"
            )
        if head.name == DELIMITER_NAME and len(hashes) <= LIMITS.signature_hashes:
            hashes.append(source.hash_up_to(head.end))
            last = head.end
    end = source.hash_up_to(source.total)
    if last != source.total:
        hashes.append(end)
    return tuple(hashes)


def _changed(hashes: tuple[bytes, ...], signed: Iterable[SignedHashes], where: str) -> SignatureError:
    cut = any(hashes[-1] in signed_hashes.hashes for signed_hashes in signed)
    what = "parts of what was signed are missing or not marked" if cut else "the content is not what was signed"
    return SignatureError(what, where=where, hint="fetch or build the file again", reason="content_changed")


class _HashingSource:
    """Reads every byte from `start` on, once and in order, and hashes it."""

    def __init__(self, stream: BinaryIO, start: int) -> None:
        self._stream = cast(BufferedIOBase, stream)
        self.total = stream.seek(0, 2)
        stream.seek(start)
        self._sha = hashlib.sha256()
        self._buffer = memoryview(bytearray(_BUFFER))
        self._data, self._base, self._hashed = b"", start, start

    def window(self, offset: int, need: int) -> tuple[bytes, int]:
        end = self._base + len(self._data)
        if offset + need <= end or end == self.total:
            return self._data, self._base
        self._advance(offset)
        kept = self._data[offset - self._base :]
        wanted = min(max(WINDOW, need) - len(kept), self.total - self._base - len(self._data))
        fresh = self._stream.read(wanted)
        if len(fresh) != wanted:
            raise _shorter()
        self._data, self._base = kept + fresh, offset
        return self._data, self._base

    def hash_up_to(self, offset: int) -> bytes:
        """Returns the hash of all from the start to `offset`, which never goes back."""
        self._advance(offset)
        return self._sha.digest()

    def _advance(self, offset: int) -> None:
        """Hashes up to `offset`; what lies after the window is read for it, and becomes no window."""
        end = self._base + len(self._data)
        within = min(offset, end)
        self._sha.update(memoryview(self._data)[self._hashed - self._base : within - self._base])
        self._hashed = within
        if offset <= end:
            return
        self._data, self._base = b"", offset
        while self._hashed < offset:
            count = self._stream.readinto(self._buffer[: min(_BUFFER, offset - self._hashed)])
            if not count:
                raise _shorter()
            self._sha.update(self._buffer[:count])
            self._hashed += count


def _shorter() -> FormatError:
    return FormatError("the file became shorter while it was read", hint="verify it again")
