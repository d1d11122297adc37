"""What refers to what in a layout, whose index has no such list: every manifest that it lists is looked at, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.deferred import Deferred
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_index import LayoutIndex
from wasm_oci.oci.referrers import UNREADABLE_ENTRY, parse_referrer, referrer_descriptor
from wasm_oci.oci.store import FetchedManifest

Read = Callable[[Descriptor], FetchedManifest]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedManifests:
    """The manifests and indexes that a layout lists, each once, and what is wrong with malformed entries."""

    entries: list[Descriptor]
    unreadable: list[FormatError]


def listed_manifests(index: LayoutIndex, *, where: str) -> ListedManifests:
    """Raises LimitError where they are too many to look through."""
    unreadable: list[FormatError] = []
    found = {entry.digest: entry for entry in index.descriptors(unreadable) if entry.media_type in (MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE)}
    if len(found) > LIMITS.layout_manifests:
        raise LimitError(f"more than {LIMITS.layout_manifests} manifests to look through", where=where, hint="split the layout")
    return ListedManifests(entries=list(found.values()), unreadable=unreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Referrer:
    subject: Digest | None
    """None for what refers to nothing."""
    described: Descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one state of the index lists."""

    index: LayoutIndex
    listed: ListedManifests
    by_subject: dict[Digest, list[Descriptor]] = field(default_factory=dict)
    failed: list[Descriptor] = field(default_factory=list)
    """What could not be read when it was looked at; it is tried again each time."""


class ListedReferrers:
    """Finds referrers; safe to share between threads. A manifest that was read, and had its digest, is not read for this again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Digest, int, str], _Referrer] = {}
        self._latest: _Found | None = None
        self._lock = threading.Lock()

    def of(self, index: LayoutIndex, subjects: Collection[Digest], *, read: Read, where: str) -> Iterator[Descriptor]:
        """Yields what refers to a manifest, which has all of the digests `subjects`; `read` reads what the index lists.

        Raises LimitError where there are too many to look through. A manifest, or an entry, that cannot be read does not hide the
        others: its error is raised after the last of them.
        """
        found = self._found(index, read, where=where)
        deferred, more = Deferred(), list[Descriptor]()
        for entry in found.failed:
            if entry.digest not in subjects:
                with deferred.entry():
                    referrer = self._referrer(entry, read)
                    more += [referrer.described] if referrer.subject in subjects else []
        for subject in subjects:
            yield from found.by_subject.get(subject, ())
        yield from more
        deferred.close()
        if found.listed.unreadable:  # last: by its reason, `listed_digests` knows that nothing else went wrong
            first = found.listed.unreadable[0]
            raise FormatError(first.what, where=first.where, hint="correct or remove this entry", reason=UNREADABLE_ENTRY)

    def _found(self, index: LayoutIndex, read: Read, *, where: str) -> _Found:
        with self._lock:
            if self._latest is None or self._latest.index is not index:
                found = _Found(index=index, listed=listed_manifests(index, where=where))
                for entry in found.listed.entries:
                    try:
                        referrer = self._referrer(entry, read)
                    except WasmOciError:
                        found.failed.append(entry)
                        continue
                    if referrer.subject:
                        found.by_subject.setdefault(referrer.subject, []).append(referrer.described)
                self._latest = found
            return self._latest

    def _referrer(self, entry: Descriptor, read: Read) -> _Referrer:
        key = (entry.digest, entry.size, entry.media_type)
        if key not in self._known:
            document = parse_referrer(read(entry), where=f"manifest {entry.digest}")
            subject = document.subject.digest if document.subject else None
            self._known[key] = _Referrer(subject=subject, described=referrer_descriptor(document))
        return self._known[key]
