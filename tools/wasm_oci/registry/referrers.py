"""What refers to a manifest: the referrers API, else the fallback tag (distribution specification 1.1).

A registry that fails or limits requests is never taken for one that has no referrers.
"""

from __future__ import annotations

from dataclasses import dataclass

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, NotFoundError, RegistryError
from wasm_oci.http.messages import HttpResponse
from wasm_oci.http.retry import Backoff
from wasm_oci.jsontext import canonical, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import referrer_descriptor
from wasm_oci.registry.client import RegistryClient

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


def attach(client: RegistryClient, manifest: Manifest | Index) -> str:
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
    entry = referrer_descriptor(manifest)
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
