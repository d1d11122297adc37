"""The release index: an OCI image index that names all that was released together (OCI image specification 1.1, image-index.md).

Each entry is a member's descriptor; its annotations say what it is called, in which repository it is, by which tags, and which
manifests refer to it, such as its detached signature. Entries are sorted and nothing depends on the time or the registry, so that the
same members make the same digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError, UsageError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, TITLE_ANNOTATION, Descriptor, document_kind
from wasm_oci.oci.manifest import Index
from wasm_oci.oci.reference import check_repository, check_tag
from wasm_oci.oci.store import FetchedManifest

RELEASE_ARTIFACT_TYPE = "application/vnd.wasm.release.v1"
VERSION_ANNOTATION = "org.opencontainers.image.version"
REPOSITORY_ANNOTATION = "com.wasm.release.repository"
"""The repository of the index, or of a member, without what a registry puts before it: the same at every registry."""
TAGS_ANNOTATION = "com.wasm.release.tags"
REFERRERS_ANNOTATION = "com.wasm.release.referrers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One artifact of a release."""

    descriptor: Descriptor
    """Its media type, digest and size."""
    repository: str
    title: str = ""
    version: str = ""
    tags: frozenset[str] = frozenset()
    referrers: frozenset[Digest] = frozenset()
    """What was published with it and refers to it, such as signatures."""

    @property
    def digest(self) -> Digest:
        return self.descriptor.digest

    @property
    def plain(self) -> Descriptor:
        """Its descriptor without annotations."""
        return Descriptor(media_type=self.descriptor.media_type, digest=self.descriptor.digest, size=self.descriptor.size)

    def entry(self) -> Descriptor:
        """Returns its entry in the index."""
        annotations = {
            TITLE_ANNOTATION: self.title,
            VERSION_ANNOTATION: self.version,
            REPOSITORY_ANNOTATION: self.repository,
            TAGS_ANNOTATION: " ".join(sorted(self.tags)),
            REFERRERS_ANNOTATION: " ".join(sorted(map(str, self.referrers))),
        }
        return replace(self.plain, annotations={name: text for name, text in annotations.items() if text})

    def to_json(self) -> JsonObject:
        """Returns what people and programs look at."""
        return {
            "repository": self.repository,
            "digest": str(self.digest),
            "title": self.title,
            "version": self.version,
            "tags": sorted(self.tags),
            "referrers": sorted(map(str, self.referrers)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseIndex:
    """What was released together."""

    repository: str
    """Of the index itself."""
    members: tuple[Member, ...]
    """Sorted by repository and digest."""
    _known: Mapping[tuple[str, Digest], Member] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", {(member.repository, member.digest): member for member in self.members})

    @staticmethod
    def of(repository: str, members: Iterable[Member]) -> ReleaseIndex:
        """Returns the release of `members`; one that is given twice counts once, with the tags and referrers of both."""
        merged: dict[tuple[str, Digest], Member] = {}
        for member in members:
            other = merged.setdefault((member.repository, member.digest), member)
            if other is not member:
                both = replace(member, tags=member.tags | other.tags, referrers=member.referrers | other.referrers)
                merged[member.repository, member.digest] = both
        return ReleaseIndex(repository=repository, members=tuple(merged[key] for key in sorted(merged)))

    @staticmethod
    def parse(fetched: FetchedManifest, *, where: str) -> ReleaseIndex:
        """Raises UsageError for another kind of artifact, FormatError or LimitError for a malformed index."""
        if fetched.descriptor.media_type != INDEX_MEDIA_TYPE:
            raise UsageError(
                f"this is {document_kind(fetched.descriptor.media_type)}, not a release",
                where=where,
                hint="name what `wasm_release` published",
            )
        index = Index.parse(fetched.data, where=where, digest=fetched.descriptor.digest)
        if index.artifact_type != RELEASE_ARTIFACT_TYPE:
            what = f"this index has the type {index.artifact_type or 'none'}, not that of a release"
            raise UsageError(what, where=where, hint="name what `wasm_release` published")
        if not index.manifests:
            raise FormatError("the release names no members", where=where, hint="publish the release again")
        repository = _name(index.annotations, where=where)
        members = [_member(entry, where=f"{where}: manifests[{number}]") for number, entry in enumerate(index.manifests)]
        if len({(member.repository, member.digest) for member in members}) != len(members):
            raise FormatError("the release names a member twice", where=where, hint="publish the release again")
        return ReleaseIndex(repository=repository, members=tuple(members))

    def index(self) -> Index:
        """Returns the document; raises LimitError for a release that no registry has to take."""
        document = Index(
            manifests=tuple(member.entry() for member in self.members),
            artifact_type=RELEASE_ARTIFACT_TYPE,
            annotations={REPOSITORY_ANNOTATION: self.repository},
        )
        document.keep()
        size = len(document.raw)
        if size > LIMITS.manifest or len(self.members) > LIMITS.descriptors:
            raise LimitError(
                f"a release index of {len(self.members)} members has {size} bytes: at most {LIMITS.descriptors} members and "
                f"{LIMITS.manifest} bytes are possible",
                where=self.repository,
                hint="publish several releases",
            )
        return document

    def names(self, member: Member) -> bool:
        """Returns whether a member is in this release, in the same repository, with all its tags and referrers."""
        known = self._known.get((member.repository, member.digest))
        return known is not None and member.tags <= known.tags and member.referrers <= known.referrers


def _name(annotations: Mapping[str, str], *, where: str) -> str:
    found = annotations.get(REPOSITORY_ANNOTATION, "")
    try:
        return check_repository(found, where=where)
    except UsageError as err:
        raise FormatError(f"{REPOSITORY_ANNOTATION}: {err.what}", where=where, hint="publish the release again") from err


def _member(entry: Descriptor, *, where: str) -> Member:
    annotations = entry.annotations
    try:
        tags = frozenset(check_tag(tag) for tag in annotations.get(TAGS_ANNOTATION, "").split())
    except UsageError as err:
        raise FormatError(f"{TAGS_ANNOTATION}: {err.what}", where=where, hint="publish the release again") from err
    return Member(
        descriptor=Descriptor(media_type=entry.media_type, digest=entry.digest, size=entry.size),
        repository=_name(annotations, where=where),
        title=annotations.get(TITLE_ANNOTATION, ""),
        version=annotations.get(VERSION_ANNOTATION, ""),
        tags=tags,
        referrers=frozenset(Digest.parse(text, where=where) for text in annotations.get(REFERRERS_ANNOTATION, "").split()),
    )
