"""Where an artifact goes, as a policy sees it: its registry by each of its names, its namespace and its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from wasm_oci.http.host import allows_plain_http, is_loopback
from wasm_oci.oci.reference import Reference
from wasm_oci.policy.subject import Registry
from wasm_oci.policy_facts.registry_facts import entries_of, nearest, registry_of_reference
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.resolve import NamedRepository, entry_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository under one of the names of its registry."""

    registry: Registry
    namespace: str
    name: str


def places_of(repository: NamedRepository | Reference, plain_http: Collection[str]) -> tuple[Place, ...]:
    """Returns a repository to publish to once for each entry that is its registry: it must be allowed under every name.

    Those are the entry that was named, and the entries of its host whose prefix is the longest before its path.
    """
    if isinstance(repository, Reference):
        return (_place(registry_of_reference(repository.registry, plain_http), repository.repository),)
    named = entry_of(repository)
    if named.path:
        return (_place(Registry(name=named.name, plain_http=False, loopback=True), repository.name),)
    path = "/".join(filter(None, (named.prefix, repository.name)))
    wanted = repository.registry or repository.default_registry
    return tuple(_places(named.host, path, repository.registries, wanted, is_plain(named, plain_http)))


def places_to_read(reference: Reference, entries: Sequence[RegistryEntry], wanted: str, plain_http: Collection[str]) -> tuple[Place, ...]:
    """Returns the same of a repository to read from; without entries, which entry it has is not known.

    `wanted` is the name of the entry by which a user named it, if it was one.
    """
    if not entries:
        return places_of(reference, plain_http)
    named = next((entry for entry in entries if entry.name == wanted), None)
    plain = is_plain(named, plain_http) if named else allows_plain_http(reference.registry, plain_http)
    return tuple(_places(reference.registry, reference.repository, entries, wanted, plain))


def is_plain(entry: RegistryEntry, plain_http: Collection[str]) -> bool:
    """Returns whether a registry is reached without TLS."""
    return entry.scheme == "http" or (not entry.scheme and allows_plain_http(entry.host, plain_http))


def _places(host: str, path: str, entries: Sequence[RegistryEntry], wanted: str, plain_http: bool) -> Iterator[Place]:
    for name, prefix in dict.fromkeys(_names(host, path, entries, wanted)) or (("", ""),):
        registry = Registry(name=name, host=host, prefix=prefix, plain_http=plain_http, loopback=is_loopback(host))
        yield _place(registry, path.removeprefix(prefix).removeprefix("/"))


def _names(host: str, path: str, entries: Sequence[RegistryEntry], wanted: str) -> Iterator[tuple[str, str]]:
    """Yields names and prefixes of the entries that a repository is in."""
    fitting = entries_of((entry for entry in entries if not entry.mirror_of), host, path)
    yield from ((entry.name, entry.prefix) for entry in fitting if entry.name == wanted)
    yield from ((entry.name, entry.prefix) for entry in nearest(fitting))


def _place(registry: Registry, path: str) -> Place:
    namespace, _, name = path.rpartition("/")
    return Place(registry=registry, namespace=namespace, name=name)
