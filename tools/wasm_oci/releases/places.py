"""Where the members of a release are at its registry: beside the index, and in repositories of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.store import MountingStore, Store
from wasm_oci.oci.target import Target
from wasm_oci.publish.registries import RegistryEntry, registry_store
from wasm_oci.publish.resolve import open_target
from wasm_oci.releases.check import OpenRepository
from wasm_oci.releases.compare import FoundRelease

if TYPE_CHECKING:
    from wasm_oci.http.transport import Transport


def open_source(
    text: str, registries: Sequence[RegistryEntry], files: tuple[str, ...], *, transport: Transport, environ: Mapping[str, str]
) -> Target:
    """Returns what `text` names to read, with the credential of the entry that it, or its host, names; else see `open_target`."""
    name, slash, rest = text.partition("/")
    entry = next((each for each in registries if slash and each.type == "oci" and name in (each.name, each.host)), None)
    if entry is None:
        return open_target(text, transport, environ)
    prefix = f"{entry.prefix}/" if entry.prefix and name == entry.name else ""
    reference = Reference.parse(f"{entry.host}/{prefix}{rest}", where=text)
    wanted = reference.digest or reference.tag
    if wanted is None:
        raise UsageError(f"{text} names neither tag nor digest", hint=f"write {text}:TAG or {text}@sha256:…")
    store = registry_store(reference, transport=transport, environ=environ, auth=replace(entry.auth, files=files), scheme=entry.scheme)
    return Target(store=store, wanted=wanted, pinned=reference.digest is not None)


def prefix_of(repository: str, named: str, *, where: str) -> str:
    """Returns what a registry has before the names of a release, by that of the index, which is `named` in it; ends with `/`, or is empty.

    Raises UsageError where the repository does not end with that name.
    """
    if repository != named and not repository.endswith(f"/{named}"):
        raise UsageError(f"the release calls its repository {named}", where=where, hint=f"name a repository that ends with /{named}")
    return repository.removesuffix(named)


def repositories_of(release: FoundRelease, transport: Transport, environ: Mapping[str, str]) -> OpenRepository | None:
    """Returns what opens the repositories of members; None for a folder, where all is in one place."""
    store = release.target.store
    if not isinstance(store, MountingStore):
        return None
    host = store.name.removesuffix(f"/{store.repository}")
    prefix = prefix_of(store.repository, release.index.repository, where=store.name)

    def open_repository(name: str) -> Store:
        return registry_store(Reference.parse(f"{host}/{prefix}{name}"), transport=transport, environ=environ)

    return open_repository
