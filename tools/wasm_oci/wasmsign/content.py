"""The signed part of a file: which bytes are copied, what is rewritten, and where hashes are taken.

Specification: tool-conventions, Signatures.md, "Parts and delimiters".
"""

from __future__ import annotations

from typing import BinaryIO

from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.rewrite import Ranges, SectionWriter
from wasm_oci.wasm.sections import PREAMBLE_SIZE, SIGNATURE_NAME, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.section import SignatureSection, signature_in
from wasm_oci.wasmsign.signature import ED25519, SHA256, SignatureData, parse_as_reference, parse_signature

_HINT = "sign the file from before it was signed"


class Content:
    """An input's sections apart from signatures.

    Raises FormatError or LimitError for an input that is malformed or could not be verified once signed.
    """

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self.where = where
        self._stream = stream
        self.kind = read_preamble(stream, where=where)
        self._ranges = Ranges()
        self._signature: SignatureSection | None = None
        self.signature_sections = 0
        source = SeekingSource(stream)
        for head in walk(source, PREAMBLE_SIZE, every=False, where=where):
            if head.name != SIGNATURE_NAME:
                self._ranges.copy(head)
                continue
            self._ranges.skip(head)
            self._signature = self._signature or signature_in(stream, head)
            self.signature_sections += 1
        self._ranges.copy_up_to(source.total)
        delimiters = self._ranges.delimiters
        self.hash_count = delimiters + self._ranges.open_end
        if self.hash_count > LIMITS.signature_hashes:
            raise FormatError(
                f"{delimiters} delimiters cut the file into more than the {LIMITS.signature_hashes} parts that a reader accepts",
                where=where,
                hint="split it into fewer parts",
                reason="too_many_hashes",
            )

    @property
    def signed(self) -> bool:
        """Whether the file's first section is a signature section."""
        return self._signature is not None

    def previous_signature(self, *, as_reference: bool) -> SignatureData:
        """Returns the file's signatures; raises FormatError if a further one could not verify.

        `as_reference` refuses what the published wasmsign2 refuses, for the same reasons, and drops what that does not write again; it
        accepts nothing more.
        """
        if self._signature is None:
            return SignatureData()
        payload = self._signature.payload()
        published = None
        if as_reference:
            try:
                published = parse_as_reference(payload)
            except FormatError as err:
                raise FormatError(f"its signature section is malformed: {err.what}", where=self.where, hint=_HINT) from err
            if published.hash_function != SHA256:
                raise FormatError("its signatures use another hash function", where=self.where, hint=_HINT, reason="incompatible")
        try:
            data = parse_signature(payload)
        except SignatureError as err:
            raise FormatError(f"no signature can be added: {err.what}", where=self.where, hint=_HINT, reason=err.reason) from err
        if any(record.algorithm != ED25519 for record in data.records):
            raise FormatError("it is also signed with an unknown algorithm", where=self.where, hint=_HINT, reason="unsupported_version")
        return published or data

    def copy(self, target: BinaryIO, *, gap: int = 0) -> tuple[bytes, ...]:
        """Writes the preamble and, after a gap of that size, the content without signatures; returns its rolling hashes."""
        target.seek(0)
        writer = SectionWriter(self._stream, target, self.where)
        writer.leave_gap(gap)
        return writer.write(self._ranges)
