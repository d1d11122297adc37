"""What is read from a registry: found by the entries of a configuration, with the mirrors and the cache that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wasm_oci.errors import UsageError
from wasm_oci.oci.reference import Reference, has_registry
from wasm_oci.oci.target import Target, layout_target
from wasm_oci.publish.registries import RegistryEntry, registry_client, registry_store
from wasm_oci.publish.resolve import NamedRepository, parse_reference
from wasm_oci.reading.content_cache import ContentCache
from wasm_oci.reading.source_store import Mirror, SourceStore
from wasm_oci.registry.credentials import AuthSetting
from wasm_oci.registry_config.machine_folder import machine_folder
from wasm_oci.wording import did_you_mean, shown_value

if TYPE_CHECKING:
    from wasm_oci.http.transport import Transport
    from wasm_oci.publish.request import RegistriesFile
    from wasm_oci.releases.promote_request import PromoteRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """What a configuration says of registries that are read from."""

    registries: tuple[RegistryEntry, ...] = ()
    credential_files: tuple[str, ...] = ()
    mirrors: bool = False
    """Whether the mirrors among the entries are used."""
    cache_dir: str = ""
    """As `machine_folder` takes it; empty: nothing is kept."""
    plain_http: frozenset[str] = frozenset()
    published_to: str = ""
    """Host of the registry that the same run writes to: a credential that names no host is for that one. Empty where there is none."""
    timeout: int | None = None
    """Longest silence of a registry in seconds; None for `LIMITS.read_timeout`."""
    audit_log: str = ""
    """The folder of the log of what is published, as `machine_folder` takes it; empty for none."""

    @staticmethod
    def of(said: RegistriesFile | PromoteRequest) -> SourceSettings:
        """Returns what a file of registries, or the request of a promotion, says."""
        return SourceSettings(
            registries=said.registries,
            credential_files=said.credential_files,
            mirrors=said.enable_mirror_fallback,
            cache_dir=said.cache_dir,
            plain_http=said.plain_http,
            timeout=said.timeout_seconds,
            audit_log=said.audit_log,
        )


NO_SETTINGS = SourceSettings()


def read_source_settings(config: Path | None) -> SourceSettings:
    """Returns what a file says that people write, if there is one; raises what `read_registry_config` raises."""
    if config is None:
        return NO_SETTINGS
    from wasm_oci.publish.request import read_registry_config  # and all that requests of targets are made of

    return SourceSettings.of(read_registry_config(config))


class Source(Protocol):
    """What a promotion, an archive or a pull reads."""

    @property
    def tag(self) -> str:
        """The tag that it is known to have, beside one that it is named by; empty for none."""

    @property
    def plain_http(self) -> frozenset[str]:
        """Hosts that may be reached without TLS, beside those of the settings."""

    @property
    def ca_files(self) -> tuple[str, ...]:
        """A `host[:port]=FILE` for each host with authorities of its own, beside those of the settings."""

    def open(self, settings: SourceSettings, *, transport: Transport, environ: Mapping[str, str]) -> Target:
        """Raises UsageError where it names nothing that can be read, and NotFoundError where that is found out here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSource:
    """A source as a user wrote it; see `open_source`."""

    text: str
    tag: str = ""
    plain_http: frozenset[str] = frozenset()
    ca_files: tuple[str, ...] = ()

    def open(self, settings: SourceSettings, *, transport: Transport, environ: Mapping[str, str]) -> Target:
        return open_source(self.text, settings, transport=transport, environ=environ)


def open_source(text: str, settings: SourceSettings, *, transport: Transport, environ: Mapping[str, str]) -> Target:
    """Returns what `text` names to read.

    That is a reference, one that begins with an entry's name, or what is a layout by its form (see `layout_target`). Its credential is that
    of the entry that it, or its host, names. Raises UsageError for a text that is none of these, or one with neither tag nor digest.
    """
    if layout := layout_target(text):
        return layout
    reference, entry = named_reference(text, settings)
    wanted = reference.digest or reference.tag
    if wanted is None:
        raise UsageError(f"{text} names neither tag nor digest", hint=f"write {text}:TAG or {text}@sha256:…")
    store = source_store(reference, entry, settings, transport=transport, environ=environ)
    return Target(store=store, wanted=wanted, pinned=reference.digest is not None)


