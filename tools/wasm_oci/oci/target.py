"""What a user names to read: a manifest in a store. The form of the text decides whether it is a reference or a layout folder."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError
from wasm_oci.files import file_type
from wasm_oci.oci.archive import ARCHIVE_PREFIX, ArchiveStore
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.reference import check_tag, has_registry, is_tag
from wasm_oci.oci.store import FetchedManifest, ManifestName, Store

LAYOUT_PREFIX = "oci:"
"""What skopeo writes before the folder of a layout (containers-transports(5))."""
_PATH = re.compile(r"\.{0,2}[/\\]|[A-Za-z]:[/\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A manifest in a store."""

    store: Store
    wanted: ManifestName
    """A digest, a tag, or the descriptor by which an index names it."""
    pinned: bool
    """Whether the user named the digest."""
    only_tags: tuple[str, ...] = ()
    """All tags of the only manifest of a layout, where the user named nothing else."""

    @property
    def tags(self) -> tuple[str, ...]:
        """What a copy is called that is given no other name."""
        return (self.wanted,) if isinstance(self.wanted, str) else self.only_tags

    def fetch(self) -> FetchedManifest:
        """Raises what `Store.fetch_manifest` raises."""
        return self.store.fetch_manifest(self.wanted)


def is_path(text: str) -> bool:
    """Returns whether a text is the path of a file or folder by its form: `/…`, `./…`, `../…`, or with a drive as `C:\\…`.

    What exists does not matter, so that no file or folder takes the place of a reference.
    """
    return text in (".", "..") or _PATH.match(text) is not None


def is_reference(text: str) -> bool:
    """Returns whether the form is that of a reference to a manifest; `out.d/hello.wasm`, without tag and digest, may be a file."""
    return not is_path(text) and has_registry(text) and not set(":@").isdisjoint(text.partition("/")[2])


def layout_folder(text: str) -> Path | None:
    """Returns the folder where a text is a path by its form (see `is_path`), or `oci:` and any path; else None."""
    path = text.removeprefix(LAYOUT_PREFIX)
    return Path(path) if path != text or is_path(text) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlace:
    """A layout folder or an archive that is written to."""

    path: Path
    is_archive: bool
    tag: str | None = None


def local_place(text: str) -> LocalPlace | None:
    """Returns where `text` says by its form to write a layout or, with `oci-archive:`, an archive; `:TAG` may follow, None for a reference.

    Raises UsageError for an invalid tag.
    """
    is_archive = text.startswith(ARCHIVE_PREFIX)
    place = Path(text.removeprefix(ARCHIVE_PREFIX)) if is_archive else layout_folder(text)
    if place is None:
        return None
    path, colon, tag = str(place).rpartition(":")
    if colon and len(path) > 1:
        return LocalPlace(path=Path(path), is_archive=is_archive, tag=check_tag(tag, where=text))
    return LocalPlace(path=place, is_archive=is_archive)


def layout_target(text: str) -> Target | None:
    """Returns what `text` names in a layout: a path (see `is_path`), or `oci:` and any path, with `:TAG` or `@DIGEST` or alone.

    With `oci-archive:`, the layout is in a tar archive. A path alone is the only manifest of the layout. None for any other form,
    which is that of a reference. Raises UsageError, FormatError or NotFoundError for a layout that is absent or cannot be used.
    """
    if text.startswith(ARCHIVE_PREFIX):
        return _archive_target(text)
    path = text.removeprefix(LAYOUT_PREFIX)
    if path == text and not is_path(text):
        return None
    if file_type(Path(path), what="layout") is not None:
        return _only_target(LayoutStore.open(Path(path)))
    folder, at, digest = path.rpartition("@")
    if at and _is_folder(folder):
        wanted = Digest.parse(digest, where=text)
        return Target(store=LayoutStore.open(Path(folder)), wanted=wanted, pinned=True)
    folder, colon, tag = path.rpartition(":")
    if colon and _is_folder(folder):
        return Target(store=LayoutStore.open(Path(folder)), wanted=tag, pinned=False)
    raise UsageError("no such file or folder", where=text, hint="check the path")


def _archive_target(text: str) -> Target:
    path = text.removeprefix(ARCHIVE_PREFIX)
    if _is_file(path):
        return _only_target(ArchiveStore(Path(path)))
    file, at, digest = path.rpartition("@")
    if at and _is_file(file):
        return Target(store=ArchiveStore(Path(file)), wanted=Digest.parse(digest, where=text), pinned=True)
    file, colon, tag = path.rpartition(":")
    if colon and _is_file(file):
        return Target(store=ArchiveStore(Path(file)), wanted=tag, pinned=False)
    raise UsageError("no such archive", where=text, hint="check the path")


def _only_target(layout: LayoutStore) -> Target:
    """Other programs write whole references in the place of tags; these are none."""
    return Target(store=layout, wanted=layout.only_manifest().digest, pinned=False, only_tags=tuple(filter(is_tag, layout.tags())))


def _is_file(text: str) -> bool:
    return file_type(Path(text), what="archive") == stat.S_IFREG


def _is_folder(text: str) -> bool:
    return file_type(Path(text), what="layout") == stat.S_IFDIR
