"""From a component (or module) to an image: manifest, config, annotations, and the layout that holds them.

The same request gives the same bytes: no clock, path or host name goes in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from wasm_oci.digest import Digest, chunks
from wasm_oci.errors import LimitError, SignatureError, UsageError
from wasm_oci.files import open_input, read_bounded
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.key import common_format, load_public_key
from wasm_oci.limits import LIMITS
from wasm_oci.oci.annotations import SECURITY_ANNOTATION, Attributes, SignatureFacts, compliance, merge, parse_annotations
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE, TITLE_ANNOTATION, WASM_CONFIG_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE, Descriptor
from wasm_oci.oci.image_request import ImageRequest
from wasm_oci.oci.layout import write_layout
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.wasm_config import WasmConfig
from wasm_oci.wasm.component import WasmFile, read_wasm
from wasm_oci.wasm.sections import PREAMBLE_SIZE
from wasm_oci.wasmsign.section import find_signature
from wasm_oci.wasmsign.signature import SignatureData, parse_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSignature:
    """The signature of an image's component."""

    facts: SignatureFacts
    key_ids: tuple[str, ...]
    """Hexadecimal; signers that gave no id are not among them."""
    file: Descriptor | None = None
    """A detached signature's digest and size."""
    deferred: bool = False
    """Whether it is still to be made, by the run that publishes."""

    def to_json(self) -> JsonObject:
        document: JsonObject = {"type": self.facts.type, "keyIds": list(self.key_ids)}
        if self.deferred:
            document["deferred"] = True
        if self.facts.key_format:
            document["keyFormat"] = self.facts.key_format
        if self.file:
            document |= {"digest": str(self.file.digest), "size": self.file.size}
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image that is ready to be written."""

    request: ImageRequest
    wasm: WasmFile
    manifest: Manifest
    config: bytes = field(repr=False)
    signature: ImageSignature | None

    @property
    def unsigned_yet(self) -> bool:
        """Whether a signature that is still to be made will change the component, and with it every digest."""
        return bool(self.signature and self.signature.deferred and self.signature.facts.type == "embedded")

    @property
    def digest(self) -> Digest:
        return self.manifest.descriptor().digest

    @property
    def reference(self) -> str:
        """The pinned reference for deployment files: `registry/repository@sha256:…`."""
        return f"{self.request.name_in_registry}@{self.digest}"

    def write(self, folder: Path) -> None:
        """Writes the layout to a folder that is absent or empty."""
        config, layer = self.manifest.config, self.manifest.layers[0]
        blobs: Mapping[Digest, Path | bytes] = {config.digest: self.config, layer.digest: self.request.component}
        write_layout(folder, self.manifest.encode(), blobs, self.request.tag)

    def metadata(self) -> JsonObject:
        """Returns all facts about the image; the content of `<image>_metadata.json`.

        Without digests and sizes where a signature that is still to be made will change them.
        """
        layer, manifest = self.manifest.layers[0], self.manifest.descriptor()
        request = self.request
        document: JsonObject = {
            "schemaVersion": 1,
            "reference": self.reference,
            "tagged": f"{request.name_in_registry}:{request.tag}",
            "registry": request.registry,
            "repository": request.repository,
            "tag": request.tag,
            "digest": str(manifest.digest),
            "mediaType": manifest.media_type,
            "size": manifest.size,
            "config": self.manifest.config.to_json(),
            "component": {
                "name": request.repository.rpartition("/")[2],
                "kind": self.wasm.kind.value,
                "mediaType": layer.media_type,
                "digest": str(layer.digest),
                "size": layer.size,
                "imports": list(self.wasm.imports),
                "exports": list(self.wasm.exports),
                "metadata": self.wasm.metadata.to_json(),
            },
            "annotations": dict(self.manifest.annotations),
            "signature": self.signature.to_json() if self.signature else None,
        }
        if self.unsigned_yet:
            for members, names in (
                (document, ("reference", "digest", "size", "config", "annotations")),
                (document["component"], ("digest", "size")),
            ):
                for name in names:
                    del members[name]
        return document


def build_image(request: ImageRequest) -> BuiltImage:
    """Reads the component and makes the image; nothing is written.

    Raises UsageError, FormatError or LimitError for what was asked or given, SignatureError where the signature is
    malformed or is not of this file. Whether it is of a trusted key is for `verify` to say.
    """
    request.check()
    explicit = parse_annotations(request.annotations)
    wasm = read_wasm(request.component)
    with open_input(request.component, what="component") as stream:
        found, signature_file, start = _read_signature(request, stream)
        digest, size, signed_hash = _hash(stream, start)
    signature = _deferred(request) if request.public_keys else _image_signature(request, found, signature_file, signed_hash)
    facts = signature.facts if signature else None
    if signature and signature.deferred and signature.facts.type == "embedded":
        facts, explicit = None, {key: value for key, value in explicit.items() if key != SECURITY_ANNOTATION}
    title = request.repository.rpartition("/")[2]
    layer = Descriptor(media_type=WASM_LAYER_MEDIA_TYPE, digest=digest, size=size, annotations={TITLE_ANNOTATION: f"{title}.wasm"})
    config = WasmConfig.of(wasm, digest, created=request.created).encode()
    if len(config) > LIMITS.config_blob:
        raise LimitError(
            f"the config would have {len(config)} bytes, more than {LIMITS.config_blob}",
            where=str(request.component),
            hint="give the component fewer or shorter names of imports and exports",
        )
    attributes = Attributes(
        title=title,
        version=request.version or request.tag,
        description=request.description,
        authors=request.authors,
        license=request.license,
    )
    annotations = merge(explicit, attributes, wasm.metadata, is_component=wasm.is_component, signature=facts)
    if request.policy:
        policy = read_bounded(request.policy, LIMITS.config_file, what="policy")
        annotations |= compliance(policy, signature.key_ids if signature and facts else (), where=str(request.policy))
    manifest = Manifest(config=Descriptor.of(config, WASM_CONFIG_MEDIA_TYPE), layers=(layer,), annotations=annotations)
    return BuiltImage(request=request, wasm=wasm, manifest=manifest, config=config, signature=signature)


def _read_signature(request: ImageRequest, stream: BinaryIO) -> tuple[SignatureData | None, Descriptor | None, int | None]:
    """Returns the signature that counts, its file's digest and size if it is detached, and where what it covers begins."""
    if request.signature:
        data = read_bounded(request.signature, LIMITS.signature_section, what="signature file")
        return parse_signature(data, where=str(request.signature)), Descriptor.of(data, SIGNATURE_MEDIA_TYPE), PREAMBLE_SIZE
    where = str(request.component)
    found = find_signature(stream, where=where)
    signature = None if found is None else parse_signature(found.payload(), where=where)
    if request.public_keys:
        return None, None, None
    if request.signature_type == "embedded" and found is None:
        raise UsageError("signature_type is embedded, but the file has no signature", where=where, hint="sign it first")
    return signature, None, None if found is None else found.end


