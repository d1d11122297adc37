"""What a user names to read: a manifest in a store. The text is a reference, or DIR, DIR:TAG or DIR@DIGEST for a layout."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.files import file_type
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.store import FetchedManifest, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A manifest in a store."""

    store: Store
    wanted: Digest | str
    """A digest, or a tag."""
    pinned: bool
    """Whether the user named the digest."""

    def fetch(self) -> FetchedManifest:
        """Raises what `Store.fetch_manifest` raises."""
        return self.store.fetch_manifest(self.wanted)


def layout_target(text: str) -> Target | None:
    """Returns what `text` names in a layout, None where there is no such folder: no registry reference is one by accident.

    DIR alone is the only manifest of the layout. Raises UsageError, FormatError or NotFoundError where it is unusable.
    """
    if _is_folder(text):
        layout = LayoutStore.open(Path(text))
        return Target(store=layout, wanted=layout.only_manifest().digest, pinned=False)
    folder, at, digest = text.rpartition("@")
    if at and _is_folder(folder):
        wanted = Digest.parse(digest, where=text)
        return Target(store=LayoutStore.open(Path(folder)), wanted=wanted, pinned=True)
    folder, colon, tag = text.rpartition(":")
    if colon and _is_folder(folder):
        return Target(store=LayoutStore.open(Path(folder)), wanted=tag, pinned=False)
    return None


def _is_folder(text: str) -> bool:
    return file_type(Path(text), what="layout") == stat.S_IFDIR
