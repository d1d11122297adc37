"""How `wasmsign2 --compat` signs: as the published program, without asking whether the result can be verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError
from wasm_oci.files import atomic_output, open_input, write_file
from wasm_oci.keys.key import SecretKey
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.rewrite import NOWHERE, SectionWriter, Target
from wasm_oci.wasm.sections import PREAMBLE_SIZE, SIGNATURE_NAME, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.signature import SHA256, SignatureData, SignatureRecord, SignedHashes, message, parse_as_reference
from wasm_oci.wasmsign2 import texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What `sign_as_published` wrote."""

    hashes: tuple[bytes, ...]
    signature: bytes
    dropped: int
    """Signature sections that were not the first one."""


def sign_as_published(source: Path, output: Path, key: SecretKey, *, key_id: bytes | None, signature_file: Path | None) -> Signed:
    """Raises Refusal, FormatError, LimitError or UsageError.

    A detached signature of a signed file holds the old signatures too, and the file keeps its own.
    """
    where = str(source)
    with open_input(source) as stream:
        read_preamble(stream, where=where)
        previous, dropped = SignatureData(), 0
        content, sections = SectionWriter(stream, NOWHERE, where), SeekingSource(stream)
        for head in walk(sections, PREAMBLE_SIZE, every=False, where=where):
            if head.name != SIGNATURE_NAME:
                content.copy(head)
                continue
            content.skip(head)
            if head.offset > PREAMBLE_SIZE:
                dropped += 1
            else:
                stream.seek(head.data)
                previous = parse_as_reference(stream.read(min(head.end - head.data, LIMITS.signature_section)))
        hashes = content.finish(sections.total)
        signature = _add(previous, hashes, SignatureRecord(key_id=key_id or b"", signature=key.sign(message(hashes)))).encode()
        with atomic_output(output) as target:
            _write(stream, target, where, signature if signature_file is None else None)
    if signature_file is not None:
        write_file(signature_file, signature, what="signature file")
    return Signed(hashes=hashes, signature=signature, dropped=dropped)


def _add(data: SignatureData, hashes: tuple[bytes, ...], record: SignatureRecord) -> SignatureData:
    """Like `SignatureData.add`, for more sets, hashes and signatures than any reader takes."""
    if data.hash_function != SHA256:
        raise FormatError("its signatures use another hash function", reason="incompatible")
    for index, signed in enumerate(data.sets):
        if signed.hashes == hashes:
            if record in signed.signatures:
                raise texts.Refusal("Duplicate signature")
            grown = replace(signed, signatures=(*signed.signatures, record))
            return replace(data, sets=(*data.sets[:index], grown, *data.sets[index + 1 :]))
    return replace(data, sets=(*data.sets, SignedHashes(hashes=hashes, signatures=(record,))))


def _write(stream: BinaryIO, target: Target, where: str, signature: bytes | None) -> None:
    """Writes all of the file, or its content after a new signature."""
    writer, sections = SectionWriter(stream, target, where), SeekingSource(stream)
    if signature is not None:
        writer.add_signature(signature)
    for head in walk(sections, PREAMBLE_SIZE, every=False, where=where):
        if signature is None or head.name != SIGNATURE_NAME:
            writer.copy(head)
        else:
            writer.skip(head)
    writer.finish(sections.total)
