"""What is published: one manifest of an OCI layout, its blobs, and the manifests that refer to it, such as a detached signature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wasm_oci.digest import chunks
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, MANIFEST_MEDIA_TYPE, SIGNATURE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest, signature_referrer
from wasm_oci.oci.store import Content
from wasm_oci.wasmsign.signature import parse_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob and how its content is opened; `role` is config, layer, signature, or empty (the signature's config)."""

    role: str
    descriptor: Descriptor
    content: Content
    """Unchecked: the store that takes it checks it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A manifest with all that has to be there before it. Digests are known before anything is sent."""

    manifest: Manifest
    blobs: tuple[Blob, ...]
    """Those of the manifest and of its referrers, each once."""
    referrers: tuple[Manifest, ...] = ()
    """The manifests that refer to `manifest`, such as the one of a detached signature."""

    @property
    def descriptor(self) -> Descriptor:
        return self.manifest.descriptor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A manifest whose subject is the artifact, and all blobs that it names."""

    manifest: Manifest
    blobs: tuple[Blob, ...]


def load_artifact(folder: Path, referrers: Iterable[Path | Referrer] = ()) -> Artifact:
    """Reads the only manifest of a layout; `referrers` travel with it.

    Raises UsageError, FormatError or LimitError for a layout that cannot be used, and what `with_referrers` raises.
    """
    layout = LayoutStore.open(folder)
    fetched = layout.fetch_manifest(layout.only_manifest())
    descriptor = fetched.descriptor
    if descriptor.media_type != MANIFEST_MEDIA_TYPE:
        raise FormatError(
            f"the layout holds a {descriptor.media_type}, not an image manifest",
            where=str(folder),
            hint="publish one of its manifests by itself",
        )
    manifest = Manifest.parse(fetched.data, where=f"{folder}: manifest")
    blobs = [Blob(role="config", descriptor=manifest.config, content=partial(_pieces, layout, manifest.config))]
    blobs += [Blob(role="layer", descriptor=layer, content=partial(_pieces, layout, layer)) for layer in manifest.layers]
    return with_referrers(Artifact(manifest=manifest, blobs=tuple(blobs)), referrers)


def with_referrers(artifact: Artifact, referrers: Iterable[Path | Referrer]) -> Artifact:
    """Returns the artifact with more that refers to it: files of detached signatures, and manifests that are ready. Each counts once.

    Raises SignatureError for a file that is no detached signature, UsageError for a manifest with another subject or without a blob.
    """
    found = [each if isinstance(each, Referrer) else _signature(artifact.descriptor, each) for each in referrers]
    for referrer in found:
        _check(artifact.descriptor, referrer)
    blobs = [*artifact.blobs, *(blob for referrer in found for blob in referrer.blobs)]
    manifests = [*artifact.referrers, *(referrer.manifest for referrer in found)]
    return Artifact(
        manifest=artifact.manifest,
        blobs=tuple({blob.descriptor.digest: blob for blob in reversed(blobs)}.values())[::-1],
        referrers=tuple({manifest.descriptor().digest: manifest for manifest in manifests}.values()),
    )


def _signature(subject: Descriptor, file: Path) -> Referrer:
    signature = read_bounded(file, LIMITS.signature_section, what="signature file")
    parse_signature(signature, where=str(file))
    described = Descriptor.of(signature, SIGNATURE_MEDIA_TYPE)
    blobs = (_bytes_blob("empty", EMPTY, EMPTY_BLOB), _bytes_blob("signature", described, signature))
    return Referrer(manifest=signature_referrer(subject, signature), blobs=blobs)


def _check(artifact: Descriptor, referrer: Referrer) -> None:
    manifest, where = referrer.manifest, f"referrer {referrer.manifest.descriptor().digest}"
    if manifest.subject is None or manifest.subject.digest != artifact.digest:
        named = manifest.subject.digest if manifest.subject else "nothing"
        raise UsageError(f"it refers to {named}, not to {artifact.digest}", where=where, hint="make it for this artifact")
    given = {blob.descriptor.digest for blob in referrer.blobs}
    for blob in (manifest.config, *manifest.layers):
        if blob.digest not in given:
            raise UsageError(f"its blob {blob.digest} is missing", where=where, hint="give it all blobs that it names")


def _pieces(layout: LayoutStore, blob: Descriptor) -> Iterator[bytes]:
    with layout.open_blob(blob) as stream:
        yield from chunks(stream)


def _bytes_blob(role: str, descriptor: Descriptor, data: bytes) -> Blob:
    return Blob(role=role, descriptor=descriptor, content=lambda: iter((data,)))
