"""The registries that a user names for a decision: by entry of a list, or by host with or without a prefix."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from wasm_oci.errors import UsageError
from wasm_oci.http.host import allows_plain_http, check_host, is_loopback
from wasm_oci.policy.names import comparable_host, parse_registry_name
from wasm_oci.policy.subject import Registry
from wasm_oci.registry_config.config_file import RegistryConfig
from wasm_oci.wording import did_you_mean


def registry_of_reference(host: str, plain_http: Collection[str]) -> Registry:
    """Returns the registry of a reference; which entry it has is not known."""
    return Registry(host=host, plain_http=allows_plain_http(host, plain_http), loopback=is_loopback(host))


def with_entry(registry: Registry, path: str, config: RegistryConfig) -> Registry:
    """Returns a registry that was found by its host with the name of its entry in a list, that of the longest prefix.

    Raises UsageError where two entries are the same place, so that either name may be meant.
    """
    host = comparable_host(registry.host)
    fitting = [each for each in config.entries if each.host and comparable_host(each.host) == host and _begins(path, each.prefix)]
    longest = max((len(each.prefix) for each in fitting), default=0)
    names = [each.name for each in fitting if len(each.prefix) == longest]
    if len(names) > 1:
        raise UsageError(f"{', '.join(names)} are the same registry", where=registry.host, hint="give one of them with --registry")
    return replace(registry, name=names[0] if names else "")


def _begins(path: str, prefix: str) -> bool:
    return not prefix or f"{path}/".startswith(f"{prefix}/")


def named_registry(text: str, config: RegistryConfig | None, plain_http: Collection[str]) -> Registry:
    """Returns the registry of an entry's name, or of a host with or without a prefix.

    Raises UsageError for a name that the list does not have; without a list, a name stays a name. FormatError for neither.
    """
    if config is not None:
        for entry in config.entries:
            if entry.name == text:
                return _of_entry(entry.name, entry.host, entry.prefix, [*plain_http, *config.file.plain_http])
    name = parse_registry_name(text, where="--registry")
    host, _, prefix = text.partition("/")
    if name.host:
        found = _of_entry(None, check_host(host, where="--registry"), prefix, plain_http)
        return found if config is None else with_entry(found, prefix, config)
    if config is not None or text == "*":
        known = [entry.name for entry in config.entries] if config else []
        hint = did_you_mean(text, known) or (f"the entries are {', '.join(known)}" if known else "name one registry")
        raise UsageError(f"unknown registry {text[:80]!r}", where="--registry", hint=hint)
    return Registry(name=text)


def _of_entry(name: str | None, host: str, prefix: str, plain_http: Collection[str]) -> Registry:
    """A host may begin with a scheme, and an entry without one is a layout folder."""
    bare = host.removeprefix("https://").removeprefix("http://")
    if not bare:
        return Registry(name=name, plain_http=False, loopback=True)
    plain = host.startswith("http://") or (not host.startswith("https://") and allows_plain_http(bare, plain_http))
    return Registry(name=name, host=bare, prefix=prefix, plain_http=plain, loopback=is_loopback(bare))
