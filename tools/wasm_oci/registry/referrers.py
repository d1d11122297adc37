"""What refers to a manifest: the referrers API and the fallback tag (distribution specification 1.1, "Listing Referrers").

Both are read and merged, because there are registries whose API knows only a part, or nothing, of what was pushed. A registry
that fails or limits requests is never taken for one that has no referrers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from wasm_oci.digest import Digest
from wasm_oci.errors import AuthError, FormatError, NotFoundError, RegistryError
from wasm_oci.http.host import host_of, origin
from wasm_oci.http.messages import ConnectionLost, HttpRequest, HttpResponse
from wasm_oci.http.outages import is_outage
from wasm_oci.http.retry import Backoff
from wasm_oci.jsontext import canonical, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import UNKNOWN_LIST, referrer_descriptor
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.errors_from_response import error_code

API = "referrers API"
FALLBACK = "fallback tag"

_UNSUPPORTED = frozenset({400, 404, 405, 406, 410, 415, 501})
_KIND = "referrers"
_UPDATES = 3
"""How many times as long as an update took others may take for theirs."""
_LONGEST_LOOK = 3.0
_QUIET = 4
"""How many looks in a row have to find the list unchanged where others were seen to change it: on a busy machine one of them may pause
between its reading and its writing."""
_CONTENDED = 100
"""How often an entry is added again that others removed, within the time for retries, and how often a list that others change is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrers:
    """The descriptors that a registry lists for a subject."""

    api: tuple[Descriptor, ...] | None
    """What the API lists, None where there is no such API."""
    tag: tuple[Descriptor, ...]
    """What the fallback tag lists."""
    doubt: RegistryError | None = None
    """Why there may be more: the API's response is neither a list nor says that there is no such API."""

    @property
    def entries(self) -> tuple[Descriptor, ...]:
        """All of them, each once."""
        return tuple({entry.digest: entry for entry in (*self.tag, *(self.api or ()))}.values())

    def way_of(self, digest: Digest) -> str:
        """Returns by which way an entry is found, empty where it is not."""
        if any(entry.digest == digest for entry in self.api or ()):
            return API
        return FALLBACK if any(entry.digest == digest for entry in self.tag) else ""


def fallback_tag(subject: Digest) -> str:
    """Returns the tag under which the referrers of `subject` are kept where a registry has no API for them.

    See the distribution specification, "Referrers Tag Schema".
    """
    return f"{subject.algorithm[:32]}-{subject.hex[:64]}"


def own_tag(referrer: Digest) -> str:
    """Returns the tag of a referrer in a registry that shows only manifests that have one."""
    return f"{fallback_tag(referrer)}.referrer"


def list_referrers(client: RegistryClient, subject: Digest) -> Referrers:
    """Returns all referrers of `subject`; those that this run attached are waited for.

    Raises WasmOciError where they cannot be known.
    """
    while True:
        api, doubt = _read_api(client, subject)
        current = _read_tag(client, subject)
        listed = Referrers(api=api, tag=current.manifests if current else (), doubt=doubt)
        promised = [digest for digest, (way, _) in client.attached(subject).items() if way == FALLBACK or api is not None]
        late = [digest for digest in promised if not listed.way_of(digest)]
        if not late or not client.written.wait_for(_KIND, late[0]):
            return listed


def _read_api(client: RegistryClient, subject: Digest) -> tuple[tuple[Descriptor, ...] | None, RegistryError | None]:
    """Returns what the API lists, and why that may not be all. That there is none is no reason for doubt.

    Raises where the registry fails. Another host, to which it redirects, is not it: GitHub's container registry redirects to its web
    site, which limits requests.
    """
    step = f"list referrers of {subject}"
    entries: list[Descriptor] = []
    response: HttpResponse | None = None
    try:
        for response in client.pages(f"referrers/{subject}", step, accept=INDEX_MEDIA_TYPE):
            if response.status in _UNSUPPORTED and not entries:
                return None, None
            if response.status != 200:
                raise client.failure(response, step)
            client.check_is_registry(response, step)
            entries += _parse(client, response.body, step).manifests
            if len(entries) > LIMITS.referrers:
                break
    except (AuthError, RegistryError) as err:
        if is_outage(err) and not _is_elsewhere(client, err, response):
            raise
        what = f"{err.what}; there may be referrers that are not listed"
        return tuple(entries) or None, RegistryError(what, where=client.where, hint=err.hint, reason=UNKNOWN_LIST)
    return tuple(entries), None


