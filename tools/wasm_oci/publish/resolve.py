"""Turns names into stores: registries and references into repositories, and what a user wants to read into a target."""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import file_type
from wasm_oci.http.host import check_host
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.signing_keys import SigningKey
from wasm_oci.limits import LIMITS, with_timeout
from wasm_oci.oci.reference import Reference, has_registry
from wasm_oci.oci.store import Store
from wasm_oci.publish.registries import RegistryEntry, choose_registry, registry_store
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import CredentialLookup


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRepository:
    """A repository whose registry is named by its entry or by its host."""

    registries: tuple[RegistryEntry, ...]
    registry: str
    """Empty for the default."""
    default_registry: str = ""
    where: str = ""
    """What named the registry, for messages: an option or a target."""
    credential_files: tuple[str, ...] = ()
    """Further files as `docker login` writes them."""
    namespace: str
    repository: str

    @property
    def name(self) -> str:
        """Namespace and repository, without what the registry's entry puts before them."""
        return "/".join(filter(None, (self.namespace, self.repository)))


def require_variables(places: Iterable[NamedRepository | Reference], keys: Iterable[SigningKey], environ: Mapping[str, str]) -> None:
    """Raises UsageError where several variables of the environment are missing, and names all; a single one is said where it is read."""
    missing: dict[str, str] = {}
    for place in places:
        if isinstance(place, NamedRepository):
            missing |= {name: what for name, what in entry_of(place).auth.missing(environ).items() if name not in missing}
    for key in keys:
        if key.source.kind == "env" and not environ.get(key.source.ref):
            missing.setdefault(key.source.ref, "a signing key")
    if len(missing) > 1:
        *others, last = (f"{name} ({what})" for name, what in missing.items())
        raise UsageError(f"environment variables {', '.join(others)} and {last} are not set", hint="set them and run again")


def make_transport(plain_http: Collection[str] = (), timeout: float | None = None, ca_files: Iterable[str] = ()) -> Transport:
    """Returns the transport of a run of a program.

    `plain_http` names the hosts that may be reached without TLS, `timeout` is the longest silence of a registry in seconds, and
    `ca_files` has a `host[:port]=FILE` of certificate authorities for each host that has its own. Raises UsageError for an invalid one.
    """
    return Transport(plain_http=plain_http, limits=with_timeout(LIMITS, timeout), ca_files=dict(ca_file(text) for text in ca_files))


def ca_options(configured: Iterable[str], given: Sequence[str]) -> list[str]:
    """Returns the `host[:port]=FILE` texts of a configuration and of the command line, which wins at each host that it names."""
    named = {text.partition("=")[0].lower() for text in given}

    def is_named(text: str) -> bool:
        host = text.partition("=")[0].lower()
        return host in named or host.rpartition(":")[0] in named

    return [*(text for text in configured if not is_named(text)), *given]


def ca_file(text: str) -> tuple[str, str]:
    """Returns host and file of a `host[:port]=FILE`; raises UsageError for what is not one, or a file that does not exist."""
    host, equals, path = text.partition("=")
    if not (equals and path):
        raise UsageError(f"{text[:100]!r} names no host and file", where="--ca-file", hint="write HOST=FILE or HOST:PORT=FILE")
    if file_type(Path(path), what="certificate file") != stat.S_IFREG:
        raise UsageError("the certificate file does not exist", where=path, hint="correct --ca-file")
    return check_host(host, where="--ca-file"), path


def plain_http_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """Returns the hosts that a command line names as reachable without TLS; raises UsageError for what is not `host[:port]`."""
    return frozenset(check_host(host, where="--plain-http") for host in hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A store to publish to."""

    store: Store
    missing: UsageError | None = None
    """Why there is no credential, though the registry's entry names one; then it must not be asked anything."""


def open_destination(
    place: NamedRepository | Reference, *, transport: Transport, environ: Mapping[str, str], tolerant: bool = False
) -> Destination:
    """Returns where to publish.

    Raises UsageError for an unknown registry or a name that it refuses and, unless this is `tolerant`, for a credential that is missing.
    """
    try:
        return Destination(store=_destination_store(place, transport, environ))
    except UsageError as err:
        if not tolerant:
            raise
        return Destination(store=_destination_store(place, transport, environ, lookup=_fails(err)), missing=err)


def _fails(error: UsageError) -> CredentialLookup:
    def lookup() -> Credential:
        raise error

    return lookup


def _destination_store(
    place: NamedRepository | Reference, transport: Transport, environ: Mapping[str, str], *, lookup: CredentialLookup | None = None
) -> Store:
    if isinstance(place, Reference):
        return registry_store(place, transport=transport, environ=environ, actions="pull,push", lookup=lookup)
    return entry_of(place).store(place.namespace, place.repository, transport=transport, environ=environ, lookup=lookup)


def entry_of(place: NamedRepository) -> RegistryEntry:
    """Returns the registry's entry, or one made of a host; raises UsageError for a name that is neither."""
    default = choose_registry(place.registries, place.default_registry, where=place.where).name if place.default_registry else ""
    entry = choose_registry(place.registries, place.registry, default, where=place.where)
    return replace(entry, auth=replace(entry.auth, files=place.credential_files))


def parse_reference(text: str) -> Reference:
    """Returns the reference that a user wrote; raises UsageError, which says how a layout folder is written where that may be meant."""
    try:
        return Reference.parse(text)
    except UsageError as err:
        if not has_registry(text):
            err.hint = f"{err.hint}; for a layout folder write ./{text[:200]}"
        raise
