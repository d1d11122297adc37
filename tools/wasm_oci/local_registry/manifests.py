"""Manifests and indexes: what a registry accepts and gives back (distribution specification 1.1).

Unlike a client of ours, a registry must take any artifact, so this reads only what the protocol needs.
"""

from __future__ import annotations

from dataclasses import replace

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.local_registry.messages import Refusal, ServedRequest, ServedResponse, digest_header, read_all
from wasm_oci.local_registry.names import is_tag, needed_digest, parse_digest
from wasm_oci.local_registry.registry import Registry
from wasm_oci.local_registry.storage import Repository
from wasm_oci.oci.descriptor import (
    DOCKER_LIST_MEDIA_TYPE,
    DOCKER_MANIFEST_MEDIA_TYPE,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    listed_artifact_type,
)
from wasm_oci.oci.store import FetchedManifest

_IMAGES = (MANIFEST_MEDIA_TYPE, DOCKER_MANIFEST_MEDIA_TYPE)
_INDEXES = (INDEX_MEDIA_TYPE, DOCKER_LIST_MEDIA_TYPE)


def get_manifest(registry: Registry, request: ServedRequest, name: str, reference: str) -> ServedResponse:
    """The stored type is sent whatever Accept says: the specification leaves that to the registry."""
    del request
    stored = _find(registry.repository(name), name, reference)
    headers = {"Content-Type": stored.descriptor.media_type, **digest_header(stored.descriptor.digest)}
    return ServedResponse(status=200, headers=headers, body=stored.data)


def put_manifest(registry: Registry, request: ServedRequest, name: str, reference: str) -> ServedResponse:
    data = read_all(request.body, registry.behaviour.max_manifest, what="manifest")
    digest, tag = _target(reference, data)
    try:
        document = parse_object(data, where="")
    except FormatError as err:
        raise _invalid(str(err)) from err
    media_type = _media_type(request.headers.get("content-type", ""), document)
    repository = registry.repository(name)
    with repository.lock:
        _check_references(repository, media_type, document)
        if tag and registry.behaviour.immutable_tags and repository.tagged().get(tag, digest) != digest:
            raise Refusal(409, "DENIED", f"the tag {tag} exists with another digest and cannot be moved")
        described = Descriptor(media_type=media_type, digest=digest, size=len(data))
        repository.put_manifest(listed_descriptor(described, document), data, tag)
    headers = {"Location": f"/v2/{name}/manifests/{digest}", **digest_header(digest)}
    subject = subject_of(document)
    if subject and registry.behaviour.referrers_api:
        headers["OCI-Subject"] = str(subject)
    return ServedResponse(status=201, headers=headers)


def delete_manifest(registry: Registry, request: ServedRequest, name: str, reference: str) -> ServedResponse:
    """By digest: the manifest and its tags. By tag: the tag alone."""
    del request
    repository = registry.repository(name)
    digest = parse_digest(reference)
    with repository.lock:
        if registry.behaviour.immutable_tags and (digest is None or digest in repository.tagged().values()):
            raise Refusal(405, "UNSUPPORTED", "tags cannot be deleted here")
        if not (repository.delete_manifest(digest) if digest else repository.delete_tag(reference)):
            raise _unknown(name, reference)
    return ServedResponse(status=202)


def subject_of(document: JsonObject) -> Digest | None:
    """Returns the digest that the manifest says it refers to."""
    subject = document.get("subject")
    return parse_digest(str(subject.get("digest"))) if isinstance(subject, dict) else None


def listed_descriptor(stored: Descriptor, document: JsonObject) -> Descriptor:
    """Returns a manifest's entry in a list (distribution specification, "Listing Referrers")."""
    config, annotations = document.get("config"), document.get("annotations")
    config_media_type = config.get("mediaType") if isinstance(config, dict) else None
    return replace(
        stored,
        artifact_type=listed_artifact_type(document.get("artifactType"), config_media_type),
        annotations=annotations if subject_of(document) and isinstance(annotations, dict) else {},
    )


