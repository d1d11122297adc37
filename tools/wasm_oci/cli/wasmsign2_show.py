"""The section lines that `wasmsign2` prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wasm_oci.errors import FormatError
from wasm_oci.files import open_input
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign.sections import DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, Header, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.signature import parse_as_reference

_NAMES = ("types", "imports", "functions", "table", "memory", "global", "exports", "start", "elements", "code", "data")
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F) if chr(code) not in "\t\n\r"}


def describe_sections(path: Path, *, verbose: bool, skip_signatures: bool = False) -> list[str]:
    """Returns a text for each section of a file; raises FormatError or UsageError."""
    texts = []
    with open_input(path) as stream:
        read_preamble(stream, where=str(path))
        for section in walk(SeekingSource(stream), PREAMBLE_SIZE, every=True, where=str(path)):
            if skip_signatures and section.name == SIGNATURE_NAME:
                continue
            data = b""
            if verbose and section.name in (SIGNATURE_NAME, DELIMITER_NAME):
                stream.seek(section.data)
                data = stream.read(min(section.end - section.data, LIMITS.signature_section + 1))
            texts.append(_describe(section, data, verbose=verbose))
    return texts


def numbered(texts: list[str]) -> str:
    """Returns the lines that are printed."""
    return "".join(f"{index}:\t{text}\n" for index, text in enumerate(texts))


def describe_signature(payload: bytes, *, verbose: bool) -> str:
    """Returns the text of a signature section."""
    if not verbose:
        return "custom section: [signature]"
    try:
        return "custom section: [signature]\n" + "".join(f"{line}\n" for line in _signature_lines(payload))
    except FormatError:
        return "undecodable signature header"


def describe_delimiter(data: bytes, *, verbose: bool) -> str:
    """Returns the text of a delimiter section."""
    text = f"custom section: [{DELIMITER_NAME.decode()}]"
    return f"{text}\n- delimiter: [{data.hex()}]\n" if verbose else text


def _describe(section: Header, data: bytes, *, verbose: bool) -> str:
    if section.name is None:
        return f"{_NAMES[section.id - 1]} section" if section.id <= len(_NAMES) else f"section id#{section.id}"
    if section.name == SIGNATURE_NAME:
        return describe_signature(data, verbose=verbose)
    if section.name == DELIMITER_NAME:
        return describe_delimiter(data, verbose=verbose)
    return f"custom section: [{section.name.decode().translate(_ESCAPES)}]"


def _signature_lines(payload: bytes) -> Iterator[str]:
    if len(payload) > LIMITS.signature_section:
        raise FormatError("the signature section is too large")
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
