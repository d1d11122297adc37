"""What refers to a manifest: the referrers API, else the fallback tag (distribution specification 1.1; needs N22, N23).

A registry that fails or limits requests is never taken for one that has no referrers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, NotFoundError, RegistryError
from wasm_oci.http.retry import Backoff
from wasm_oci.http.transport import HttpResponse
from wasm_oci.jsontext import canonical, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.deferred import Deferred
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.registry.client import FetchedManifest, RegistryClient

API = "referrers API"
FALLBACK = "fallback tag"

_UNSUPPORTED = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrers:
    """The descriptors that a registry lists for a subject; `mode` is `API` or `FALLBACK`."""

    mode: str
    entries: tuple[Descriptor, ...]

    def has(self, digest: Digest) -> bool:
        return any(entry.digest == digest for entry in self.entries)


def fallback_tag(subject: Digest) -> str:
    """Returns the tag under which the referrers of `subject` are kept where a registry has no API for them."""
    return f"sha256-{subject.hex}"


def list_referrers(client: RegistryClient, subject: Digest) -> Referrers:
    """Returns all referrers of `subject`; raises RegistryError where they cannot be known."""
    step = f"list referrers of {subject}"
    entries: list[Descriptor] = []
    for response in client.pages(f"referrers/{subject}", step, accept=INDEX_MEDIA_TYPE, missing=_UNSUPPORTED):
        if response.status in _UNSUPPORTED:
            current = _read_fallback(client, subject)
            return Referrers(mode=FALLBACK, entries=current.manifests if current else ())
        entries += _index(client, response, step).manifests
        if len(entries) > LIMITS.referrers:
            raise RegistryError(f"{step}: more than {LIMITS.referrers}", where=client.where, reason="limit")
    return Referrers(mode=API, entries=tuple(entries))


def find_referrers(client: RegistryClient, subject: Digest, artifact_type: str) -> Iterator[Manifest]:
    """Yields the manifests of one artifact type that really refer to `subject`.

    Fallback entries of other clients name wrong types, so that each manifest is fetched and looked at. One that
    cannot be read does not hide the others: its error is raised after the last of them.
    """
    listed, deferred, size = list_referrers(client, subject), Deferred(), 0
    for entry in listed.entries:
        if listed.mode == API and entry.artifact_type not in (None, artifact_type):
            continue
        manifest = None
        with deferred.entry():
            fetched = _fetch(client, entry.digest)
            size += len(fetched.data) if fetched else 0
            manifest = _as_manifest(fetched, needed=entry.artifact_type == artifact_type) if fetched else None
        if size > LIMITS.referrer_bytes:
            raise RegistryError(
                f"the referrers of {subject} have more than {LIMITS.referrer_bytes} bytes", where=client.where, reason="limit"
            )
        if manifest and manifest.subject and manifest.subject.digest == subject and artifact_type_of(manifest) == artifact_type:
            yield manifest
    deferred.close()


def attach(client: RegistryClient, manifest: Manifest) -> str:
    """Pushes a manifest that has a subject and sees to it that the subject's list names it; returns the mode.

    Its blobs must be there. Entries that others add at the same time are kept: before an update of the fallback
    tag other programs on this machine are waited for, and after it the tag is read again.
    """
    if manifest.subject is None:
        raise ValueError("the manifest refers to nothing")
    descriptor = manifest.descriptor()
    response = client.put_manifest(descriptor.digest, manifest.raw, descriptor.media_type)
    if response.subject == str(manifest.subject.digest):
        return API
    entry = Descriptor(
        media_type=descriptor.media_type,
        digest=descriptor.digest,
        size=descriptor.size,
        annotations=manifest.annotations,
        artifact_type=artifact_type_of(manifest),
    )
    subject = manifest.subject.digest
    timing = client.transport.timing
    with machine_lock(f"{client.where}@{subject}", timing=timing):
        backoff = Backoff(timing, client.transport.limits)
        while not (listed := list_referrers(client, subject)).has(entry.digest):
            client.put_manifest(fallback_tag(subject), _merged(_read_fallback(client, subject), entry), INDEX_MEDIA_TYPE)
            if not list_referrers(client, subject).has(entry.digest) and not backoff.wait():
                raise RegistryError(
                    f"the referrer {entry.digest} is lost from tag {fallback_tag(subject)} again and again",
                    where=client.where,
                    hint="another program updates this tag at the same time: run again when it is done",
                    reason="referrer_lost",
                )
    return listed.mode


def artifact_type_of(manifest: Manifest) -> str:
    """Returns what a referrers list says about a manifest: its artifactType, else its config's media type."""
    return manifest.artifact_type or manifest.config.media_type


def _merged(current: Index | None, entry: Descriptor) -> bytes:
    """Returns the list with one entry more; all that others wrote stays as it is."""
    document = parse_object((current or Index()).raw, where="")
    document["manifests"].append(entry.to_json())
    return canonical(document)


def _read_fallback(client: RegistryClient, subject: Digest) -> Index | None:
    """The index under the fallback tag, None where there is none; whatever else is there is an error."""
    try:
        fetched = client.fetch_manifest(fallback_tag(subject))
    except NotFoundError:
        return None
    if fetched.descriptor.digest == subject:
        return None  # GitLab answers with the subject where this tag does not exist
    if fetched.descriptor.media_type != INDEX_MEDIA_TYPE:
        raise RegistryError(
            f"tag {fallback_tag(subject)} is no list of referrers but {fetched.descriptor.media_type[:80] or 'of no type'}",
            where=client.where,
            hint="remove this tag: its name is reserved",
            reason="fallback_tag",
        )
    return _parse(client, fetched.data, f"read tag {fallback_tag(subject)}")


def _index(client: RegistryClient, response: HttpResponse, step: str) -> Index:
    client.json(response, step)
    return _parse(client, response.body, step)


def _parse(client: RegistryClient, data: bytes, step: str) -> Index:
    try:
        return Index.parse(data, where="", skip_bad=True)
    except FormatError as err:
        raise RegistryError(f"{step}: the list is malformed: {err}", where=client.where, reason="malformed_referrers") from err


def _fetch(client: RegistryClient, digest: Digest) -> FetchedManifest | None:
    """None where a list names what is gone."""
    try:
        return client.fetch_manifest(digest)
    except NotFoundError:
        return None


def _as_manifest(fetched: FetchedManifest, *, needed: bool) -> Manifest | None:
    """None for another kind of document, unless it is `needed`."""
    try:
        return Manifest.parse(fetched.data, where=f"referrer {fetched.descriptor.digest}")
    except FormatError:
        if needed:
            raise
        return None
