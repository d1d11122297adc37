"""Moving a signature out of a file and back in: the detached file is the payload of the section.

Specification: tool-conventions, Signatures.md, "Equivalence between embedded and detached signatures".
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.files import atomic_output, open_input, read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.rewrite import SectionWriter, require_other_file
from wasm_oci.wasm.sections import PREAMBLE_SIZE, SIGNATURE_NAME, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.section import signature_in
from wasm_oci.wasmsign.signature import SignatureData, parse_signature

_SIGN_AGAIN = "sign the unsigned file again"


def detach_file(input: Path, output: Path, signature_file: Path) -> None:
    """Writes `input` without its signature section to `output`, and the section's payload to `signature_file`.

    `input` and `output` may be one file. Nothing is written when this raises: FormatError (reasons `unsigned`,
    `malformed_signature`, `unsupported_version`, ...), LimitError or UsageError.
    """
    require_other_file(signature_file, (input, output), what="signature file")
    where = str(input)
    with open_input(input) as stream:
        read_preamble(stream, where=where)
        source = SeekingSource(stream)
        sections = walk(source, PREAMBLE_SIZE, every=False, where=where)
        found = signature_in(stream, next(sections, None))
        if found is None:
            raise FormatError(
                "the file is not signed: its first section is not a signature", where=where, hint="give a signed file", reason="unsigned"
            )
        payload = found.payload()
        _parse(payload, where)
        with atomic_output(output) as target, atomic_output(signature_file, what="signature file") as detached:
            writer = SectionWriter(stream, target, where)
            writer.skip(found.header)
            for head in sections:
                if head.name == SIGNATURE_NAME:
                    raise FormatError(
                        f"byte {head.offset}: there is one more signature section",
                        where=where,
                        hint=_SIGN_AGAIN,
                        reason="malformed_signature",
                    )
                writer.copy(head)
            writer.finish(source.total)
            detached.write(payload)


def attach_file(input: Path, output: Path, signature_file: Path) -> None:
    """Writes `input` with the content of `signature_file` as its signature section to `output`.

    The signature must belong to this file: at least one part must have its signed hash. This does not verify the signature.
    `input` and `output` may be one file. Nothing is written when this raises: FormatError (reasons `signed`,
    `malformed_signature`, `unsupported_version`, `unfit`, ...), LimitError or UsageError.
    """
    require_other_file(signature_file, (input, output), what="signature file")
    where = str(input)
    payload = read_bounded(signature_file, LIMITS.signature_section, what="signature file")
    data = _parse(payload, str(signature_file))
    with open_input(input) as stream:
        read_preamble(stream, where=where)
        with atomic_output(output) as target:
            hashes = _attached(stream, target, payload, where)
            if not any(_similar(signed.hashes, hashes) for signed in data.sets):
                raise FormatError(
                    "the signature is not of this file",
                    where=where,
                    hint="give the file that was written when it was signed",
                    reason="unfit",
                )


def _attached(stream: BinaryIO, target: BinaryIO, payload: bytes, where: str) -> tuple[bytes, ...]:
    writer, source = SectionWriter(stream, target, where), SeekingSource(stream)
    writer.add_signature(payload)
    for head in walk(source, PREAMBLE_SIZE, every=False, where=where):
        if head.name == SIGNATURE_NAME:
            raise FormatError("the file holds a signature already", where=where, hint="detach that one first", reason="signed")
        writer.copy(head)
    return writer.finish(source.total)


def _similar(signed: tuple[bytes, ...], hashes: tuple[bytes, ...]) -> bool:
    return len(signed) == len(hashes) and any(one == other for one, other in zip(signed, hashes, strict=True))


def _parse(payload: bytes, where: str) -> SignatureData:
    try:
        return parse_signature(payload)
    except SignatureError as err:
        raise FormatError(err.what, where=where, hint=err.hint, reason=err.reason) from err
