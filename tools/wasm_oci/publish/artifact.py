"""What is published: one manifest of an OCI layout, its blobs, and perhaps a detached signature."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, MANIFEST_MEDIA_TYPE, SIGNATURE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout import Layout
from wasm_oci.oci.manifest import Manifest, signature_referrer
from wasm_oci.wasmsign.signature import parse_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob and how its content is opened; `role` is config, layer, signature, or empty (the signature's config)."""

    role: str
    descriptor: Descriptor
    source: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A manifest with all that has to be there before it. Digests are known before anything is sent."""

    manifest: Manifest
    blobs: tuple[Blob, ...]
    """Those of the manifest and of the signature's manifest, each once."""
    signature: Manifest | None
    """The manifest by which a detached signature refers to `manifest`."""

    @property
    def descriptor(self) -> Descriptor:
        return self.manifest.descriptor()


def load_artifact(folder: Path, signature_file: Path | None = None) -> Artifact:
    """Reads the only manifest of a layout and, where given, a detached signature.

    Raises UsageError, FormatError or LimitError for a layout that cannot be used, SignatureError for a file
    that is no detached signature.
    """
    layout = Layout.open(folder)
    descriptor, data = layout.manifest(None)
    if descriptor.media_type != MANIFEST_MEDIA_TYPE:
        raise FormatError(
            f"the layout holds a {descriptor.media_type}, not an image manifest",
            where=str(folder),
            hint="publish one of its manifests by itself",
        )
    manifest = Manifest.parse(data, where=f"{folder}: manifest")
    blobs = [Blob(role="config", descriptor=manifest.config, source=partial(layout.open_blob, manifest.config))]
    blobs += [Blob(role="layer", descriptor=layer, source=partial(layout.open_blob, layer)) for layer in manifest.layers]
    signature = None
    if signature_file is not None:
        content = read_bounded(signature_file, LIMITS.signature_section, what="signature file")
        parse_signature(content, where=str(signature_file))
        signature = signature_referrer(descriptor, content)
        blobs.append(_bytes_blob("empty", EMPTY, EMPTY_BLOB))
        blobs.append(_bytes_blob("signature", Descriptor.of(content, SIGNATURE_MEDIA_TYPE), content))
    unique = {blob.descriptor.digest: blob for blob in reversed(blobs)}
    return Artifact(manifest=manifest, blobs=tuple(reversed(unique.values())), signature=signature)


def _bytes_blob(role: str, descriptor: Descriptor, content: bytes) -> Blob:
    return Blob(role=role, descriptor=descriptor, source=lambda: io.BytesIO(content))