def _find(repository: Repository, name: str, reference: str) -> FetchedManifest:
    digest = parse_digest(reference)
    stored = repository.stored(digest or reference) if digest or is_tag(reference) else None
    if stored is None:
        raise _unknown(name, reference)
    return stored


def _target(reference: str, data: bytes) -> tuple[Digest, str | None]:
    """Returns the digest under which a manifest is stored, and the tag to move; None where it is pushed by its digest."""
    if ":" in reference:
        digest = needed_digest(reference)
        if not digest.is_of(data):
            raise Refusal(400, "DIGEST_INVALID", f"the manifest has digest {Digest.of(data, digest.algorithm)}, not {digest}")
        return digest, None
    if not is_tag(reference):
        raise _invalid("a tag has 1 to 128 letters, digits, '.', '_' or '-', and starts with a letter, a digit or '_'")
    return Digest.of(data), reference


def _media_type(content_type: str, document: JsonObject) -> str:
    media_type = content_type.partition(";")[0].strip()
    if media_type not in _IMAGES + _INDEXES:
        raise _invalid(f"Content-Type {media_type[:100]!r} is not the media type of a manifest or an index")
    if document.get("mediaType", media_type) != media_type:
        raise _invalid(f"mediaType is not the Content-Type {media_type}")
    if document.get("schemaVersion") != 2:
        raise _invalid("schemaVersion is not 2")
    if ("manifests" in document) != (media_type in _INDEXES):
        raise _invalid(f"the content is not a {media_type}")
    annotations = document.get("annotations", {})
    if not isinstance(annotations, dict) or not all(isinstance(value, str) for value in annotations.values()):
        raise _invalid("annotations must map strings to strings")
    if "subject" in document:
        _reference(document["subject"], "subject")
    return media_type


def _check_references(repository: Repository, media_type: str, document: JsonObject) -> None:
    """Everything that the manifest names must be there, with the size that it says; a subject need not be."""
    if media_type in _INDEXES:
        listed = repository.listed()
        for number, child in enumerate(_list(document, "manifests")):
            digest, _ = _reference(child, f"manifests[{number}]")
            if digest not in listed or repository.find_blob(digest) is None:
                raise _blob_unknown(digest)
        return
    named = [("config", document.get("config"))]
    named += [(f"layers[{number}]", layer) for number, layer in enumerate(_list(document, "layers"))]
    for where, descriptor in named:
        digest, size = _reference(descriptor, where)
        if isinstance(descriptor, dict) and descriptor.get("urls"):
            continue
        blob = repository.find_blob(digest)
        if blob is None:
            raise _blob_unknown(digest)
        if blob.stat().st_size != size:
            raise _invalid(f"{where}.size is {size}, but the blob has {blob.stat().st_size} bytes")


def _reference(descriptor: object, where: str) -> tuple[Digest, int]:
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("mediaType"), str):
        raise _invalid(f"{where} is not a descriptor")
    digest, size = parse_digest(str(descriptor.get("digest"))), descriptor.get("size")
    if digest is None:
        raise _invalid(f"{where}.digest is not a sha256 or sha512 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _invalid(f"{where}.size is not a number of bytes")
    return digest, size


def _list(document: JsonObject, key: str) -> list[object]:
    value = document.get(key)
    if not isinstance(value, list):
        raise _invalid(f"{key} is not a list")
    return value


def _invalid(what: str) -> Refusal:
    return Refusal(400, "MANIFEST_INVALID", what)


def _blob_unknown(digest: Digest) -> Refusal:
    return Refusal(400, "MANIFEST_BLOB_UNKNOWN", f"the manifest names {digest}, which is not in this repository")


def _unknown(name: str, reference: str) -> Refusal:
    return Refusal(404, "MANIFEST_UNKNOWN", f"manifest {reference[:200]} not found in {name}")
