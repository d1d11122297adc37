"""The worlds that a component targets, by the names and versions of what it imports and exports.

A component targets a world if it imports nothing but what the world offers, and exports all that the world asks for
(component-model, design/mvp/WIT.md, "WIT Worlds"). Known are the worlds of WASI 0.2 (WebAssembly/WASI, wasip2), whose interfaces have one
version; an import of an earlier version of the series finds its interface too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wasm_oci.policy.capability_checks import WorldCheck
from wasm_oci.policy.interfaces import Import, split_name
from wasm_oci.policy.model import Policy
from wasm_oci.policy.subject import Subject
from wasm_oci.policy.versions import Version, find_version

_IO = ("wasi:io/error", "wasi:io/poll", "wasi:io/streams")
_STDIO = ("wasi:cli/stdin", "wasi:cli/stdout", "wasi:cli/stderr")
_CLOCKS = ("wasi:clocks/monotonic-clock", "wasi:clocks/wall-clock")
_TERMINAL = tuple(f"wasi:cli/terminal-{name}" for name in ("input", "output", "stdin", "stdout", "stderr"))
_RANDOM = ("wasi:random/random", "wasi:random/insecure", "wasi:random/insecure-seed")
_NETWORK = ("instance-network", "network", "udp", "udp-create-socket", "tcp", "tcp-create-socket", "ip-name-lookup")
_FILES = ("wasi:filesystem/types", "wasi:filesystem/preopens")


@dataclass(frozen=True, slots=True)
class _World:
    offers: tuple[str, ...]
    asks: tuple[str, ...] = ()


_CLI = (*_IO, *_STDIO, *_CLOCKS, *_TERMINAL, *_RANDOM, *_FILES, "wasi:cli/environment", "wasi:cli/exit")
_SOCKETS = tuple(f"wasi:sockets/{name}" for name in _NETWORK)
_HTTP = ("wasi:http/types", "wasi:http/outgoing-handler", *_IO, *_STDIO, *_CLOCKS, "wasi:random/random")
_WORLDS: Mapping[str, _World] = {
    "wasi:cli/imports": _World((*_CLI, *_SOCKETS)),
    "wasi:cli/command": _World((*_CLI, *_SOCKETS), ("wasi:cli/run",)),
    "wasi:http/imports": _World(_HTTP),
    "wasi:http/proxy": _World(_HTTP, ("wasi:http/incoming-handler",)),
}
_SERIES = (0, 2, 0)


def with_worlds(policy: Policy, subject: Subject) -> Subject:
    """Returns a subject with those of a policy's worlds that it targets, where none is known otherwise and its imports are.

    They are not known where nothing says what any of these worlds is.
    """
    if subject.worlds is not None or subject.imports is None or subject.exports is None or subject.unlisted:
        return subject
    asked = {
        name for rule in policy.rules for check in rule.checks.get("worlds", ()) if isinstance(check, WorldCheck) for name in check.worlds
    }
    known = [name for name in sorted(asked) if _definition(name)]
    if not known:
        return subject
    return replace(subject, worlds=tuple(name for name in known if _targets(name, subject.imports, subject.exports)))


def _definition(world: str) -> tuple[_World, Version] | None:
    name, text = split_name(world)
    found, version = _WORLDS.get(name), find_version(text)
    return (found, version) if found and version and version.major == _SERIES else None


def _targets(name: str, imports: Iterable[Import], exports: Iterable[Import]) -> bool:
    definition = _definition(name)
    if definition is None:
        return False
    world, version = definition
    own = [_reached(item) for item in imports if not item.inside]
    offered = all(each[0] in world.offers and each[1] is not None and each[1].key <= version.key for each in own)
    given = {each[0] for each in map(_reached, exports) if each[1] is not None}
    return offered and given.issuperset(world.asks)


def _reached(item: Import) -> tuple[str, Version | None]:
    """The interface that an import or export is, and its version if that is of the series."""
    name, text = split_name(item.reached)
    version = find_version(text)
    return name, version if version and version.major == _SERIES and not item.core else None
