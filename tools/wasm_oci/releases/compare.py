"""What is in a release, and what is new, changed or gone against another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wasm_oci.digest import Digest
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.release_index import Member, ReleaseIndex
from wasm_oci.oci.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRelease:
    """A release as it was read."""

    target: Target
    digest: Digest
    index: ReleaseIndex

    def to_json(self) -> JsonObject:
        return {
            "target": self.target.store.name,
            "digest": str(self.digest),
            "repository": self.index.repository,
            "members": [member.to_json() for member in self.index.members],
        }


def read_release(target: Target) -> FoundRelease:
    """Raises NotFoundError where it is not there, UsageError for another kind of artifact, FormatError for a malformed index."""
    fetched = target.fetch()
    digest = fetched.descriptor.digest
    return FoundRelease(target=target, digest=digest, index=ReleaseIndex.parse(fetched, where=f"{target.store.name}@{digest}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a member: new, changed or gone."""

    kind: str
    repository: str
    before: Member | None
    after: Member | None

    def to_json(self) -> JsonObject:
        return {
            "change": self.kind,
            "repository": self.repository,
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json() if self.after else None,
        }


def compare(before: ReleaseIndex, after: ReleaseIndex) -> tuple[Change, ...]:
    """Returns the differences of two releases, sorted by repository; none where both hold the same.

    In a repository that each release has one member of, another digest, tag or signature is a change; of several members, those of
    one title and version belong together.
    """
    return tuple(_changes(before, after))


def _changes(before: ReleaseIndex, after: ReleaseIndex) -> Iterator[Change]:
    old, new = _grouped(before), _grouped(after)
    for repository in sorted(old.keys() | new.keys()):
        gone = [member for member in old.get(repository, ()) if member not in new.get(repository, ())]
        come = [member for member in new.get(repository, ()) if member not in old.get(repository, ())]
        for member in come:
            other = _counterpart(member, gone, alone=len(gone) == len(come) == 1)
            if other:
                gone.remove(other)
            yield Change(kind="changed" if other else "new", repository=repository, before=other, after=member)
        yield from (Change(kind="gone", repository=repository, before=member, after=None) for member in gone)


def _counterpart(member: Member, gone: list[Member], *, alone: bool) -> Member | None:
    if alone:
        return gone[0]
    same = (other for other in gone if other.digest == member.digest or (other.title, other.version) == (member.title, member.version))
    return next(same, None)


def _grouped(release: ReleaseIndex) -> dict[str, list[Member]]:
    groups: dict[str, list[Member]] = {}
    for member in release.members:
        groups.setdefault(member.repository, []).append(member)
    return groups