def _hash(stream: BinaryIO, start: int | None) -> tuple[Digest, int, bytes | None]:
    """Returns digest and size of the file and, if there is a `start`, the hash of what follows it; reads once."""
    stream.seek(0)
    head = stream.read(start or 0)
    whole, covered, size = hashlib.sha256(head), hashlib.sha256(), len(head)
    for chunk in chunks(stream):
        whole.update(chunk)
        size += len(chunk)
        if start is not None:
            covered.update(chunk)
    return Digest("sha256:" + whole.hexdigest()), size, None if start is None else covered.digest()


def _deferred(request: ImageRequest) -> ImageSignature:
    """What is known of signatures before they are made."""
    keys = [load_public_key(path) for path in request.public_keys]
    kind = "detached" if request.signature_type == "detached" else "embedded"
    return ImageSignature(
        facts=SignatureFacts(type=kind, key_format=common_format(keys)),
        key_ids=tuple(sorted(key.key_id.hex() for key in keys)),
        deferred=True,
    )


def _image_signature(
    request: ImageRequest, signature: SignatureData | None, file: Descriptor | None, signed_hash: bytes | None
) -> ImageSignature | None:
    if signature is None:
        return None
    if not any(signed.hashes[-1] == signed_hash for signed in signature.sets):
        raise SignatureError(
            "the signature is not of this content",
            where=str(request.signature or request.component),
            hint="sign the component again; a detached signature belongs to the output file of signing",
            reason="content_changed",
        )
    facts = SignatureFacts(
        type="detached" if request.signature else "embedded",
        key_format=None if request.key_format == "none" else request.key_format,
    )
    key_ids = tuple(sorted({record.key_id.hex() for record in signature.records if record.key_id}))
    return ImageSignature(facts=facts, key_ids=key_ids, file=file)