def has_api(client: RegistryClient, subject: Digest) -> bool | None:
    """Returns whether the registry has the referrers API; None where it only says that it does not know the repository.

    A redirect to another host is none. Raises where the registry fails.
    """
    step = f"ask for the referrers API of {subject}"
    request = HttpRequest(method="GET", url=client.url(f"referrers/{subject}"), step=step, headers={"Accept": INDEX_MEDIA_TYPE})
    response = client.send(request, good=_UNSUPPORTED | {200})
    if response.status == 200 and origin(response.url) == client.origin:
        _parse(client, response.body, step)
        return True
    return None if response.status == 404 and error_code(response) == "NAME_UNKNOWN" else False


def _is_elsewhere(client: RegistryClient, error: AuthError | RegistryError, response: HttpResponse | None) -> bool:
    """Whether the error is that of another host; `response` is the latest one."""
    if isinstance(error, ConnectionLost):
        return error.where != host_of(client.base)
    return response is not None and origin(response.url) != client.origin


def attach(client: RegistryClient, manifest: Manifest | Index) -> str:
    """Pushes a manifest that has a subject and sees to it that the subject's list names it; returns the way it is found.

    Its blobs must be there. Where the registry says that it keeps the list (OCI-Subject), and does not show the entry in time or
    has no such API, the fallback tag names it too.
    """
    if manifest.subject is None:
        raise ValueError("the manifest refers to nothing")
    entry, subject = referrer_descriptor(manifest), manifest.subject.digest
    response = client.put_manifest(entry.digest, manifest.raw, entry.media_type)
    try:
        client.fetch_manifest(entry.digest)
    except NotFoundError:  # this registry shows only what has a tag
        client.put_manifest(own_tag(entry.digest), manifest.raw, entry.media_type)
        client.fetch_manifest(entry.digest)
    if response.subject == str(subject):
        _promise(client, subject, API, entry)
    return list_referrers(client, subject).way_of(entry.digest) or _add_to_tag(client, subject, entry)


def _promise(client: RegistryClient, subject: Digest, way: str, entry: Descriptor) -> None:
    client.attached(subject)[entry.digest] = (way, entry)
    client.written.note(_KIND, entry.digest, entry.digest)


def _add_to_tag(client: RegistryClient, subject: Digest, entry: Descriptor) -> str:
    """Adds an entry to the fallback tag. Those that others add at the same time are kept: other programs on this machine are waited
    for, and the tag is read again after each update.

    Another machine that read the list before this update replaces it a moment later. So it is read once more after some times as long as
    the update took, and updated again where the entry is gone.
    """
    tag, timing, limits = fallback_tag(subject), client.transport.timing, client.transport.limits
    with machine_lock(f"{client.where}@{subject}", timing=timing):
        unstored, contended = Backoff(timing, limits), Backoff(timing, replace(limits, retries=_CONTENDED))
        while True:
            started = timing.clock()
            before = _read_tag(client, subject, to_write=True)
            _promise(client, subject, FALLBACK, entry)
            ours = [each for way, each in client.attached(subject).values() if way == FALLBACK]
            merged = _merged(before, ours)
            client.put_manifest(tag, merged, INDEX_MEDIA_TYPE, settles=False)
            took = timing.clock() - started
            now = _settled(client, subject, entry, before)
            quiet, looks = 0, 1 if _raw(now) == merged else _QUIET
            for _ in range(_CONTENDED):
                if not _names(now, entry):
                    break
                if quiet == looks:
                    return FALLBACK
                timing.sleep(min(_UPDATES * took, _LONGEST_LOOK))
                seen, now = now, _read_tag(client, subject)
                quiet, looks = (quiet + 1, looks) if _raw(now) == _raw(seen) else (0, _QUIET)
            else:
                return FALLBACK
            others = _raw(now) not in (_raw(before), merged)
            if not (contended if others else unstored).wait():
                raise RegistryError(
                    f"the referrer {entry.digest} keeps disappearing from tag {tag}",
                    where=client.where,
                    hint="another program updates this tag at the same time: run again when it is done",
                    reason="referrer_lost",
                )


