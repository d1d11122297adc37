"""What a check says about a subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from wasm_oci.policy.subject import Stage, Subject

_SHOWN = 8
_FACTS = "`wasm_oci policy check` takes it with --facts"
_IMAGE = "name a layout or a reference, not a .wasm file"
_FILE = "name the file, a layout or a reference"
_SOURCES = {
    "annotations": _IMAGE,
    "api_change": _FACTS,
    "digests": _IMAGE,
    "exports": _FILE,
    "imports": _FILE,
    "key_sources": f"when a target publishes it, or {_FACTS}",
    "pinned": "when it is pulled",
    "previous": "when it is published, or with --previous, which takes `none` for a first version",
    "registry": "name its registry with --registry",
    "signers": _FILE,
    "size": _FILE,
    "statements": _IMAGE,
    "tags": "name its tag with --tag",
    "version": _FILE,
    "worlds": _FACTS,
}
"""Where a fact comes from, for who decides by hand."""

BUILD: tuple[Stage, ...] = ("build",)
PULL: tuple[Stage, ...] = ("pull",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a rule does not accept, or that could not be judged."""

    check: str
    """A name of `CheckName`, or `no_rule`."""
    kind: Literal["refused", "unknown", "not_judged"]
    """`unknown`: the fact is not known, which denies. `not_judged`: nor is it, but only a later step can know it."""
    what: str
    """In one sentence, with the value."""
    fact: str
    """The member of the subject."""
    change: str
    """The least that would change the decision, as an imperative."""


class Check(Protocol):
    """One small check. It is pure, and its findings depend on nothing but the subject."""

    @property
    def name(self) -> str: ...

    def check(self, subject: Subject) -> Iterable[Finding]: ...


def unknown(subject: Subject, check: str, fact: str, words: str, *, later: Iterable[Stage] = ()) -> tuple[Finding, ...]:
    """Returns the finding for a fact that is not known: it denies, unless this is one of the steps that leave it to another.

    `words` are the fact with its verb, such as "its size is".
    """
    kind: Literal["unknown", "not_judged"] = "not_judged" if subject.at in later else "unknown"
    change = f"check it where that is known: {_SOURCES[fact]}"
    return (Finding(check=check, kind=kind, what=f"{words} not known", fact=fact, change=change),)


def refused(check: str, fact: str, what: str, change: str) -> tuple[Finding, ...]:
    return (Finding(check=check, kind="refused", what=what, fact=fact, change=change),)


def listed(names: Iterable[object], join: str = ", ") -> str:
    """Returns names for a message, the first few of many."""
    texts = [str(name) for name in names]
    shown = join.join(texts[:_SHOWN])
    return f"{shown} and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else shown
