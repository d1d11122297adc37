"""Descriptors and the media types of this package (OCI image specification 1.1, descriptor.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.wording import shown_value

MANIFEST_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_MEDIA_TYPE = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY_MEDIA_TYPE = "application/vnd.oci.empty.v1+json"
WASM_CONFIG_MEDIA_TYPE = "application/vnd.wasm.config.v0+json"
WASM_LAYER_MEDIA_TYPE = "application/wasm"
SIGNATURE_MEDIA_TYPE = "application/vnd.wasmsign2.signature.v1"
BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

TITLE_ANNOTATION = "org.opencontainers.image.title"
REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name"

EMPTY_BLOB = b"{}"

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a string", int: "a whole number"}


def member(document: JsonObject, key: str, kind: type, *, where: str, needed: bool = True) -> Any:
    """Returns `document[key]` of JSON type `kind`, or None where it is absent or null and not `needed`."""
    value = document.get(key)
    if value is None and not needed:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found = "missing" if key not in document else shown_value(value)
        raise FormatError(f"must be {_KINDS[kind]}, but is {found}", where=f"{where}.{key}")
    return value


def is_media_type(text: str) -> bool:
    """Says whether a text is a media type without parameters (RFC 6838, section 4.2)."""
    return _MEDIA_TYPE.fullmatch(text) is not None


_DOCUMENTS = {
    MANIFEST_MEDIA_TYPE: "an OCI image manifest",
    INDEX_MEDIA_TYPE: "an OCI image index",
    DOCKER_MANIFEST_MEDIA_TYPE: "a Docker image manifest",
    DOCKER_LIST_MEDIA_TYPE: "a Docker manifest list",
}


def document_kind(media_type: str) -> str:
    """Returns in words what a manifest of this media type is, for "this is …"."""
    return _DOCUMENTS.get(media_type) or f"of type {media_type[:80]}"


def parse_media_type(document: JsonObject, key: str, *, where: str, needed: bool = True) -> str | None:
    """Returns a media type without parameters, or None where absent and not `needed`."""
    value = member(document, key, str, where=where, needed=needed)
    if value is None or (value == "" and not needed):
        return None
    if not is_media_type(value):
        raise FormatError(f"{value[:100]!r} is not a media type", where=f"{where}.{key}")
    return str(value)


def parse_annotations(document: JsonObject, *, where: str) -> dict[str, str]:
    """Returns the `annotations` member, empty where absent or null; raises LimitError for too many or too much."""
    found = member(document, "annotations", dict, where=where, needed=False) or {}
    path = f"{where}.annotations"
    for key, value in found.items():
        if not isinstance(value, str):
            raise FormatError(f"the value of {key[:100]!r} must be a string", where=path)
    check_annotation_limits(found, where=path)
    return dict(found)


def check_annotation_limits(annotations: Mapping[str, str], *, where: str) -> None:
    """Raises LimitError for more annotations, or more bytes of them, than the limits allow."""
    if len(annotations) > LIMITS.annotations:
        raise LimitError(f"{len(annotations)} annotations exceed the limit of {LIMITS.annotations}", where=where)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > LIMITS.annotation_bytes:
        raise LimitError(f"the annotations have {size} bytes, more than {LIMITS.annotation_bytes}", where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """Media type, digest and size of a blob or manifest; what else its producer wrote is not kept."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str | None = None
    platform: Mapping[str, Any] | None = field(default=None, hash=False)

    @staticmethod
    def of(data: bytes, media_type: str) -> Descriptor:
        """Describes `data`."""
        return Descriptor(media_type=media_type, digest=Digest.of(data), size=len(data))

    @staticmethod
    def parse(obj: object, *, where: str) -> Descriptor:
        """Raises FormatError, or LimitError, with the JSON path (`where` and the member) of what is wrong."""
        if not isinstance(obj, dict):
            raise FormatError(f"must be an object, but is {shown_value(obj)}", where=where)
        size = member(obj, "size", int, where=where)
        if size < 0:
            raise FormatError(f"must not be negative, but is {size}", where=f"{where}.size")
        if size > LIMITS.wasm_file:
            raise LimitError(f"{size} bytes exceed the limit of {LIMITS.wasm_file}", where=f"{where}.size")
        return Descriptor(
            media_type=parse_media_type(obj, "mediaType", where=where) or "",
            digest=Digest.parse(obj.get("digest"), where=f"{where}.digest"),
            size=size,
            annotations=parse_annotations(obj, where=where),
            artifact_type=parse_media_type(obj, "artifactType", where=where, needed=False),
            platform=member(obj, "platform", dict, where=where, needed=False),
        )

    def to_json(self) -> JsonObject:
        """Returns the JSON object; optional members only where they hold something."""
        document: JsonObject = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        if self.platform:
            document["platform"] = dict(self.platform)
        return document


EMPTY = Descriptor.of(EMPTY_BLOB, EMPTY_MEDIA_TYPE)
"""The empty config of artifacts that have none (manifest.md, "Guidance for an Empty Descriptor")."""


def listed_artifact_type(own: object, config_media_type: object) -> str | None:
    """Returns what a list of referrers says of a manifest (distribution specification, "Listing Referrers").

    That is its own artifactType, else its config's media type; None where it has neither.
    """
    found = own or config_media_type
    return found if isinstance(found, str) else None
