"""The `index.json` of an OCI image layout (image-layout.md), edited in place: what another program wrote into it stays.

Entries are kept as JSON. Only the entry that is asked for is read as a descriptor, so that an entry with a digest of another
algorithm, or one that is malformed, neither gets lost nor hides the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from wasm_oci.digest import Digest, is_of_other_algorithm
from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject, canonical, indented, parse_object, pretty
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor, member

_MOST_COMPARED = 64
_ENTRY_DEPTH = 2


class LayoutIndex:
    """The entries of a layout's index; `encode` gives all that was parsed, with the edits.

    An entry is never changed, only replaced: what it is as a descriptor and as text is found out once, also for copies.
    """

    def __init__(self, document: JsonObject | None = None, *, where: str = "") -> None:
        """`document` is the parsed file; without one the index is empty."""
        self._document = document or {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": []}
        self._where = where
        self._texts: dict[int, tuple[object, str]] = {}
        self._descriptors: dict[int, tuple[object, Descriptor]] = {}
        """By the identity of the entry, which is kept with it."""

    def copy(self) -> LayoutIndex:
        """Returns the same entries, to be edited."""
        other = LayoutIndex({**self._document}, where=self._where)
        other._texts, other._descriptors = self._texts, self._descriptors
        return other

    @staticmethod
    def parse(data: bytes, *, where: str, limit: int = LIMITS.manifest) -> LayoutIndex:
        """Raises FormatError or LimitError for a document that is not an image index; its entries are not looked at."""
        document = parse_object(data, where=where, limit=limit)
        version = member(document, "schemaVersion", int, where=where)
        if version != 2:
            raise FormatError(f"schemaVersion must be 2, but is {version}", where=where)
        found = member(document, "mediaType", str, where=where, needed=False)
        if found not in (None, INDEX_MEDIA_TYPE):
            raise FormatError(f"mediaType must be {INDEX_MEDIA_TYPE}, but is {found[:100]!r}", where=where)
        member(document, "manifests", list, where=where)
        return LayoutIndex(document, where=where)

    def encode(self) -> bytes:
        """Returns sorted, indented JSON: `jsontext.pretty` of the document."""
        self._texts = {id(entry): self._texts.get(id(entry)) or (entry, indented(entry, _ENTRY_DEPTH)) for entry in self.entries}
        self._descriptors = {key: known for key in self._texts if (known := self._descriptors.get(key))}
        texts = [self._texts[id(entry)][1] for entry in self.entries]
        members = {key: indented(value, 1) for key, value in self._document.items() if key != "manifests"}
        members["manifests"] = "[\n    " + ",\n    ".join(texts) + "\n  ]" if texts else "[]"
        lines = ",\n  ".join(f"{indented(key, 1)}: {text}" for key, text in sorted(members.items()))
        return f"{{\n  {lines}\n}}\n".encode()

    def sorted_bytes(self) -> bytes:
        """Returns the same with its entries in an order that does not depend on when they were written."""
        entries = sorted(self.entries, key=canonical)
        return pretty({**self._document, "manifests": entries})

    @property
    def entries(self) -> list[Any]:
        """The entries as JSON, whatever they are."""
        entries: list[Any] = self._document["manifests"]
        return entries

    def objects(self) -> Iterator[JsonObject]:
        """Yields the entries that are JSON objects."""
        return (entry for entry in self.entries if isinstance(entry, dict))

    def named(self, name: Digest | str) -> list[JsonObject]:
        """Returns the entries of a digest or tag."""
        if isinstance(name, Digest):
            return [entry for entry in self.objects() if entry.get("digest") == name.text]
        return [entry for entry in self.objects() if tag_of(entry) == name]

    def tags(self) -> list[str]:
        """Returns the tags, sorted."""
        return sorted({tag for entry in self.objects() if (tag := tag_of(entry)) is not None})

    def read(self, entries: Iterable[JsonObject]) -> Descriptor:
        """Returns the first of `entries` that is a descriptor; raises the FormatError of the first that is not."""
        first: JsonObject | None = None
        for entry in entries:
            try:
                return Descriptor.parse(entry, where=self._where)
            except FormatError:
                first = first or entry
        number = next(number for number, other in enumerate(self.entries) if other is first)
        return self._parse(number, first)

    def descriptors(self, unreadable: list[FormatError]) -> Iterator[Descriptor]:
        """Yields all entries that can be read, and adds the errors of the others to `unreadable`.

        Those with a digest of another algorithm are passed over.
        """
        for number, entry in enumerate(self.entries):
            known = self._descriptors.get(id(entry))
            try:
                descriptor = known[1] if known else self._parse(number, entry)
                self._descriptors[id(entry)] = known or (entry, descriptor)
                yield descriptor
            except FormatError as err:
                if not (isinstance(entry, dict) and is_of_other_algorithm(entry.get("digest"))):
                    unreadable.append(err)

    def _parse(self, number: int, entry: object) -> Descriptor:
        return Descriptor.parse(entry, where=f"{self._where}: manifests[{number}]")

    def put(self, descriptor: JsonObject, tag: str | None) -> bool:
        """Lists a descriptor, under `tag` where given; returns whether anything changed.

        The manifest that had the tag stays listed without it. An entry of the same digest keeps the members that
        `descriptor` does not have.
        """
        before, digest = self.entries, descriptor["digest"]
        same = [entry for entry in self.objects() if entry.get("digest") == digest]
        if tag is None:
            missing = not any(map(is_descriptor, same))
            if missing:
                self._document["manifests"] = [*before, _with_tag(descriptor, None)]
            return missing
        self._untag([entry for entry in self.named(tag) if entry.get("digest") != digest])
        usable = [entry for entry in same if isinstance(entry.get("annotations"), dict | None) and tag_of(entry) in (tag, None)]
        place = next((entry for entry in usable if tag_of(entry)), usable[0] if usable else None)
        if place is None:
            self._document["manifests"] = [*self.entries, _with_tag(descriptor, tag)]
        else:
            annotations = {**_annotations(place), **_annotations(descriptor)}
            self._replace(place, _with_tag({**place, **descriptor, "annotations": annotations}, tag))
        self._drop_repeated([digest])
        return self.entries != before

    def delete_tag(self, tag: str) -> bool:
        """Takes a tag away; what it named stays listed under its digest. Returns whether the tag was there."""
        found = self.named(tag)
        self._untag(found)
        return bool(found)

    def delete(self, digest: Digest) -> bool:
        """Removes all entries of a digest; returns whether there were any."""
        before = len(self.entries)
        self._document["manifests"] = [
            entry for entry in self.entries if not (isinstance(entry, dict) and entry.get("digest") == digest.text)
        ]
        return len(self.entries) != before

    def _untag(self, entries: Iterable[JsonObject]) -> None:
        bare = {id(entry): _with_tag(entry, None) for entry in entries}
        self._document["manifests"] = [bare.get(id(entry), entry) for entry in self.entries]
        self._drop_repeated(digest for entry in bare.values() if isinstance(digest := entry.get("digest"), str))

    def _replace(self, entry: JsonObject, new: JsonObject) -> None:
        self._document["manifests"] = [new if other is entry else other for other in self.entries]

    def _drop_repeated(self, digests: Iterable[str]) -> None:
        """Removes entries of these digests without a tag where another entry of the digest says all that they say.

        Where very many entries have one digest all of them stay: every two would have to be compared.
        """
        groups: dict[str, list[JsonObject]] = {digest: [] for digest in digests}
        for entry in self.objects():
            if isinstance(digest := entry.get("digest"), str) and digest in groups:
                groups[digest].append(entry)
        dropped: set[int] = set()
        for group in groups.values():
            if len(group) > _MOST_COMPARED:
                continue
            for entry in group:
                others = (other for other in group if other is not entry and id(other) not in dropped)
                if tag_of(entry) is None and any(_says_all(other, entry) for other in others):
                    dropped.add(id(entry))
        if dropped:
            self._document["manifests"] = [entry for entry in self.entries if id(entry) not in dropped]


def tag_of(entry: JsonObject) -> str | None:
    """Returns the tag of an entry, its annotation `org.opencontainers.image.ref.name`."""
    name = _annotations(entry).get(REF_NAME_ANNOTATION)
    return name if isinstance(name, str) and name else None


def is_descriptor(entry: JsonObject) -> bool:
    """Returns whether an entry can be read."""
    try:
        Descriptor.parse(entry, where="")
    except FormatError:
        return False
    return True


def _annotations(entry: JsonObject) -> JsonObject:
    annotations = entry.get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def _with_tag(entry: JsonObject, tag: str | None) -> JsonObject:
    annotations = {key: value for key, value in _annotations(entry).items() if key != REF_NAME_ANNOTATION}
    if tag:
        annotations[REF_NAME_ANNOTATION] = tag
    rest = {key: value for key, value in entry.items() if key != "annotations"}
    return {**rest, "annotations": annotations} if annotations else rest


def _says_all(other: JsonObject, entry: JsonObject) -> bool:
    """Whether every member and annotation of `entry` is in `other`, with the same value."""
    annotations = entry.get("annotations")
    members = {key: value for key, value in entry.items() if key != "annotations" or not isinstance(annotations, dict)}
    return _holds(other, members) and _holds(_annotations(other), _annotations(entry))


def _holds(other: JsonObject, members: JsonObject) -> bool:
    return all(key in other and other[key] == value for key, value in members.items())
