"""Where a file keeps its signatures: in a custom section named `signature`, its first.

Specification: tool-conventions, Signatures.md, "Custom sections" and "Signature data".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasm_oci.files import open_input
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.sections import PREAMBLE_SIZE, SIGNATURE_NAME, Header, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.signature import SignatureData, parse_signature

_APPENDED = b"wsc."
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureSection:
    """A section named as signature, whose payload is read when it is asked for."""

    stream: BinaryIO
    header: Header

    @property
    def end(self) -> int:
        """Where the content begins that an embedded signature covers."""
        return self.header.end

    def payload(self) -> bytes:
        """Reads the payload; of one that every parser refuses as too large, just enough for that."""
        self.stream.seek(self.header.data)
        return self.stream.read(min(self.header.end - self.header.data, LIMITS.signature_section + 1))


def signature_in(stream: BinaryIO, first: Header | None) -> SignatureSection | None:
    """Returns the signature section if that is what the file begins with: `first` is any section, None where there is none."""
    if first is None or first.name != SIGNATURE_NAME or first.offset != PREAMBLE_SIZE:
        return None
    return SignatureSection(stream=stream, header=first)


def find_signature(stream: BinaryIO, *, where: str = "") -> SignatureSection | None:
    """Returns the signature section if the file begins with one; raises FormatError or LimitError for a malformed beginning."""
    return signature_in(stream, next(walk(SeekingSource(stream), PREAMBLE_SIZE, every=True, where=where), None))


def appended_sections(stream: BinaryIO, *, where: str = "") -> tuple[str, ...]:
    """Returns the names, each once, of sections that wsc (sigil) appends once a file is signed; its signature does not cover them.

    Raises FormatError or LimitError for a malformed file.
    """
    names: dict[str, None] = {}
    for head in walk(SeekingSource(stream), PREAMBLE_SIZE, every=True, where=where):
        if head.name is not None and head.name.startswith(_APPENDED) and len(names) < _MOST_NAMES:
            names[head.name.decode()] = None
    return tuple(names)


def read_signature(path: Path) -> SignatureData | None:
    """Returns what the signature section of a file holds, unverified; None where it is not signed.

    Raises FormatError for a file that is not wasm, SignatureError for a malformed signature section.
    """
    where = str(path)
    with open_input(path) as stream:
        read_preamble(stream, where=where)
        found = find_signature(stream, where=where)
        return None if found is None else parse_signature(found.payload(), where=where)
