"""Whether a release is whole: every member there as it is named, found by its tags, and signed where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from wasm_oci.errors import DigestError, FormatError, NotFoundError, SignatureError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, Descriptor, document_kind
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import listed_digests
from wasm_oci.oci.release_index import Member
from wasm_oci.oci.store import FetchedManifest, Store, find_tag
from wasm_oci.oci.target import Target
from wasm_oci.publish.signing import scratch_folder
from wasm_oci.publish.workers import Work, do_all
from wasm_oci.reading.pull import pull
from wasm_oci.releases.compare import FoundRelease
from wasm_oci.trust.trust import Trust

OpenRepository = Callable[[str], Store]
"""Returns the store of a repository at the registry of the release, by the name that the release has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a member."""

    member: Member
    problem: str
    error: WasmOciError

    def to_json(self) -> JsonObject:
        return {"repository": self.member.repository, "digest": str(self.member.digest), "problem": self.problem, **self.error.to_json()}


def check_release(
    release: FoundRelease, *, trust: Trust | None, open_repository: OpenRepository | None, interrupt: Callable[[], None] = lambda: None
) -> tuple[Finding, ...]:
    """Returns what is wrong, in the order of the members; `open_repository` is None where all is in one place, such as a folder.

    What cannot be found out is raised: a registry that does not respond is no proof that anything is missing.
    """
    store, found = release.target.store, dict[int, list[Finding]]()

    def check(number: int, member: Member) -> None:
        found[number] = list(_check(store, member, trust=trust, open_repository=open_repository))

    work = (Work(place=store.place, run=partial(check, number, member)) for number, member in enumerate(release.index.members))
    do_all(work, interrupt=interrupt)
    return tuple(finding for number in sorted(found) for finding in found[number])


def _check(store: Store, member: Member, *, trust: Trust | None, open_repository: OpenRepository | None) -> Iterator[Finding]:
    try:
        fetched = fetch_member(store, member)
        _check_content(store, fetched)
    except (NotFoundError, DigestError) as err:
        yield Finding(member=member, problem="missing", error=err)
        return
    if lost := member.referrers - listed_digests(store, member.digest, member.referrers):
        error = NotFoundError(
            f"the referrer {min(lost)} is not listed", where=f"{store.name}@{member.digest}", hint="publish the release again"
        )
        yield Finding(member=member, problem="referrer missing", error=error)
    if trust:
        try:
            verify_component(store, member.plain, trust)
        except SignatureError as err:
            yield Finding(member=member, problem="not signed as asked", error=err)
    if open_repository:
        yield from _check_tags(open_repository(member.repository), member)


def fetch_member(store: Store, member: Member) -> FetchedManifest:
    """Raises NotFoundError where it is not there, DigestError where it is not as it is named, FormatError for anything but an image."""
    fetched, where = store.fetch_manifest(member.plain), f"{store.name}@{member.digest}"
    found = fetched.descriptor
    if (found.media_type, len(fetched.data)) != (member.plain.media_type, member.plain.size):
        named = f"{member.plain.size} bytes of type {member.plain.media_type[:80]}"
        what = f"the release names {named}, and these are {len(fetched.data)} of type {found.media_type[:80]}"
        raise DigestError(what, where=where, hint="publish the release again")
    if found.media_type != MANIFEST_MEDIA_TYPE:
        what = f"a member of the release is {document_kind(found.media_type)}, not an image manifest"
        raise FormatError(what, where=where, hint="publish each of its manifests by itself")
    return fetched


def _check_content(store: Store, fetched: FetchedManifest) -> None:
    """Raises NotFoundError or DigestError for a blob that is not there, or not whole."""
    descriptor = fetched.descriptor
    manifest = Manifest.parse(fetched.data, where=f"{store.name}@{descriptor.digest}")
    for blob in (manifest.config, *manifest.layers):
        if not store.has_blob(blob):
            raise NotFoundError(
                f"blob {blob.digest} is missing", where=f"{store.name}@{descriptor.digest}", hint="publish the release again"
            )


def verify_component(store: Store, manifest: Descriptor, trust: Trust, referrers: Iterable[Manifest | Index] | None = None) -> None:
    """Reads the component of a manifest and verifies it, by the signatures among `referrers` if given; raises what `pull` raises."""
    with scratch_folder() as scratch:
        pull(Target(store=store, wanted=manifest, pinned=True), scratch / "component.wasm", trust=trust, referrers=referrers)


def _check_tags(own: Store, member: Member) -> Iterator[Finding]:
    for tag in sorted(member.tags):
        named = find_tag(own, tag, member.digest)
        if named != member.digest:
            error = DigestError(
                f"tag {tag} is {named or 'absent'}, and the release has {member.digest}",
                where=own.name,
                hint="publish the release with --ask-all",
            )
            yield Finding(member=member, problem="tag elsewhere", error=error)
