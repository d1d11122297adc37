"""The parts of a file between its delimiters: their hashes, which of them a pattern selects, and which one changed.

Specification: tool-conventions, Signatures.md, "Partial verification".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from wasm_oci.errors import SignatureError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.sections import DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, Header, SeekingSource, walk
from wasm_oci.wasmsign.hashing import HashingSource
from wasm_oci.wasmsign.pattern import SectionPattern

_SHOWN = 60
"""Characters of a section's name that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The bytes between two delimiters, including the second one, or after the last one."""

    digest: bytes
    """SHA-256 of everything from the start of the content to the end of this part."""
    checked: bool
    """Whether its hash must be the signed one; False only for a part that a pattern does not select."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The bytes that signatures cover: from `start` to the end of the file. `where` names it in errors."""

    stream: BinaryIO
    start: int
    detached: bool
    where: str


def read_parts(content: Stretch, pattern: SectionPattern | None) -> tuple[Part, ...]:
    """Reads all of the content once; returns its parts, at most a few more than a signature can list.

    Raises SignatureError for a second signature section, and with reason `not_split` if delimiters do not separate the sections that
    `pattern` selects from the others; FormatError for malformed content.
    """
    source = HashingSource(content.stream, content.start)
    agreement = None if pattern is None else _Agreement(content, pattern)
    parts: list[Part] = []
    last = 0
    for head in walk(source, content.start, every=agreement is not None, where=content.where):
        if head.name == SIGNATURE_NAME and not (content.detached and head.offset == PREAMBLE_SIZE):
            raise SignatureError(
                f"byte {head.offset}: there is one more signature section",
                where=content.where,
                hint="sign it again",
                reason="malformed_signature",
            )
        if head.name == DELIMITER_NAME:
            checked = agreement is None or agreement.end_of_part()
            if len(parts) <= LIMITS.signature_hashes:
                parts.append(Part(digest=source.hash_up_to(head.end), checked=checked))
            last = head.end
        elif agreement is not None:
            agreement.take(head)
    end = source.hash_up_to(source.total)
    if agreement is not None:
        agreement.end_of_file(delimiters=len(parts))
    if last != source.total:
        parts.append(Part(digest=end, checked=True))
    return tuple(parts)


class _Agreement:
    """Checks that the pattern selects all sections of a part or none, and at least one section of the file."""

    def __init__(self, content: Stretch, pattern: SectionPattern) -> None:
        self._where, self._pattern = content.where, pattern
        self._state: bool | None = None
        self._any = False

    def take(self, head: Header) -> None:
        matches = self._pattern.matches(head.name)
        if self._state is None:
            self._state = matches
        elif self._state is not matches:
            odd = "matches" if matches else "does not match"
            raise self._error(f"byte {head.offset}: {_name(head)} {odd} {self._pattern.expression!r}, unlike others of its part")
        self._any = self._any or matches

    def end_of_part(self) -> bool:
        """Ends a part; returns whether it is checked, as an empty one is."""
        checked, self._state = self._state is not False, None
        return checked

    def end_of_file(self, *, delimiters: int) -> None:
        if not delimiters:
            raise self._error("the file has no delimiters, so no part of it can be verified alone")
        if not self._any:
            raise self._error(f"no section matches {self._pattern.expression!r}")

    def _error(self, what: str) -> SignatureError:
        hint = "split the file with the same expression before it is signed, or verify all of it"
        return SignatureError(what, where=self._where, hint=hint, reason="not_split")


def fits(hashes: Sequence[bytes], parts: Sequence[Part]) -> bool:
    """Tells whether signed hashes match the parts: one hash for each part, equal for the checked ones."""
    return len(hashes) == len(parts) and all(part.digest == signed for part, signed in zip(parts, hashes, strict=True) if part.checked)


def changed(
    content: Stretch, parts: Sequence[Part], signed: Iterable[Sequence[bytes]], places: Callable[[], Sequence[str]]
) -> SignatureError:
    """Returns the error for content that matches none of the signed hashes; it names the place of the first part that differs."""
    hashes = max(signed, key=lambda hashes: (len(hashes) == len(parts), _same(hashes, parts)))
    same = _same(hashes, parts)
    if same == len(parts):
        what = f"parts of what was signed are missing: it ends after {same} of {len(hashes)}"
    elif same == len(hashes):
        what = f"{_place_of(same, places())} came after all that was signed"
    elif len(parts) == 1 or same >= LIMITS.signature_hashes:
        what = "the content is not what was signed"
    else:
        what = f"{_place_of(same, places())} changed: it is not what was signed"
    return SignatureError(what, where=content.where, hint="fetch or build the file again", reason="content_changed")


def _same(hashes: Sequence[bytes], parts: Sequence[Part]) -> int:
    """Returns how many parts, from the first one on, have the signed hash."""
    pairs = zip(parts, hashes, strict=False)
    return next((at for at, (part, signed) in enumerate(pairs) if part.digest != signed), min(len(parts), len(hashes)))


def places_of(content: Stretch) -> tuple[str, ...]:
    """Returns the sections of each part, numbered as in `wasmsign2 show`, for as many parts as a signature can list."""
    places: list[str] = []
    first, begin, index = None, 0, 0
    for index, head in enumerate(walk(SeekingSource(content.stream), PREAMBLE_SIZE, every=True, where=content.where)):
        if head.offset < content.start:
            continue
        if first is None:
            first, begin = head, index
        if head.name == DELIMITER_NAME:
            places.append(_place(first, begin, index))
            first = None
            if len(places) > LIMITS.signature_hashes:
                break
    return (*places, _place(first, begin, index)) if first else tuple(places)


def _place_of(part: int, places: Sequence[str]) -> str:
    return places[part] if part < len(places) else "the end of the file"


def _place(first: Header, begin: int, end: int) -> str:
    return f"section {begin} ({_name(first)})" if begin == end else f"the part of sections {begin} to {end} (from {_name(first)} on)"


def _name(head: Header) -> str:
    return f"a section of id {head.id}" if head.name is None else f"custom section {head.name.decode()[:_SHOWN]!r}"
