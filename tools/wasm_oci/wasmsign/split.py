"""Splitting a file: delimiters that make parts of it verifiable alone.

Specification: tool-conventions, Signatures.md, "Parts and delimiters".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import FormatError
from wasm_oci.files import atomic_output, open_input
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.rewrite import SectionWriter
from wasm_oci.wasm.sections import DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, SeekingSource, read_preamble, walk
from wasm_oci.wasmsign.pattern import SectionPattern

_DELIMITER_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitResult:
    """What `split_file` wrote."""

    parts: int
    """How many delimiters the file now has: each ends a part."""
    added: tuple[int, ...]
    """The numbers, among all sections of the file, of those that are new."""
    signature_sections: int
    """How many sections with signatures were copied."""


def split_file(
    input: Path,
    output: Path,
    pattern: SectionPattern | None,
    *,
    delimiter: Callable[[int], bytes] | None = None,
) -> SplitResult:
    """Writes `input` to `output` with a delimiter wherever sections that `pattern` selects begin or end, and one at the end.

    Without `pattern` all sections are of one part. `delimiter` gives the bytes of the delimiter of each number, from 0
    on; by default they follow from the content, so that the same input gives the same bytes. `input` and `output` may
    be one file. Splitting a second time by the same pattern changes nothing.

    Nothing is written when this raises: FormatError for an input that is malformed, signed (unless nothing changes) or
    of too many parts, LimitError, UsageError for files that cannot be read or written.
    """
    where, signatures = str(input), 0
    added: list[int] = []
    with open_input(input) as stream, atomic_output(output) as target:
        read_preamble(stream, where=where)
        writer, source = SectionWriter(stream, target, where), SeekingSource(stream)

        def cut(index: int) -> None:
            number = writer.delimiters
            writer.add_delimiter(delimiter(number) if delimiter else _derived(number, writer.digest()))
            added.append(index + len(added))

        matching, after_delimiter, head = True, False, None
        for index, head in enumerate(walk(source, PREAMBLE_SIZE, every=True, where=where)):
            if head.name == SIGNATURE_NAME:
                signatures += 1
            elif head.name == DELIMITER_NAME:
                after_delimiter = True
            else:
                matches = pattern is None or pattern.matches(head.name)
                if matches != matching and index and not after_delimiter:
                    cut(index)
                matching, after_delimiter = matches, False
            writer.copy(head)
        if head is not None and head.name != DELIMITER_NAME:
            cut(index + 1)
        writer.finish(source.total)
        _check(where, parts=writer.delimiters, signed=signatures > 0, changed=bool(added) or writer.rewritten)
    return SplitResult(parts=writer.delimiters, added=tuple(added), signature_sections=signatures)


def _check(where: str, *, parts: int, signed: bool, changed: bool) -> None:
    if signed and changed:
        raise FormatError(
            "the file is signed, and its signatures would not fit once it is split",
            where=where,
            hint="split the unsigned file, then sign it",
            reason="would_not_fit",
        )
    if parts > LIMITS.signature_hashes:
        raise FormatError(
            f"the file would have {parts} parts, more than the {LIMITS.signature_hashes} that a reader accepts",
            where=where,
            hint="choose an expression that groups more sections that follow each other",
            reason="too_many_hashes",
        )


def _derived(number: int, before: bytes) -> bytes:
    return hashlib.sha256(DELIMITER_NAME + number.to_bytes(4, "big") + before).digest()[:_DELIMITER_SIZE]