def named_reference(text: str, settings: SourceSettings) -> tuple[Reference, RegistryEntry | None]:
    """Returns the reference that `text` is, or stands for where it begins with the name of an entry, and the entry that it is of, if any.

    Raises UsageError for a text that is neither.
    """
    name, _, rest = text.partition("/")
    if rest and (named := next((entry for entry in _readable(settings) if entry.name == name), None)):
        return Reference.parse("/".join(filter(None, (named.host, named.prefix, rest))), where=text), named
    _check_entry(name, settings)
    reference = parse_reference(text)
    return reference, nearest_entry(reference, settings)


def place_of(reference: Reference, entry: RegistryEntry | None, settings: SourceSettings) -> NamedRepository:
    """Returns a repository to publish to, by the name of its entry where it is below the prefix of one, else by its host."""
    named, repository = reference.registry, reference.repository
    if entry and _holds(entry, reference):
        named, repository = entry.name, repository.removeprefix(f"{entry.prefix}/")
    files = settings.credential_files
    return NamedRepository(registries=settings.registries, registry=named, namespace="", repository=repository, credential_files=files)


def access_of(reference: Reference, entry: RegistryEntry | None, settings: SourceSettings) -> tuple[AuthSetting, str]:
    """Returns how a repository is logged in to, and by which scheme, as an entry says or without one."""
    auth = entry.auth if entry else AuthSetting(entry=reference.registry)
    return replace(auth, files=settings.credential_files), entry.scheme if entry else ""


def _check_entry(name: str, settings: SourceSettings) -> None:
    """Raises UsageError for what is not a host, and so was meant as the name of an entry, where there are any."""
    names = [entry.name for entry in _readable(settings)]
    if not names or has_registry(f"{name}/"):
        return
    mirrored = next((entry.mirror_of for entry in settings.registries if entry.mirror_of and entry.name == name), "")
    if mirrored:
        raise UsageError(f"{name!r} is a mirror, which is not read by its name", hint=f"write {mirrored}, the registry that it is of")
    hint = did_you_mean(name, names) or f"write one of {', '.join(names)}, or a host"
    raise UsageError(f"{shown_value(name)} is neither a registry of the configuration nor a host", hint=hint)


def source_store(
    reference: Reference, entry: RegistryEntry | None, settings: SourceSettings, *, transport: Transport, environ: Mapping[str, str]
) -> SourceStore:
    """Returns the repository of a reference to read from, as an entry of its host reaches it, or without one."""
    auth, scheme = access_of(reference, entry, settings)
    if settings.published_to not in ("", reference.registry):
        auth = auth.without_variables_of_wkg()
    client = registry_client(reference, transport=transport, environ=environ, auth=auth, scheme=scheme)
    mirrors = tuple(_mirrors(reference, entry, settings, transport, environ)) if entry and settings.mirrors else ()
    folder = machine_folder(settings.cache_dir, environ, member="cache_dir") if settings.cache_dir else None
    cache = transport.shared((ContentCache, folder), lambda: ContentCache(folder)) if folder else None
    return SourceStore(client, mirrors=mirrors, cache=cache)


def _mirrors(
    reference: Reference, entry: RegistryEntry, settings: SourceSettings, transport: Transport, environ: Mapping[str, str]
) -> Iterator[Mirror]:
    """Yields the mirrors of an entry, where they have a repository: what follows the prefix of the entry follows that of the mirror."""
    if not _holds(entry, reference):
        return
    name = reference.repository.removeprefix(entry.prefix).removeprefix("/")
    for mirror in settings.registries:
        if mirror.mirror_of == entry.name:
            place = Reference.parse("/".join(filter(None, (mirror.host, mirror.prefix, name))), where=f"registry {mirror.name}")
            auth = replace(mirror.auth, files=settings.credential_files).without_variables_of_wkg()
            opened = partial(registry_store, place, transport=transport, environ=environ, auth=auth, scheme=mirror.scheme)
            yield Mirror(name=place.name, open=opened)


def _readable(settings: SourceSettings) -> Iterator[RegistryEntry]:
    return (entry for entry in settings.registries if entry.type == "oci")


def _holds(entry: RegistryEntry, reference: Reference) -> bool:
    return not entry.prefix or reference.repository.startswith(f"{entry.prefix}/")


def nearest_entry(reference: Reference, settings: SourceSettings) -> RegistryEntry | None:
    """Returns the entry of a host with the longest prefix that a reference has, else the first of its host."""
    known = [entry for entry in _readable(settings) if entry.host == reference.registry]
    return max(known, key=lambda entry: len(entry.prefix) if _holds(entry, reference) else -1, default=None)
