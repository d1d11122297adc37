"""Versions of interfaces and artifacts (Semantic Versioning 2.0.0), and ranges of them.

A version of an interface may be a series, such as `0.2`, where the rest is left out (Explainer.md, "Canonical Interface Name"): then it
stands for every version of the series, and a range holds it only if it holds all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wasm_oci.errors import FormatError

_NUMBER = r"(0|[1-9][0-9]{0,17})"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?", re.ASCII)
_SERIES = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})?", re.ASCII)
_LONGEST = 256

_Release = tuple[int, int, int]
Key = tuple[_Release, int, tuple[tuple[int, int, str], ...]]
"""What orders versions (section 11): release, whether it has no pre-release, identifiers of the pre-release."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version."""

    text: str
    key: Key

    @property
    def major(self) -> _Release:
        """What stays the same in compatible versions: the numbers up to the first that is not 0."""
        major, minor, patch = self.key[0]
        if major:
            return major, 0, 0
        return (0, minor, 0) if minor else (0, 0, patch)


@lru_cache(maxsize=4096)
def find_version(text: str) -> Version | None:
    """Returns the version that a text is, else None."""
    found = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    release = int(found[1]), int(found[2]), int(found[3])
    parts = found[4].split(".") if found[4] else []
    if any(part.isdigit() and part[0] == "0" and part != "0" for part in parts):
        return None
    return Version(text, (release, int(not parts), tuple(_identifier(part) for part in parts)))


def _identifier(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdigit() else (1, 0, part)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """The versions from `at_least` on, and below `below`; without either, all. A series as a bound begins with its pre-releases."""

    at_least: str = ""
    below: str = ""

    @property
    def is_everything(self) -> bool:
        return not self.at_least and not self.below

    def holds(self, text: str) -> bool:
        """Returns whether every version that a text may stand for is in the range; a text that is not a version may be any."""
        span = span_of(text)
        if span is None:
            return self.is_everything
        least, bound = span_of(self.at_least), span_of(self.below)
        return (least is None or span[0] >= least[0]) and (bound is None or span[1] <= bound[0])

    def meets(self, text: str) -> bool:
        """Returns whether any version that a text may stand for is in the range."""
        span = span_of(text)
        if span is None:
            return True
        least, bound = span_of(self.at_least), span_of(self.below)
        return (least is None or span[1] > least[0]) and (bound is None or span[0] < bound[0])

    @property
    def is_empty(self) -> bool:
        least, bound = span_of(self.at_least), span_of(self.below)
        return least is not None and bound is not None and least[0] >= bound[0]

    def __str__(self) -> str:
        return " and ".join(f"{name} {bound}" for name, bound in (("at least", self.at_least), ("below", self.below)) if bound)


Span = tuple[Key, Key]
"""The first version, and the least that is after all."""


@lru_cache(maxsize=4096)
def span_of(text: str) -> Span | None:
    """Returns what a version or a series may stand for, pre-releases of a series included; None for any other text."""
    if version := find_version(text):
        return version.key, _after(version.key)
    found = _SERIES.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    numbers = [int(part) for part in found.groups() if part is not None]
    first = _lowest(numbers)
    numbers[-1] += 1
    return first, _lowest(numbers)


def check_bound(text: str, *, where: str) -> str:
    """Returns a bound of a range; raises FormatError for what is neither a version nor a series."""
    if span_of(text) is None:
        raise FormatError(f"{text[:60]!r} is not a version", where=where, hint='write a version such as 0.2.0, or a series such as "0.2"')
    return text


def _lowest(numbers: Sequence[int]) -> Key:
    major, minor, patch = (*numbers, 0, 0)[:3]
    return (major, minor, patch), 0, ()


def _after(key: Key) -> Key:
    """The least key above that of one version: more identifiers come after fewer."""
    release, is_release, identifiers = key
    return (release, 2, ()) if is_release else (release, 0, (*identifiers, (-1, 0, "")))
