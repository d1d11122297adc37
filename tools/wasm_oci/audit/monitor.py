"""Compares what a log says was published with what registries serve now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, NotFoundError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.referrers import listed_digests
from wasm_oci.oci.store import Store, find_tag

_OF_REFERRERS = re.compile(r"sha(256-[0-9a-f]{64}|512-[0-9a-f]{128})(\..*)?")
"""Tags that list what refers to a manifest (OCI distribution specification, "Referrers Tag Schema"), and those of cosign."""
_Run = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a registry serves otherwise than the log says."""

    kind: str
    """`moved`, `gone`, `referrer gone` or `unknown`."""
    destination: str
    what: str

    def to_json(self) -> JsonObject:
        return {"kind": self.kind, "destination": self.destination, "what": self.what}


@dataclass(slots=True, kw_only=True)
class Published:
    """What a log says of one repository."""

    tags: dict[str, Digest] = field(default_factory=dict)
    """What each tag named after the last run that wrote it."""
    referrers: dict[Digest, set[Digest]] = field(default_factory=dict)
    """What was published with each manifest."""
    unfinished: dict[str, set[Digest]] = field(default_factory=dict)
    """What a tag may name in place of that, because a run was killed."""


def published_in(records: Iterable[JsonObject]) -> dict[str, Published]:
    """Returns what was published where, by the records of a log in their order; records of other kinds are passed over.

    Raises FormatError for a record of publishing that is malformed.
    """
    places: dict[str, Published] = {}
    begun: dict[_Run, Mapping[str, Any]] = {}
    for number, record in enumerate(records):
        if record.get("event") not in ("intent", "outcome"):
            continue
        try:
            _take(record, places, begun)
        except (KeyError, TypeError, AttributeError, FormatError) as err:
            raise FormatError("the record is not one of publishing", where=f"record {number}", hint="see which program wrote it") from err
    for (_, destination, digest), intent in begun.items():
        place = places.setdefault(destination, Published())
        for tag in intent["tags"]:
            place.unfinished.setdefault(tag["tag"], set()).add(Digest.parse(digest))
    return places


def _take(record: JsonObject, places: dict[str, Published], begun: dict[_Run, Mapping[str, Any]]) -> None:
    run = (str(record["run"]), str(record["destination"]), str(record["digest"]))
    digest = Digest.parse(run[2])
    if record["event"] == "intent":
        begun[run] = {"tags": [{"tag": str(tag["tag"])} for tag in record["tags"]], "referrers": record["referrers"]}
        return
    intent = begun.pop(run, {"referrers": []})
    place = places.setdefault(run[1], Published())
    for tag in record["tags"]:
        if tag["now"] == run[2]:
            place.tags[str(tag["tag"])] = digest
    if record["status"] in ("published", "unchanged"):
        place.referrers.setdefault(digest, set()).update(Digest.parse(each) for each in intent["referrers"])


def compare(places: Mapping[str, Published], open_repository: Callable[[str], Store]) -> Iterator[Finding]:
    """Yields what is otherwise: tags that name something else or are gone, what was published with them, and tags that the log lacks.

    What cannot be found out is raised: a registry that does not respond is no proof of anything.
    """
    for destination, published in sorted(places.items()):
        store = open_repository(destination)
        for tag, digest in sorted(published.tags.items()):
            yield from _tag(store, destination, published, tag, digest)
        for tag in _tags(store):
            if tag not in published.tags and tag not in published.unfinished and not _OF_REFERRERS.fullmatch(tag):
                found = store.find_manifest(tag)
                what = f"tag {tag} names {found.digest if found else 'nothing'}, and the log does not have it"
                yield Finding(kind="unknown", destination=destination, what=what)


def _tag(store: Store, destination: str, published: Published, tag: str, digest: Digest) -> Iterator[Finding]:
    try:
        now = find_tag(store, tag, digest)
    except (NotFoundError, DigestError):
        now = None
    if now is None:
        yield Finding(kind="gone", destination=destination, what=f"tag {tag} is gone; the log has {digest}")
    elif now != digest and now not in published.unfinished.get(tag, ()):
        yield Finding(kind="moved", destination=destination, what=f"tag {tag} names {now}; the log has {digest}")
    elif now == digest:
        wanted = frozenset(published.referrers.get(digest, ()))
        for lost in sorted(wanted - listed_digests(store, digest, wanted)):
            what = f"{lost}, which was published with {digest} (tag {tag}), is gone"
            yield Finding(kind="referrer gone", destination=destination, what=what)


def _tags(store: Store) -> tuple[str, ...]:
    try:
        return store.tags()
    except NotFoundError:
        return ()
