"""Promotes an artifact, or a release with all its members, from one place to another by digest; nothing is built again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import NotFoundError, UsageError
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE
from wasm_oci.oci.manifest import Index
from wasm_oci.oci.reference import Reference, check_repository, check_tag
from wasm_oci.oci.release_index import RELEASE_ARTIFACT_TYPE, Member, ReleaseIndex
from wasm_oci.oci.target import Target
from wasm_oci.publish.artifact import Artifact
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.release_request import (
    NO_POLICY,
    ArtifactRequest,
    DestinationRequest,
    IndexRequest,
    PolicyRequest,
    ReleaseRequest,
)
from wasm_oci.publish.resolve import NamedRepository, entry_of
from wasm_oci.publish.workers import Work, do_all
from wasm_oci.releases.carried import artifact_in
from wasm_oci.releases.check import fetch_member, verify_component
from wasm_oci.releases.places import prefix_of
from wasm_oci.trust.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotedTo:
    """A repository of a registry, or the folder of a layout."""

    registries: tuple[RegistryEntry, ...] = ()
    credential_files: tuple[str, ...] = ()
    registry: str = ""
    """An entry's name, or a host; empty for a folder."""
    repository: str = ""
    tag: str | None = None
    folder: Path | None = None

    @staticmethod
    def parse(text: str, registries: tuple[RegistryEntry, ...] = ()) -> PromotedTo:
        """Returns what `HOST/REPOSITORY[:TAG]`, or the same with an entry's name, stands for; raises UsageError for anything else."""
        name, slash, rest = text.partition("/")
        if slash and name in {entry.name for entry in registries}:
            repository, colon, tag = rest.partition(":")
            check_repository(repository, where=text)
            tagged = check_tag(tag, where=text) if colon else None
            return PromotedTo(registries=registries, registry=name, repository=repository, tag=tagged)
        reference = Reference.parse(text)
        if reference.digest:
            raise UsageError("the digest of a destination is that of the source", where=text, hint=f"write {reference.name}")
        return PromotedTo(registries=registries, registry=reference.registry, repository=reference.repository, tag=reference.tag)

    def place(self, name: str = "", prefix: str = "") -> NamedRepository:
        """Returns the repository of a name that a release has, by default its own; in a folder all names are one place."""
        entries, registry = self.registries, self.registry
        if self.folder:
            entries = (RegistryEntry(name=str(self.folder), type="layout", path=str(self.folder)),)
            registry = entries[0].name
        if prefix:
            registry = f"{registry}/{prefix.strip('/')}"
        return NamedRepository(
            registries=entries,
            registry=registry,
            namespace="",
            repository=name or self.repository,
            credential_files=self.credential_files,
        )

    @property
    def host(self) -> str:
        """The host of the registry, empty for a folder."""
        return "" if self.folder else entry_of(self.place()).host

    def prefix(self, named: str) -> str:
        """Returns what is before the names of a release, whose index is `named`; raises UsageError for another repository."""
        if self.folder:
            return ""
        known = self.registry in {entry.name for entry in self.registries}
        where = f"{self.registry}/{self.repository}"
        prefix = prefix_of(self.repository, named, where=where)
        if prefix and known:
            raise UsageError(f"the release calls its repository {named}", where=where, hint=f"write {self.registry}/{named}")
        return prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What is promoted, and how."""

    destination: PromotedTo
    tags: tuple[str, ...] = ()
    movable_tags: frozenset[str] = frozenset()
    move_tags: bool = False
    plain_http: frozenset[str] = frozenset()
    dry_run: bool = False
    read_whole: bool = False
    """Whether blobs of any size are read back whole."""
    require_referrers_api: bool = False
    """Whether a registry without the referrers API is refused."""
    audit_log: Path | None = None
    """The folder of the log that has to have a record of this; None for no record."""
    policy: PolicyRequest = NO_POLICY
    """The policies that have to allow it there."""
    trust: Trust | None = None
    """Whom to trust: then every component is read and verified before anything is written."""

    def release(self, *artifacts: ArtifactRequest, indexes: tuple[IndexRequest, ...] = ()) -> ReleaseRequest:
        """Returns what is to be published, to one place, so that nothing is begun after a failure."""
        return ReleaseRequest(
            artifacts=artifacts,
            indexes=indexes,
            dry_run=self.dry_run,
            plain_http=self.plain_http,
            read_whole=self.read_whole,
            require_referrers_api=self.require_referrers_api,
            audit_log=self.audit_log,
        )


def promotion_of(source: Target, promotion: Promotion, *, interrupt: Callable[[], None] = lambda: None) -> ReleaseRequest:
    """Returns the release that promotes what a source names: its bytes as they are, with all referrers.

    A release index goes with all its members, each into its own repository too. Raises UsageError where the destination's repository is
    not called as the release says, what reading the source raises, and SignatureError where `trust` did not sign it.
    """
    fetched = source.fetch()
    artifact = artifact_in(source.store, fetched)
    index = artifact.manifest
    if isinstance(index, Index) and index.artifact_type == RELEASE_ARTIFACT_TYPE:
        release = ReleaseIndex.parse(fetched, where=artifact.where)
        return _release(source, artifact, release, promotion, interrupt)
    if fetched.descriptor.media_type == INDEX_MEDIA_TYPE:
        raise UsageError("this index is not a release", where=artifact.where, hint="promote each of its manifests by digest")
    _verify(source, artifact, promotion)
    request = ArtifactRequest(
        ready=artifact,
        policy=promotion.policy,
        destinations=(DestinationRequest(repository=promotion.destination.place(), tags=promotion.tags),),
        movable_tags=promotion.movable_tags,
        move_tags=promotion.move_tags,
    )
    return promotion.release(request)


def _verify(source: Target, artifact: Artifact, promotion: Promotion) -> None:
    """Verifies what is carried, with the signatures that go with it: a source may list others when it is asked again."""
    if promotion.trust:
        own = [referrer for referrer in artifact.referrers if artifact.is_subject_of(referrer)]
        verify_component(source.store, artifact.descriptor, promotion.trust, own)


def _release(
    source: Target, artifact: Artifact, release: ReleaseIndex, promotion: Promotion, interrupt: Callable[[], None]
) -> ReleaseRequest:
    members = _members(source, release.members, promotion, interrupt)
    destination = promotion.destination
    prefix = destination.prefix(release.repository)
    index = IndexRequest(
        destination=DestinationRequest(repository=destination.place(release.repository, prefix), tags=promotion.tags),
        movable_tags=promotion.movable_tags,
        move_tags=promotion.move_tags,
        ready=artifact,
        policy=promotion.policy,
    )
    artifacts = tuple(
        ArtifactRequest(
            ready=ready,
            policy=promotion.policy,
            destinations=(DestinationRequest(repository=destination.place(member.repository, prefix), tags=tuple(sorted(member.tags))),),
            movable_tags=promotion.movable_tags,
            move_tags=promotion.move_tags,
        )
        for member, ready in zip(release.members, members, strict=True)
    )
    return promotion.release(*artifacts, indexes=(index,))


def _members(source: Target, members: Sequence[Member], promotion: Promotion, interrupt: Callable[[], None]) -> list[Artifact]:
    """Reads the manifests of all members, and what refers to them, several at a time."""
    found: dict[int, Artifact] = {}

    def read(number: int, member: Member) -> None:
        artifact = found[number] = artifact_in(source.store, fetch_member(source.store, member))
        if lost := member.referrers - frozenset().union(*(Digest.all_of(referrer.raw) for referrer in artifact.referrers)):
            what = f"the release names the referrer {min(lost)} of {member.repository}, which is not listed there"
            raise NotFoundError(what, where=artifact.where, hint="publish the release again")
        _verify(source, artifact, promotion)

    place = source.store.place
    do_all((Work(place=place, run=partial(read, number, member)) for number, member in enumerate(members)), interrupt=interrupt)
    return [found[number] for number in range(len(members))]
