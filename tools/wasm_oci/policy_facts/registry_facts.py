"""The registries that a user names for a decision: by entry of a list, or by host with or without a prefix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from wasm_oci.errors import UsageError
from wasm_oci.http.host import allows_plain_http, check_host, is_loopback
from wasm_oci.policy.names import comparable_host, parse_registry_name
from wasm_oci.policy.subject import Registry
from wasm_oci.registry_config.config_file import RegistryConfig
from wasm_oci.wording import did_you_mean


class RegistryPlace(Protocol):
    """An entry of a list of registries, as far as it says where it is."""

    @property
    def host(self) -> str: ...

    @property
    def prefix(self) -> str: ...


AnyEntry = TypeVar("AnyEntry", bound=RegistryPlace)


def registry_of_reference(host: str, plain_http: Collection[str]) -> Registry:
    """Returns the registry of a reference; which entry it has is not known."""
    return Registry(host=host, plain_http=allows_plain_http(host, plain_http), loopback=is_loopback(host))


def with_entry(registry: Registry, path: str, config: RegistryConfig) -> Registry:
    """Returns a registry that was found by its host with the name of its entry in a list, that of the longest prefix.

    Raises UsageError where two entries are the same place, so that either name may be meant.
    """
    names = [entry.name for entry in nearest(entries_of(config.entries, registry.host, path))]
    if len(names) > 1:
        raise UsageError(f"{', '.join(names)} are the same registry", where=registry.host, hint="give one of them with --registry")
    return replace(registry, name=names[0] if names else "")


def entries_of(entries: Iterable[AnyEntry], host: str, path: str) -> list[AnyEntry]:
    """Returns the entries of a host whose prefix a path of repositories has."""
    wanted = comparable_host(host)
    own = [entry for entry in entries if entry.host and comparable_host(entry.host) == wanted]
    return [entry for entry in own if not entry.prefix or f"{path}/".startswith(f"{entry.prefix}/")]


def nearest(entries: Sequence[AnyEntry]) -> list[AnyEntry]:
    """Returns those with the longest prefix."""
    longest = max((len(entry.prefix) for entry in entries), default=0)
    return [entry for entry in entries if len(entry.prefix) == longest]


def named_registry(text: str, config: RegistryConfig | None, plain_http: Collection[str], *, where: str = "--registry") -> Registry:
    """Returns the registry of an entry's name, or of a host with or without a prefix.

    Raises UsageError for a name that the list does not have; without a list, a name stays a name. FormatError for neither.
    """
    if config is not None:
        for entry in config.entries:
            if entry.name == text:
                return _of_entry(entry.name, entry.host, entry.prefix, [*plain_http, *config.file.plain_http])
    name = parse_registry_name(text, where=where)
    host, _, prefix = text.partition("/")
    if name.host:
        found = _of_entry(None, check_host(host, where=where), prefix, plain_http)
        return found if config is None else with_entry(found, prefix, config)
    if config is not None or text == "*":
        known = [entry.name for entry in config.entries] if config else []
        hint = did_you_mean(text, known) or (f"the entries are {', '.join(known)}" if known else "name one registry")
        raise UsageError(f"unknown registry {text[:80]!r}", where=where, hint=hint)
    return Registry(name=text)


def _of_entry(name: str | None, host: str, prefix: str, plain_http: Collection[str]) -> Registry:
    """A host may begin with a scheme, and an entry without one is a layout folder."""
    bare = host.removeprefix("https://").removeprefix("http://")
    if not bare:
        return Registry(name=name, plain_http=False, loopback=True)
    plain = host.startswith("http://") or (not host.startswith("https://") and allows_plain_http(bare, plain_http))
    return Registry(name=name, host=bare, prefix=prefix, plain_http=plain, loopback=is_loopback(bare))
