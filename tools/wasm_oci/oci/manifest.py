"""Image manifests and indexes (OCI image specification 1.1, manifest.md and image-index.md).

Written as canonical JSON, the form in which wkg pushes: sorted keys, no white space, `annotations` only where
there are any. Read in any form; the digest is always that of the bytes as they came.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.jsontext import JsonObject, canonical, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import (
    EMPTY,
    EMPTY_MEDIA_TYPE,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    SIGNATURE_MEDIA_TYPE,
    WASM_LAYER_MEDIA_TYPE,
    Descriptor,
    member,
    parse_annotations,
    parse_media_type,
)

_log = logging.getLogger(__name__)

_FOREIGN = {MANIFEST_MEDIA_TYPE: ("manifests",), INDEX_MEDIA_TYPE: ("config", "layers")}
"""The members of the other kind: programs that go by them and not by the media type would take a document for that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document(ABC):
    """What manifests and indexes have in common."""

    MEDIA_TYPE: ClassVar[str]

    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str | None = None
    subject: Descriptor | None = None
    _source: bytes = field(init=False, default=b"", compare=False, repr=False)
    _digest: Digest | None = field(init=False, default=None, compare=False, repr=False)

    @abstractmethod
    def _members(self) -> JsonObject: ...

    def encode(self) -> bytes:
        """Returns canonical JSON made from the fields."""
        document: JsonObject = {"schemaVersion": 2, "mediaType": self.MEDIA_TYPE, **self._members()}
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.subject:
            document["subject"] = self.subject.to_json()
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return canonical(document)

    @property
    def raw(self) -> bytes:
        """The bytes that were parsed, else those of `encode`."""
        return self._source or self.encode()

    def descriptor(self) -> Descriptor:
        """Describes `raw`, by the digest that was given when it was parsed, else by SHA-256."""
        if self._digest is None:
            return Descriptor.of(self.raw, self.MEDIA_TYPE)
        return Descriptor(media_type=self.MEDIA_TYPE, digest=self._digest, size=len(self.raw))

    def keep(self) -> None:
        """Makes the bytes once and for all; for a document that is looked at often."""
        data = self.raw
        self._keep(data, Digest.of(data))

    def _keep(self, data: bytes, digest: Digest | None) -> None:
        object.__setattr__(self, "_source", data)
        object.__setattr__(self, "_digest", digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(_Document):
    """An image manifest: one config, its layers and what it refers to."""

    MEDIA_TYPE: ClassVar[str] = MANIFEST_MEDIA_TYPE

    config: Descriptor
    layers: tuple[Descriptor, ...]

    @staticmethod
    def parse(data: bytes, *, where: str, digest: Digest | None = None) -> Manifest:
        """Raises FormatError or LimitError; `where` names the document in messages, `digest` is that of `data` where known."""
        document = _open(data, MANIFEST_MEDIA_TYPE, where=where)
        config = Descriptor.parse(document.get("config"), where=f"{where}: config")
        artifact_type = parse_media_type(document, "artifactType", where=where, needed=False)
        if config.media_type == EMPTY_MEDIA_TYPE and not artifact_type:
            raise FormatError("artifactType is required because the config is empty", where=where)
        manifest = Manifest(
            config=config,
            layers=_descriptors(document, "layers", where=where),
            annotations=parse_annotations(document, where=where),
            artifact_type=artifact_type,
            subject=_subject(document, where=where),
        )
        manifest._keep(data, digest)
        return manifest

    @property
    def components(self) -> tuple[Descriptor, ...]:
        """The layers that are WebAssembly; an artifact of this kind has exactly one."""
        return tuple(layer for layer in self.layers if layer.media_type == WASM_LAYER_MEDIA_TYPE)

    def _members(self) -> JsonObject:
        return {"config": self.config.to_json(), "layers": [layer.to_json() for layer in self.layers]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(_Document):
    """An image index: a list of manifests; also a layout's index.json and a list of referrers."""

    MEDIA_TYPE: ClassVar[str] = INDEX_MEDIA_TYPE

    manifests: tuple[Descriptor, ...] = ()

    @staticmethod
    def parse(data: bytes, *, where: str, skip_bad: bool = False, digest: Digest | None = None) -> Index:
        """Raises FormatError or LimitError; `where` names the document in messages, `digest` is that of `data` where known.

        With `skip_bad`, entries that cannot be used, such as those with a digest of another algorithm, are logged only.
        """
        document = _open(data, INDEX_MEDIA_TYPE, where=where)
        index = Index(
            manifests=_descriptors(document, "manifests", where=where, skip_bad=skip_bad),
            annotations=parse_annotations(document, where=where),
            artifact_type=parse_media_type(document, "artifactType", where=where, needed=False),
            subject=_subject(document, where=where),
        )
        index._keep(data, digest)
        return index

    def _members(self) -> JsonObject:
        return {"manifests": [entry.to_json() for entry in self.manifests]}


def signature_referrer(subject: Descriptor, signature: bytes) -> Manifest:
    """Returns the manifest by which a detached wasmsign2 signature travels with the manifest `subject`.

    Its only layer is `signature`; its config is the empty blob (`descriptor.EMPTY_BLOB`).
    """
    return Manifest(
        config=EMPTY,
        layers=(Descriptor.of(signature, SIGNATURE_MEDIA_TYPE),),
        artifact_type=SIGNATURE_MEDIA_TYPE,
        subject=Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size),
    )


def _open(data: bytes, media_type: str, *, where: str) -> JsonObject:
    document = parse_object(data, where=where, limit=LIMITS.manifest)
    version = member(document, "schemaVersion", int, where=where)
    if version != 2:
        raise FormatError(f"schemaVersion must be 2, but is {version}", where=where)
    found = member(document, "mediaType", str, where=where, needed=False)
    if found is not None and found != media_type:
        raise FormatError(f"mediaType must be {media_type}, but is {found[:100]!r}", where=where)
    for key in _FOREIGN[media_type]:
        if document.get(key) is not None:
            raise FormatError(f"{key} makes it ambiguous: a manifest has config and layers, an index has manifests", where=where)
    return document


def _descriptors(document: JsonObject, key: str, *, where: str, skip_bad: bool = False) -> tuple[Descriptor, ...]:
    found = member(document, key, list, where=where)
    if len(found) > LIMITS.descriptors:
        raise LimitError(f"{len(found)} {key} exceed the limit of {LIMITS.descriptors}", where=where)
    parsed = []
    for number, entry in enumerate(found):
        try:
            parsed.append(Descriptor.parse(entry, where=f"{where}: {key}[{number}]"))
        except FormatError as err:
            if not skip_bad:
                raise
            _log.warning("an entry is skipped: %s", err)
    return tuple(parsed)


def _subject(document: JsonObject, *, where: str) -> Descriptor | None:
    found = member(document, "subject", dict, where=where, needed=False)
    return None if found is None else Descriptor.parse(found, where=f"{where}: subject")
