"""The registries that a build knows by name, and which of them is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.http.host import check_host, is_loopback
from wasm_oci.http.transport import Transport
from wasm_oci.oci.archive import ArchiveOutput
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.reference import DOCKER_HUB, Reference, check_repository
from wasm_oci.oci.store import Store
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.credentials import AuthSetting, CredentialLookup
from wasm_oci.registry.docker_config import DockerConfigs
from wasm_oci.registry.store import RegistryStore
from wasm_oci.wording import did_you_mean

_HUB_SEGMENTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntry:
    """An entry of `wkg_registry_config`, or a host that was named without one."""

    name: str
    type: str = "oci"
    """oci, layout: a folder, archive: a file, or mirror, which is never published to."""
    host: str = ""
    scheme: str = ""
    """Empty: plain http for this machine, else https."""
    prefix: str = ""
    """What stands before the namespace in every repository name."""
    path: str = ""
    """That of a folder or an archive; empty for all others."""
    mirror_of: str = ""
    """Name of the entry whose content a mirror has too."""
    auth: AuthSetting = field(default_factory=AuthSetting)

    @property
    def location(self) -> tuple[str, str]:
        """Its host, or its path: the same for two entries of one registry."""
        return self.host, self.path

    def reference(self, namespace: str, repository: str, tag: str | None) -> Reference:
        """Returns `host/prefix/namespace/repository:tag`; raises UsageError for names that a registry refuses."""
        path = "/".join(part for part in (self.prefix, namespace, repository) if part)
        where = f"registry {self.name}"
        check_repository(path, where=where)
        if self.host in DOCKER_HUB and path.count("/") + 1 > _HUB_SEGMENTS:
            raise UsageError(
                f"Docker Hub takes NAMESPACE/NAME, and this is {path}",
                where=where,
                hint="set name_override of the image to a name without '/', and the namespace to your Docker Hub account",
            )
        return Reference.parse(f"{self.host}/{path}" + (f":{tag}" if tag else ""), where=where)

    def store(
        self,
        namespace: str,
        repository: str,
        *,
        transport: Transport,
        environ: Mapping[str, str],
        lookup: CredentialLookup | None = None,
    ) -> Store:
        """Returns where to publish; raises UsageError for an unusable name or, without `lookup`, a missing variable."""
        if self.path:
            made = ArchiveOutput if self.type == "archive" else LayoutStore
            return transport.shared((made, self.path), lambda: made(Path(self.path)))
        reference = self.reference(namespace, repository, None)
        return registry_store(
            reference, transport=transport, environ=environ, auth=self.auth, scheme=self.scheme, actions="pull,push", lookup=lookup
        )


def registry_client(
    reference: Reference,
    *,
    transport: Transport,
    environ: Mapping[str, str],
    auth: AuthSetting | None = None,
    scheme: str = "",
    actions: str = "pull",
    lookup: CredentialLookup | None = None,
) -> RegistryClient:
    """Returns the client of a reference's repository; without `auth` the Docker and Podman credentials are used.

    `actions` is what tokens are asked for, `pull` or `pull,push`. Without `lookup`, raises UsageError for a missing variable.
    """
    setting = auth or AuthSetting(entry=reference.registry)
    if lookup is None:
        configs = transport.shared(
            (DockerConfigs, setting.files), lambda: DockerConfigs(environ, setting.files, clock=transport.timing.clock)
        )
        lookup = setting.lookup(reference.registry, reference.repository, environ, configs)
    return RegistryClient(reference, transport=transport, lookup=lookup, actions=actions, scheme=scheme)


def registry_store(
    reference: Reference,
    *,
    transport: Transport,
    environ: Mapping[str, str],
    auth: AuthSetting | None = None,
    scheme: str = "",
    actions: str = "pull",
    lookup: CredentialLookup | None = None,
) -> RegistryStore:
    """Returns the repository of a reference, with the arguments of `registry_client`."""
    return RegistryStore(
        registry_client(reference, transport=transport, environ=environ, auth=auth, scheme=scheme, actions=actions, lookup=lookup)
    )


def choose_registry(entries: Sequence[RegistryEntry], wanted: str, default: str = "", *, where: str = "") -> RegistryEntry:
    """Returns the entry that `wanted` names by its name or host, else a host without an entry; never a mirror.

    `default` is the name that counts where `wanted` is empty. Raises UsageError for a name that is neither.
    """
    wanted, entries = wanted or default, [entry for entry in entries if not entry.mirror_of]
    names = [entry.name for entry in entries]
    if not wanted:
        raise UsageError("no registry is named", where=where, hint=f"name one of {', '.join(names)}, or a host" if names else "name a host")
    for entry in entries:
        if entry.name == wanted:
            return entry
    if "://" in wanted:
        shown = "a URL" if "@" in wanted else repr(wanted[:100])  # a URL with a user may hold a password
        rest = wanted.partition("://")[2].rpartition("@")[2].rstrip("/")
        raise UsageError(
            f"{shown} is not a registry host", where=where or "registry", hint=f"omit the scheme: write {rest[:100] or 'a host'}"
        )
    host, _, prefix = wanted.partition("/")
    if host == "localhost" or "." in host or ":" in host:
        check_host(host, where=where or "registry")
        known = [entry for entry in entries if entry.type == "oci" and entry.host == host]
        best = next((entry for entry in known if entry.prefix == prefix), known[0] if known else None)
        return replace(best, prefix=prefix) if best else RegistryEntry(name=host, host=host, prefix=prefix, auth=AuthSetting(entry=host))
    near = did_you_mean(wanted, names, cutoff=0.5)
    known_names = f"the names are {', '.join(names)}" if names else "no registry has a name here"
    hint = f"{near} {known_names}" if near else f"{known_names}; or write a host such as ghcr.io"
    raise UsageError(f"unknown registry {wanted[:100]!r}", where=where, hint=hint, reason="unknown_registry")


def split_scheme(host: str, *, where: str) -> tuple[str, str]:
    """Takes `https://` or `http://` off a host; plain http is for this machine only."""
    for scheme in ("https", "http"):
        if host.startswith(f"{scheme}://"):
            host = host.removeprefix(f"{scheme}://").rstrip("/")
            if scheme == "http" and not is_loopback(host):
                raise UsageError(f"plain http is refused for {host[:100]}", where=where, hint="use https, or name the host in plain_http")
            return scheme, host
    return "", host
