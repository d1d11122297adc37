"""Patterns of names, and names of registries.

In a pattern `*` stands for any characters, `/` too, and `?` for one; all else stands for itself. Matching takes time in proportion to
the product of the lengths.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.http.host import check_host, is_loopback, split_host

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SEGMENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
"""One of the segments of a repository's name (distribution specification, "Pulling manifests")."""
_PRINTED = re.compile(r"[!-~]{1,255}")
_PATH = re.compile(r"[a-z0-9._-]+(?:/[a-z0-9._-]+)*")
"""Of the signs that repositories have (distribution specification 1.1, "Pulling manifests")."""
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_PORTS = (80, 443)
_THIS_MACHINE = "localhost"


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, compiled when it is first compared: of many rules, few are for one component."""

    text: str
    _matcher: Callable[[str], object] | None = field(default=None, init=False, compare=False, repr=False)

    def matches(self, name: str) -> bool:
        matcher = self._matcher
        if matcher is None:
            matcher = _compiled(self.text).fullmatch if "*" in self.text or "?" in self.text else self.text.__eq__
            object.__setattr__(self, "_matcher", matcher)
        return bool(matcher(name))

    def __str__(self) -> str:
        return self.text


def _compiled(text: str) -> re.Pattern[str]:
    """Each star but the last takes as little as it can, for good: where that fails, more would fail too."""
    first, *rest = re.split(r"\*+", text)
    middle = "".join(f"(?>.*?{_literal(part)})" for part in rest[:-1])
    return re.compile(_literal(first) + middle + (f".*{_literal(rest[-1])}" if rest else ""), re.DOTALL)


def _literal(text: str) -> str:
    return re.escape(text).replace(r"\?", ".")


def check_pattern(text: str, *, where: str) -> str:
    """Returns a pattern of names; raises FormatError for one that can match nothing."""
    if not _PRINTED.fullmatch(text):
        what = f"{text[:80]!r} is not a pattern"
        raise FormatError(what, where=where, hint="write 1 to 255 ASCII characters without spaces; * stands for any characters")
    return text


def check_component_pattern(text: str, *, where: str) -> str:
    """Returns a pattern of components or namespaces; raises FormatError for one that can match none, such as one with a tag."""
    check_pattern(text, where=where)
    if not _PATH.fullmatch(text.replace("*", "_").replace("?", "_")):
        what = f"no component matches {text[:80]!r}"
        lower = text.lower()
        hint = "write a name as in my-org/prod-*, without scheme, port, tag and digest; `registries` and `tags` say where and as what"
        if lower != text and _PATH.fullmatch(lower.replace("*", "_").replace("?", "_")):
            hint = f"names are in lower case: write {lower}"
        raise FormatError(what, where=where, hint=hint)
    return text


def matches_component(pattern: Glob, name: str, path: str) -> bool:
    """Returns whether a pattern matches a component: one with `/` its namespace and name, any other its name."""
    return pattern.matches(path if "/" in pattern.text else name)


@dataclass(frozen=True, slots=True)
class RegistryName:
    """How a rule names a registry: by the name of an entry, or by host, with or without a prefix."""

    text: str
    host: str = ""
    """Comparable; empty where the text can only be an entry's name."""
    prefix: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    @property
    def is_entry(self) -> bool:
        """Whether only the name of an entry can be meant."""
        return not self.host and self.text != "*"

    def matches(self, entry: str | None, host: str, path: tuple[str, ...]) -> bool:
        """Returns whether a registry is meant. `host` is comparable, `path` all that follows it in a reference.

        A text that is a host is never the name of an entry, which whoever publishes may call as they like; but `localhost` is also an
        entry of that name that is on this machine, at any port.
        """
        if not self.host:
            return self.text in ("*", entry)
        if self.text == entry == _THIS_MACHINE and is_loopback(host):
            return True
        return self.host == host and path[: len(self.prefix)] == self.prefix


def parse_registry_name(text: str, *, where: str) -> RegistryName:
    """Raises FormatError for what is neither `*`, the name of an entry, nor a host with or without a prefix that a repository can have."""
    host, *prefix = text.split("/")
    looks_like_host = "." in host or ":" in host or host == _THIS_MACHINE
    if looks_like_host and all(prefix):
        try:
            found = RegistryName(text, comparable_host(check_host(host)), tuple(prefix))
        except UsageError as err:
            raise FormatError(err.what, where=where, hint=err.hint) from err
        if wrong := next((segment for segment in prefix if not _SEGMENT.fullmatch(segment)), None):
            what = f"no repository of {host[:80]} begins with {'/'.join(prefix)[:80]!r}"
            raise FormatError(what, where=where, hint=f"write {wrong[:80]!r} as the registry has it: in lower case, and without * and ?")
        return found
    if text != "*" and not _NAME.fullmatch(text):
        what = f"{text[:80]!r} is not a registry"
        raise FormatError(what, where=where, hint="write the name of an entry, or a host such as ghcr.io or ghcr.io/my-org")
    return RegistryName(text)


@lru_cache(maxsize=1024)
def comparable_host(host: str) -> str:
    """Returns a host so that two names of one registry are equal: case, IPv6 forms, ports of HTTP and HTTPS, Docker Hub's names."""
    name, port = split_host(host.removeprefix("https://").removeprefix("http://").lower())
    if ":" in name:
        with suppress(ValueError):
            name = f"[{ipaddress.ip_address(name).compressed}]"
    if name in _DOCKER_HUB:
        return _DOCKER_HUB[0]
    return name if port is None or port in _PORTS else f"{name}:{port}"
