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
from wasm_oci.limits import LIMITS, with_timeout
from wasm_oci.oci.archive import ArchiveStore
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.reference import Reference, has_registry
from wasm_oci.oci.store import Store
from wasm_oci.oci.target import Target, layout_folder, layout_target
from wasm_oci.publish.registries import RegistryEntry, choose_registry, registry_client, registry_store
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import CredentialLookup
from wasm_oci.registry.login_check import LoginReport, check_login


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


def open_target(text: str, transport: Transport, environ: Mapping[str, str]) -> Target:
    """Returns what `text` names to read: a layout folder where `layout_target` says so by its form, else a reference."""
    return layout_target(text) or registry_target(text, transport, environ)


def open_repository(text: str, transport: Transport, environ: Mapping[str, str]) -> Store:
    """Returns what `text` names to list: a layout folder by its form, else a repository; raises UsageError for a tag or digest."""
    folder = layout_folder(text)
    if folder is not None:
        return LayoutStore.open(folder)
    reference = parse_reference(text)
    if reference.tag or reference.digest:
        raise UsageError(f"{reference} is one manifest, not a repository", hint=f"write {reference.name}")
    return registry_store(reference, transport=transport, environ=environ)


def registry_target(text: str, transport: Transport, environ: Mapping[str, str]) -> Target:
    """Returns the manifest of a reference, read with the Docker and Podman credentials and the right to pull only.

    Raises UsageError for a text that is not a reference, or one with neither tag nor digest.
    """
    reference = parse_reference(text)
    wanted = reference.digest or reference.tag
    if wanted is None:
        raise UsageError(f"{reference} names neither tag nor digest", hint=f"write {reference}:TAG or {reference}@sha256:…")
    store = registry_store(reference, transport=transport, environ=environ)
    return Target(store=store, wanted=wanted, pinned=reference.digest is not None)


def open_subject(text: str, transport: Transport, environ: Mapping[str, str]) -> Target:
    """Returns the manifest that `text` names, in a store that can be written to: something will be attached to it.

    In a registry it must be named by its digest, because a tag may move between the look at it and the signature. Raises UsageError for
    another name, and for an archive.
    """
    target = layout_target(text)
    if target is not None:
        if isinstance(target.store, ArchiveStore):
            raise UsageError("an archive cannot be added to", where=text, hint="attest the layout or the registry that it is made from")
        return target
    reference = parse_reference(text)
    if reference.digest is None:
        hint = f"write {reference.name}@sha256:…, with the digest that was published"
        raise UsageError(f"{reference} names no digest, and a tag may move before it is signed", hint=hint)
    return Target(store=open_destination(reference, transport=transport, environ=environ).store, wanted=reference.digest, pinned=True)


def login_report(text: str, transport: Transport, environ: Mapping[str, str], *, push: bool) -> LoginReport:
    """Returns what the registry of a reference allows there; raises UsageError for a text that is not a reference."""
    reference = parse_reference(text)
    client = registry_client(reference, transport=transport, environ=environ, actions="pull,push" if push else "pull")
    return check_login(client, reference.digest or reference.tag, push=push)


def parse_reference(text: str) -> Reference:
    """Returns the reference that a user wrote; raises UsageError, which says how a layout folder is written where that may be meant."""
    try:
        return Reference.parse(text)
    except UsageError as err:
        if not has_registry(text):
            err.hint = f"{err.hint}; for a layout folder write ./{text[:200]}"
        raise