def _settled(client: RegistryClient, subject: Digest, entry: Descriptor, before: Index | None) -> Index | None:
    """Returns what the tag names after an update; one that reads as before is waited for."""
    while True:
        now = _read_tag(client, subject)
        if _names(now, entry) or _raw(now) != _raw(before) or not client.written.wait_for(_KIND, entry.digest):
            return now


def _names(index: Index | None, entry: Descriptor) -> bool:
    return index is not None and any(each.digest == entry.digest for each in index.manifests)


def _raw(index: Index | None) -> bytes:
    return index.raw if index else b""


def _merged(current: Index | None, entries: Iterable[Descriptor]) -> bytes:
    """Returns the list with those entries that it lacks; all that others wrote stays as it is."""
    document = parse_object((current or Index()).raw, where="")
    document["manifests"] += [entry.to_json() for entry in entries if not _names(current, entry)]
    return canonical(document)


def _fetch_again(client: RegistryClient, tag: str) -> FetchedManifest:
    """Returns what a tag names that was not there a moment ago, when another program may have written it for the first time."""
    try:
        return client.fetch_manifest(tag)
    except NotFoundError as err:
        hint = "run again later: it is not replaced before it can be read"
        raise RegistryError(f"tag {tag} is found and cannot be read", where=client.where, hint=hint, reason="fallback_tag") from err


def _read_tag(client: RegistryClient, subject: Digest, *, to_write: bool = False) -> Index | None:
    """The index under the fallback tag, None where there is none; whatever else is there is an error.

    `to_write`: the tag will be replaced, so that it is not there has to be certain, and it must leave room for an entry.
    """
    tag = fallback_tag(subject)
    try:
        fetched = client.fetch_manifest(tag)
    except NotFoundError:
        found = client.find_manifest(tag) if to_write else None
        if found is None or found.digest == subject:
            return None
        fetched = _fetch_again(client, tag)
    if fetched.descriptor.digest == subject:
        return None  # GitLab answers with the subject where this tag does not exist
    if fetched.descriptor.media_type != INDEX_MEDIA_TYPE:
        raise RegistryError(
            f"tag {tag} is not a list of referrers but {fetched.descriptor.media_type[:80] or 'of no type'}",
            where=client.where,
            hint="remove this tag: its name is reserved",
            reason="fallback_tag",
        )
    index = _parse(client, fetched.data, f"read tag {tag}")
    if to_write and len(index.manifests) >= LIMITS.referrers:
        raise too_many(client, subject)
    return index


def too_many(client: RegistryClient, subject: Digest) -> RegistryError:
    """Returns the error for a longer list than is looked at."""
    what = f"list referrers of {subject}: more than {LIMITS.referrers}"
    return RegistryError(what, where=client.where, hint="remove referrers that are not needed", reason="limit")


def _parse(client: RegistryClient, data: bytes, step: str) -> Index:
    """Programs in Go write null for an empty list."""
    try:
        document = parse_object(data, where="")
        if document.get("manifests", ()) is None:
            data = canonical({**document, "manifests": []})
        return Index.parse(data, where="", skip_bad=True)
    except FormatError as err:
        raise RegistryError(f"{step}: the list is malformed: {err}", where=client.where, reason="malformed_referrers") from err
