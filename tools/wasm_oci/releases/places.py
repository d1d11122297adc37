"""Where the members of a release are at its registry: beside the index, and in repositories of their own."""

from __future__ import annotations

from collections.abc import Callable

from wasm_oci.errors import UsageError
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.store import MountingStore, Store
from wasm_oci.releases.check import OpenRepository
from wasm_oci.releases.compare import FoundRelease


def prefix_of(repository: str, named: str, *, where: str) -> str:
    """Returns what a registry has before the names of a release, by that of the index, which is `named` in it; ends with `/`, or is empty.

    Raises UsageError where the repository does not end with that name.
    """
    if repository != named and not repository.endswith(f"/{named}"):
        raise UsageError(f"the release calls its repository {named}", where=where, hint=f"name a repository that ends with /{named}")
    return repository.removesuffix(named)


def repositories_of(release: FoundRelease, read: Callable[[Reference], Store]) -> OpenRepository | None:
    """Returns what opens the repositories of members by means of `read`; None for a folder, where all is in one place."""
    store = release.target.store
    if not isinstance(store, MountingStore):
        return None
    host = store.name.removesuffix(f"/{store.repository}")
    prefix = prefix_of(store.repository, release.index.repository, where=store.name)

    def open_repository(name: str) -> Store:
        return read(Reference.parse(f"{host}/{prefix}{name}"))

    return open_repository
