"""What is published: one manifest of an OCI layout, its blobs, and the manifests that refer to it, such as a detached signature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wasm_oci.digest import chunks
from wasm_oci.errors import FormatError
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


def load_artifact(folder: Path, signature_file: Path | None = None) -> Artifact:
    """Reads the only manifest of a layout and, where given, a detached signature.

    Raises UsageError, FormatError or LimitError for a layout that cannot be used, SignatureError for a file
    that is no detached signature.
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
    referrers: tuple[Manifest, ...] = ()
    if signature_file is not None:
        signature = read_bounded(signature_file, LIMITS.signature_section, what="signature file")
        parse_signature(signature, where=str(signature_file))
        referrers = (signature_referrer(descriptor, signature),)
        blobs.append(_bytes_blob("empty", EMPTY, EMPTY_BLOB))
        blobs.append(_bytes_blob("signature", Descriptor.of(signature, SIGNATURE_MEDIA_TYPE), signature))
    unique = {blob.descriptor.digest: blob for blob in reversed(blobs)}
    return Artifact(manifest=manifest, blobs=tuple(reversed(unique.values())), referrers=referrers)


def _pieces(layout: LayoutStore, blob: Descriptor) -> Iterator[bytes]:
    with layout.open_blob(blob) as stream:
        yield from chunks(stream)


def _bytes_blob(role: str, descriptor: Descriptor, data: bytes) -> Blob:
    return Blob(role=role, descriptor=descriptor, content=lambda: iter((data,)))
