"""The tags of a repository, what they name, and whose signatures are said to be there; nothing is verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, SIGNATURE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.store import FetchedManifest, Store, read_blob
from wasm_oci.wasm.sections import PREAMBLE_SIZE, SIGNATURE_NAME
from wasm_oci.wasm.varint import read_u32
from wasm_oci.wasmsign.signature import parse_signature

_FALLBACK = re.compile(r"sha(256|512)-[0-9a-f]{64,128}(\..+)?")
"""Tags that hold lists of referrers (distribution specification, "Referrers Tag Schema"), or signatures of cosign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTag:
    """A tag, and what could be found out about it."""

    tag: str
    digest: Digest | None = None
    media_type: str = ""
    embedded: tuple[str, ...] = ()
    """Key ids in the embedded signature, hexadecimal; empty for one without."""
    detached: tuple[str, ...] = ()
    """The same of detached signatures."""
    error: WasmOciError | None = None
    """Why not all is known."""

    def to_json(self) -> JsonObject:
        signers = [
            {"keyId": key_id or None, "signature": kind}
            for kind, key_ids in (("embedded", self.embedded), ("detached", self.detached))
            for key_id in key_ids
        ]
        document: JsonObject = {"tag": self.tag, "digest": str(self.digest) if self.digest else None, "mediaType": self.media_type}
        document["signers"] = None if self.error and not signers else signers
        if self.error:
            document["error"] = self.error.to_json()
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Tags of a repository, in alphabetical order."""

    repository: str
    tags: tuple[ListedTag, ...]
    total: int
    """How many there are, beside those of referrers."""


def list_tags(store: Store, *, limit: int) -> Listing:
    """Returns at most `limit` tags; raises what `Store.tags` raises. An error about one tag is kept with it."""
    tags = [tag for tag in store.tags() if not _FALLBACK.fullmatch(tag)]
    known: dict[Digest, ListedTag] = {}
    listed = []
    for tag in tags[:limit]:
        try:
            fetched = store.fetch_manifest(tag)
        except WasmOciError as err:
            listed.append(ListedTag(tag=tag, error=err))
            continue
        digest = fetched.descriptor.digest
        if digest not in known:
            known[digest] = _describe(store, fetched, tag)
        listed.append(replace(known[digest], tag=tag))
    return Listing(repository=store.name, tags=tuple(listed), total=len(tags))


def _describe(store: Store, fetched: FetchedManifest, tag: str) -> ListedTag:
    descriptor, error = fetched.descriptor, None
    found: dict[str, set[str]] = {"embedded": set(), "detached": set()}
    try:
        for kind, payload in _payloads(store, fetched):
            found[kind].update(
                record.key_id.hex() for record in parse_signature(payload, where=f"{store.name}@{descriptor.digest}").records
            )
    except WasmOciError as err:
        error = err
    embedded, detached = (tuple(sorted(found[kind])) for kind in ("embedded", "detached"))
    return ListedTag(tag=tag, digest=descriptor.digest, media_type=descriptor.media_type, embedded=embedded, detached=detached, error=error)


def _payloads(store: Store, fetched: FetchedManifest) -> Iterator[tuple[str, bytes]]:
    """Yields the signatures of an image, with their kind; each blob once, and no more than a reader accepts."""
    descriptor = fetched.descriptor
    if descriptor.media_type != MANIFEST_MEDIA_TYPE:
        return
    manifest = Manifest.parse(fetched.data, where=f"{store.name}@{descriptor.digest}")
    wasm = manifest.components
    payload = _embedded(store, wasm[0]) if len(wasm) == 1 else None
    if payload is not None:
        yield "embedded", payload
    seen = set[Digest]()
    for referrer in find_referrers(store, descriptor.digest, SIGNATURE_MEDIA_TYPE):
        for layer in referrer.layers if isinstance(referrer, Manifest) else ():
            if layer.media_type == SIGNATURE_MEDIA_TYPE and layer.digest not in seen and len(seen) < LIMITS.signatures:
                seen.add(layer.digest)
                yield "detached", read_blob(store, layer, limit=LIMITS.signature_section, what="signature")


def _embedded(store: Store, layer: Descriptor) -> bytes | None:
    """Returns the payload of the first section where that is a signature; reads no more of the component than that needs."""
    data = bytearray()
    for piece in store.pieces(layer):
        data += piece
        section = _first_section(data)
        if section is None or section[0] != SIGNATURE_NAME:
            return None
        start, end = section[1:]
        if end - start > LIMITS.signature_section:
            what = f"the signature has {end - start} bytes, more than {LIMITS.signature_section}"
            raise FormatError(what, where=f"{store.name}@{layer.digest}", hint="do not use the file")
        if end <= len(data):
            return bytes(data[start:end])
    return None


def _first_section(data: bytearray) -> tuple[bytes, int, int] | None:
    """Returns name, begin and end of the first section's payload, None where it is not a custom section or not there."""
    try:
        if data[PREAMBLE_SIZE : PREAMBLE_SIZE + 1] != b"\0":
            return None
        size, begin = read_u32(data, PREAMBLE_SIZE + 1)
        length, name = read_u32(data, begin)
    except FormatError:
        return None
    return bytes(data[name : name + length]), name + length, begin + size
