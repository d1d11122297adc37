"""Names of imports and exports, and what they reach.

A name of a component is an interface (`wasi:http/types@0.2.3`) or a plain name (`storage`); one of a core module is `module/name`.
Any other form is unknown, and never allowed (component-model, design/mvp/Explainer.md, "Import and Export Definitions").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from wasm_oci.policy import preview1
from wasm_oci.policy.names import Glob
from wasm_oci.policy.versions import VersionRange

_REMEMBERED = 4096
_MOST_PARTS = 16
"""Of a name of a core module: each part may end the name of the module."""
_WORD = r"(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)"
_LABEL = rf"{_WORD}(?:-(?:[0-9a-z]+|[0-9A-Z]+))*"
_INTERFACE = re.compile(rf"{_LABEL}(?::{_LABEL})+(?:/{_LABEL})+(?:@[0-9A-Za-z.+-]+)?", re.ASCII)
_PLAIN = re.compile(rf"(?:\[[a-z][a-z0-9-]*(?: [a-z]+)?\])?{_LABEL}(?:\.{_LABEL})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import, or export, of a component or a core module."""

    name: str
    """As it is written; of a core module `module/name`."""
    interface: str = ""
    """What it implements, where that is another name, with the whole version."""
    core: bool = False
    """Whether a core module imports it."""
    inside: str = ""
    """Where the importing module or component is nested, such as `0/2`; empty for the file's own."""

    @property
    def reached(self) -> str:
        """The interface with its version."""
        return self.interface or self.name

    def __str__(self) -> str:
        words = self.name if self.reached == self.name else f"{self.name} ({self.interface})"
        module = "core module" if self.core else "component"
        return f"{words}, which the nested {module} {self.inside} imports" if self.inside else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """Which interfaces a rule names: a pattern, and a range of versions."""

    pattern: Glob
    versions: VersionRange = field(default_factory=VersionRange)

    def holds(self, item: Import) -> bool:
        """Returns whether an own import is surely one of these."""
        name, version = split_name(item.reached)
        return self.pattern.matches(name) and self.versions.holds(version)

    def meets(self, item: Import) -> bool:
        """Returns whether an import may reach one of these."""
        for name, version, wide in reaches(item):
            if (self.pattern.matches(name) or (wide and _overlaps(name, self.pattern))) and self.versions.meets(version):
                return True
        return False

    def __str__(self) -> str:
        return f"{self.pattern} {self.versions}".rstrip()


def make_interface(pattern: str, versions: VersionRange | None = None) -> Interface:
    """Returns what a rule names; a package alone, such as `wasi:http`, stands for its interfaces."""
    is_package = ":" in pattern and "/" not in pattern and not pattern.endswith("*")
    return Interface(pattern=Glob(f"{pattern}/*" if is_package else pattern), versions=versions or VersionRange())


def split_name(name: str) -> tuple[str, str]:
    """Returns a name without its version, and the version."""
    before, _, version = name.partition("@")
    return before, version


def is_known(item: Import) -> bool:
    """Returns whether the form of an import's name is known. Those of core modules have no form, but few slashes."""
    if item.core:
        return item.name.count("/") < _MOST_PARTS
    return _has_form(item.name) and (not item.interface or _has_form(item.interface))


@lru_cache(maxsize=_REMEMBERED)
def _has_form(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name) or _INTERFACE.fullmatch(name))


def reaches(item: Import) -> tuple[tuple[str, str, bool], ...]:
    """Returns every interface that an import may reach: its name, its version, and whether the name is a pattern itself."""
    return _reached(item.name) if item.core else _named(item.name, item.interface)


@lru_cache(maxsize=_REMEMBERED)
def _named(name: str, interface: str) -> tuple[tuple[str, str, bool], ...]:
    return tuple((*split_name(each), False) for each in dict.fromkeys(filter(None, (interface, name))))


@lru_cache(maxsize=_REMEMBERED)
def _reached(name: str) -> tuple[tuple[str, str, bool], ...]:
    """Of an import of a core module; where the module of `module/name` ends is not sure, if either has a slash."""
    module, _, function = name.partition("/")
    if module in preview1.MODULES:
        return ((name, "", False), *((each, "", "*" in each) for each in preview1.interfaces_of(function)))
    parts = name.split("/")
    if len(parts) > _MOST_PARTS:
        return ((*split_name(name), False),)
    return tuple((*split_name("/".join(parts[:count])), False) for count in range(len(parts), 0, -1))


def _overlaps(wide: str, pattern: Glob) -> bool:
    """Whether a name may be meant by both patterns; `wide` ends with its only star."""
    stem, start = wide.removesuffix("*"), re.split(r"[*?]", pattern.text)[0]
    return start.startswith(stem) or stem.startswith(start)


def capabilities(items: Iterable[Import]) -> dict[str, Import]:
    """Returns what a component can reach, without versions, each with an import that reaches it.

    Those are its own imports, the interfaces that nested components and modules import, and what functions of WASI preview 1 stand
    for; how nested modules are connected with each other is left out.
    """
    found: dict[str, Import] = {}
    for item in items:
        for name, _, _ in reaches(item):
            interface = _INTERFACE.fullmatch(name) is not None or name == preview1.ANYTHING
            if interface or not item.inside:
                found.setdefault(name, item)
    return found
