"""Whether what a tag names is there, by the files of a registry only."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from fakes.artifacts import Image
from wasm_oci.digest import Digest
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE
from wasm_oci.oci.manifest import signature_referrer
from wasm_oci.oci.release_index import RELEASE_ARTIFACT_TYPE
from wasm_oci.registry.referrers import fallback_tag


def tags_of(folder: Path) -> dict[str, Digest]:
    """Returns what each tag of a repository names."""
    named = ((entry, entry.get("annotations", {}).get("org.opencontainers.image.ref.name")) for entry in _listed(folder))
    return {tag: Digest(entry["digest"]) for entry, tag in named if tag}


def releases_of(folder: Path) -> set[Digest]:
    """Returns every release index of a repository, also one without a tag."""
    indexes = (Digest(entry["digest"]) for entry in _listed(folder) if entry["mediaType"] == INDEX_MEDIA_TYPE)
    return {digest for digest in indexes if _read(folder, digest).get("artifactType") == RELEASE_ARTIFACT_TYPE}


def check_artifact(folder: Path, image: Image, *, by_tag: bool) -> None:
    """Checks that an image and its signature are in a repository, and listed; `by_tag` without the referrers API."""
    manifest = _read(folder, image.digest)
    for descriptor in (manifest["config"], *manifest["layers"]):
        assert len(_blob(folder, Digest(descriptor["digest"]))) == descriptor["size"]
    assert image.signature is not None
    listed = _listed(folder)
    if by_tag:
        listed = _read(folder, tags_of(folder)[fallback_tag(image.digest)])["manifests"]
    referrers = [_read(folder, Digest(each["digest"])) for each in listed if each.get("artifactType")]
    ours = [each for each in referrers if each.get("subject", {}).get("digest") == str(image.digest)]
    contents = [_blob(folder, Digest(layer["digest"])) for each in ours for layer in each["layers"]]
    assert contents == [image.signature.read_bytes()]


def check_release(folder: Path, digest: Digest, images: Mapping[str, Image], tags: Collection[str], *, by_tag: bool) -> None:
    """Checks that a release index names exactly `images`, by their repositories, and that all of them are beside it."""
    found = [(entry["digest"], entry["annotations"]) for entry in _read(folder, digest)["manifests"]]
    assert {(noted["com.wasm.release.repository"], member) for member, noted in found} == {
        (name, str(image.digest)) for name, image in images.items()
    }
    for _, noted in found:
        image = images[noted["com.wasm.release.repository"]]
        assert image.signature is not None
        referrer = signature_referrer(image.manifest.descriptor(), image.signature.read_bytes()).descriptor().digest
        assert noted["com.wasm.release.referrers"] == str(referrer)
        assert noted["com.wasm.release.tags"].split() == sorted(tags)
        check_artifact(folder, image, by_tag=by_tag)


def _listed(folder: Path) -> Sequence[JsonObject]:
    index = folder / "index.json"
    entries: Sequence[JsonObject] = json.loads(index.read_bytes())["manifests"] if index.exists() else []
    return entries


def _read(folder: Path, digest: Digest) -> JsonObject:
    document: JsonObject = json.loads(_blob(folder, digest))
    return document


def _blob(folder: Path, digest: Digest) -> bytes:
    data = (folder / "blobs" / "sha256" / digest.hex).read_bytes()
    assert digest.is_of(data)
    return data
