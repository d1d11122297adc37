"""Manifests that refer to another one (OCI image specification 1.1, manifest.md, `subject`), in whatever store they are."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, NotFoundError, RegistryError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.deferred import Deferred
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, Descriptor, listed_artifact_type
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.store import FetchedManifest, ReferrersApiStore, SnapshotStore, Store

_log = logging.getLogger(__name__)


UNREADABLE_ENTRY = "unreadable_entry"
"""The reason of the error that a list of referrers ends with where only entries could not be read, which lead nobody anywhere."""
UNKNOWN_LIST = "referrers_unknown"
"""The reason of the error that a list of referrers ends with where there may be more than it names."""


def artifact_type_of(referrer: Manifest | Index) -> str | None:
    """Returns what a list of referrers says of one; see `listed_artifact_type`."""
    return listed_artifact_type(referrer.artifact_type, referrer.config.media_type if isinstance(referrer, Manifest) else None)


def referrer_descriptor(referrer: Manifest | Index) -> Descriptor:
    """Returns its entry in a list of referrers (distribution specification, "Listing Referrers")."""
    described = referrer.descriptor()
    return Descriptor(
        media_type=described.media_type,
        digest=described.digest,
        size=described.size,
        annotations=referrer.annotations,
        artifact_type=artifact_type_of(referrer),
    )


def parse_referrer(fetched: FetchedManifest, *, where: str) -> Manifest | Index:
    """Raises FormatError for what is neither an image manifest nor an index."""
    digest = fetched.descriptor.digest
    if fetched.descriptor.media_type == INDEX_MEDIA_TYPE:
        return Index.parse(fetched.data, where=where, skip_bad=True, digest=digest)
    return Manifest.parse(fetched.data, where=where, digest=digest)


def listed_referrers(store: Store, referrers: Iterable[Manifest | Index]) -> frozenset[Digest]:
    """Returns the digests of those that readers of a store are told of, each by asking for its own subject."""
    wanted: dict[Digest, list[Digest]] = {}
    for referrer in referrers:
        if referrer.subject:
            wanted.setdefault(referrer.subject.digest, []).append(referrer.descriptor().digest)
    return frozenset().union(*(listed_digests(store, subject, digests) for subject, digests in wanted.items()))


def listed_digests(store: Store, subject: Digest, wanted: Collection[Digest]) -> frozenset[Digest]:
    """Returns which of the `wanted` referrers readers of a store find; nothing is asked where none are wanted.

    A list that names what cannot be fetched leads no reader to it. Entries that cannot be read name none of the wanted, and are no
    obstacle; nor is it one that there may be more than the list names.
    """
    found: set[Digest] = set()
    try:
        for entry in store.referrers(subject) if wanted else ():
            if entry.digest in wanted and _fetch(store, entry) is not None:
                found.add(entry.digest)
                if len(found) == len(frozenset(wanted)):
                    break
    except (FormatError, RegistryError) as err:
        if err.reason not in (UNREADABLE_ENTRY, UNKNOWN_LIST):
            raise
        _log.warning("the list may be incomplete: %s", err)
    return frozenset(found)


def require_referrers_api(store: Store, subject: Digest, *, exists: bool = False) -> None:
    """Raises RegistryError for a registry without the referrers API, which it may not be known to have before the repository `exists`."""
    if not isinstance(store, ReferrersApiStore):
        return
    found = store.has_referrers_api(subject)
    if found is False or (exists and not found):
        what = "the registry has no referrers API, and it is required here"
        hint = "publish to a registry that has it, or do not require it, so that a fallback tag lists what refers to the image"
        raise RegistryError(what, where=store.name, hint=hint, reason="no_referrers_api")


def find_referrers(store: Store, subject: Digest, artifact_type: str | None = None) -> Iterator[Manifest | Index]:
    """Yields the manifests, of one artifact type where given, that really refer to `subject`.

    Each is fetched and looked at, because entries of other clients name wrong types and what is gone. One that cannot be
    read does not hide the others: its error is raised after the last of them.
    """
    deferred, size, subjects = Deferred(), 0, {subject}
    store = store.as_now() if isinstance(store, SnapshotStore) else store
    for entry in store.referrers(subject, artifact_type):
        referrer = None
        with deferred.entry():
            if (fetched := _fetch(store, entry)) is None:
                _log.warning("%s@%s: the referrer %s is listed and not there; it is passed over", store.name, subject, entry.digest)
            size += len(fetched.data) if fetched else 0
            referrer = _parse(fetched, needed=artifact_type in (None, entry.artifact_type)) if fetched else None
            if len(subjects) == 1 and referrer and referrer.subject and referrer.subject.digest.algorithm != subject.algorithm:
                subjects |= Digest.all_of(store.fetch_manifest(subject).data)
        if size > LIMITS.referrer_bytes:
            raise RegistryError(
                f"the referrers of {subject} have more than {LIMITS.referrer_bytes} bytes", where=store.name, reason="limit"
            )
        if referrer and referrer.subject and referrer.subject.digest in subjects and artifact_type in (None, artifact_type_of(referrer)):
            yield referrer
    deferred.close()


def _fetch(store: Store, entry: Descriptor) -> FetchedManifest | None:
    """None where a list names what is gone."""
    try:
        return store.fetch_manifest(entry)
    except NotFoundError:
        return None


def _parse(fetched: FetchedManifest, *, needed: bool) -> Manifest | Index | None:
    """None for another kind of document, unless it is `needed`."""
    try:
        return parse_referrer(fetched, where=f"referrer {fetched.descriptor.digest}")
    except FormatError:
        if needed:
            raise
        return None
