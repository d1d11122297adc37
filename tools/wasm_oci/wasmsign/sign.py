"""Signing a file: its content is read, hashed and written in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from wasm_oci.digest import Digest, digest_of
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import atomic_output, open_input
from wasm_oci.keys.ed25519 import SIGNATURE_SIZE
from wasm_oci.keys.signer import Signer
from wasm_oci.wasm.rewrite import custom_section, require_other_file
from wasm_oci.wasm.sections import PREAMBLE_SIZE, SIGNATURE_NAME, Kind
from wasm_oci.wasmsign.content import Content
from wasm_oci.wasmsign.signature import HASH_SIZE, SignatureData, SignatureRecord, message


@dataclass(frozen=True, slots=True, kw_only=True)
class SignResult:
    """What `sign_file` wrote."""

    digest: Digest | None
    """Of the output file; None where it was not asked for."""
    size: int
    """Of the output file."""
    hashes: tuple[bytes, ...]
    """What was signed: SHA-256 up to each delimiter and to the end."""
    kind: Kind
    key_id: bytes | None
    signature_count: int
    """Signatures that the file, or the signature file, now holds."""
    added: int
    """Signatures that the file, or the signature file, did not have before; 0 where it had all of them."""
    dropped: int
    """Signature sections that were not first in the file, which no reader would find, and that were left out."""
    signature: bytes = field(repr=False)
    """The payload of the signature section."""

    @property
    def module_hash(self) -> str:
        """SHA-256 of all that is signed, hexadecimal."""
        return self.hashes[-1].hex()


def sign_file(
    input: Path,
    output: Path,
    key: Signer,
    *,
    key_id: bytes | None,
    further: Sequence[Signer] = (),
    signature_file: Path | None = None,
    with_digest: bool = True,
    as_reference: bool = False,
) -> SignResult:
    """Writes `input` to `output` with one signature more, every section header in its shortest form.

    `further` keys sign too, each with its own key id. With `signature_file` the signature goes there instead and `output` has
    none. `input` and `output` may be one file. Signing again with the same key changes nothing. `with_digest` reads a signed
    output once more. `as_reference` refuses to sign twice (FormatError with reason `duplicate`), as the published wasmsign2
    does, and refuses the old signatures that it refuses, for the same reasons.

    Nothing is written when this raises: FormatError or LimitError for an input that cannot be signed so that it
    verifies, UsageError for files that cannot be read or written.
    """
    if signature_file is not None:
        require_other_file(signature_file, (output, input), what="signature file")
    where = str(input)
    with open_input(input) as stream, ExitStack() as outputs:
        content = Content(stream, where)
        previous = content.previous_signature(as_reference=as_reference)
        if signature_file is not None:
            _check_unsigned(content)
        ids = [(key, key_id or b""), *((signer, signer.public.key_id) for signer in further)]
        payloads = _Payloads(ids, previous, as_reference=as_reference, where=where)
        target = outputs.enter_context(atomic_output(output))
        if signature_file is not None:
            detached = outputs.enter_context(atomic_output(signature_file, what="signature file"))
            hashes = content.copy(target)
            payload, added = payloads.sign(hashes)
            detached.write(payload)
        else:
            hashes, payload, added = _write_embedded(content, payloads, target)
        size = target.seek(0, 2)
        digest = None
        if with_digest:
            target.seek(0)
            digest, _ = digest_of(target)
    return SignResult(
        digest=digest,
        size=size,
        hashes=hashes,
        kind=content.kind,
        key_id=key_id,
        signature_count=len(previous.records) + added,
        added=added,
        dropped=content.signature_sections - content.signed,
        signature=payload,
    )


def normalise_file(input: Path, output: Path) -> None:
    """Writes the file that a detached signature of `input` will cover: every section header in its shortest form.

    Raises what `sign_file` raises for an input that cannot be signed so.
    """
    with open_input(input) as stream, atomic_output(output) as target:
        content = Content(stream, str(input))
        _check_unsigned(content)
        content.copy(target)


def _check_unsigned(content: Content) -> None:
    if content.signature_sections:
        raise FormatError(
            "the file holds a signature already, which a detached one would not fit",
            where=content.where,
            hint="sign the unsigned file, or add an embedded signature (without a signature file)",
            reason="signed",
        )


def _write_embedded(content: Content, payloads: _Payloads, target: BinaryIO) -> tuple[tuple[bytes, ...], bytes, int]:
    """Writes the content behind a gap for the signature; writes it again if old signatures made the gap wrong."""
    gap, known, section = len(custom_section(SIGNATURE_NAME, payloads.likely(content.hash_count))), None, b""
    for _ in range(2):
        target.seek(0)
        target.truncate()
        hashes = content.copy(target, gap=gap)
        if hashes != known:  # the second time they are the same, and no key is asked again
            payload, added = payloads.sign(hashes)
            known, section = hashes, custom_section(SIGNATURE_NAME, payload)
        if len(section) == gap:
            target.seek(PREAMBLE_SIZE)
            target.write(section)
            return hashes, payload, added
        gap = len(section)
    raise UsageError("the input file changes while it is read", where=content.where, hint="sign it again when nothing writes to it")


class _Payloads:
    """Makes the payload for any hashes, from the keys and the signatures that were there before."""

    def __init__(self, keys: Sequence[tuple[Signer, bytes]], previous: SignatureData, *, as_reference: bool, where: str) -> None:
        self._keys, self._previous = keys, previous
        self._as_reference, self._where = as_reference, where

    def likely(self, count: int) -> bytes:
        """Returns a payload of the expected length: right if the content has not changed since it was signed, or was never signed.

        It makes no signature, because a key may ask its owner each time.
        """
        signed = next((signed for signed in self._previous.sets if len(signed.hashes) == count), None)
        hashes = signed.hashes if signed else (bytes(HASH_SIZE),) * count
        data, known = self._previous, {record.key_id for record in signed.signatures} if signed else set()
        try:
            for _, key_id in self._keys:
                if self._as_reference or key_id not in known:
                    data = data.add(hashes, SignatureRecord(key_id=key_id, signature=bytes(SIGNATURE_SIZE)))
        except FormatError:
            return self._previous.encode()
        return data.encode()

    def sign(self, hashes: tuple[bytes, ...]) -> tuple[bytes, int]:
        """Returns the payload, and how many signatures it holds more than before."""
        data, added = self._previous, 0
        for signer, key_id in self._keys:
            record = SignatureRecord(key_id=key_id, signature=signer.sign(message(hashes)))
            present = [old for signed in data.sets if signed.hashes == hashes for old in signed.signatures]
            own = (b"", signer.public.key_id, key_id)
            if not self._as_reference and any(old.signature == record.signature and old.key_id in own for old in present):
                continue
            if record in present:
                raise FormatError(
                    "the file is signed with this key already", where=self._where, hint="nothing is left to do", reason="duplicate"
                )
            data, added = data.add(hashes, record, where=self._where), added + 1
        return data.encode(), added
