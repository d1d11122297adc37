"""The section lines that `wasmsign2` prints, each made when it is written: a file may have very many, and long ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError, one_line
from wasm_oci.files import open_input
from wasm_oci.limits import KIB
from wasm_oci.wasm.sections import DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, Header, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.section import SignatureSection
from wasm_oci.wasmsign.signature import parse_as_reference

_NAMES = ("types", "imports", "functions", "table", "memory", "global", "exports", "start", "elements", "code", "data")
_PIECE = 64 * KIB

Text = Iterable[str]
"""The text of one section, in pieces."""


def show(path: Path, *, verbose: bool) -> Iterator[str]:
    """Yields what is printed of a file; raises FormatError, LimitError or UsageError before the first line."""
    with open_input(path) as stream:
        read_preamble(stream, where=str(path))
        for _ in walk(SeekingSource(stream), PREAMBLE_SIZE, every=False, where=str(path)):
            pass
        yield from numbered(describe_sections(stream, verbose=verbose))


def describe_sections(stream: BinaryIO, *, verbose: bool, skip_signatures: bool = False) -> Iterator[Text]:
    """Yields the text of each section of an open file, to be used before the next one is asked for."""
    for section in walk(SeekingSource(stream), PREAMBLE_SIZE, every=True):
        if skip_signatures and section.name == SIGNATURE_NAME:
            continue
        yield _describe(stream, section, verbose=verbose)


def numbered(texts: Iterable[Text]) -> Iterator[str]:
    """Yields what is printed."""
    for index, text in enumerate(texts):
        yield f"{index}:\t"
        yield from text
        yield "\n"


def describe_signature(payload: bytes, *, verbose: bool) -> Text:
    """Returns the text of a signature section."""
    if not verbose:
        return ("custom section: [signature]",)
    try:
        return ("custom section: [signature]\n", *(f"{line}\n" for line in _signature_lines(payload)))
    except FormatError:
        return ("undecodable signature header",)


def describe_delimiter(data: Iterable[bytes], *, verbose: bool) -> Iterator[str]:
    """Yields the text of a delimiter section."""
    yield f"custom section: [{DELIMITER_NAME.decode()}]"
    if verbose:
        yield "\n- delimiter: ["
        yield from (piece.hex() for piece in data)
        yield "]\n"


def _describe(stream: BinaryIO, section: Header, *, verbose: bool) -> Text:
    if section.name is None:
        return (f"{_NAMES[section.id - 1]} section" if section.id <= len(_NAMES) else f"section id#{section.id}",)
    if section.name == SIGNATURE_NAME:
        payload = SignatureSection(stream=stream, header=section).payload() if verbose else b""
        return describe_signature(payload, verbose=verbose)
    if section.name == DELIMITER_NAME:
        return describe_delimiter(_data(stream, section.data, section.end), verbose=verbose)
    return (f"custom section: [{_escaped(section.name.decode())}]",)


def _escaped(name: str) -> str:
    """Tabs stay, as in the published program."""
    return "\t".join(map(one_line, name.split("\t")))


def _data(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < end and (piece := stream.read(min(_PIECE, end - start))):
        yield piece
        start += len(piece)


def _signature_lines(payload: bytes) -> Iterator[str]:
    parsed = parse_as_reference(payload)
    yield "- specification version: 0x01"
    yield "- content_type: 0x01"
    yield f"- hash function: 0x{parsed.hash_function:02x} (SHA-256)"
    yield "- (hashes,signatures) set:"
    for signed in parsed.sets:
        yield "  - hashes:"
        yield from (f"    - [{digest.hex()}]" for digest in signed.hashes)
        yield "  - signatures:"
        for record in signed.signatures:
            key = f"key id: [{record.key_id.hex()}]" if record.key_id else "no key id"
            yield f"    - [{record.signature.hex()}] ({key})"
