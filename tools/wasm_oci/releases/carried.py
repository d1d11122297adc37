"""Artifacts as they are in a store, with all that refers to them, so that they can be published elsewhere as they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, document_kind
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.publish.artifact import Artifact, Blob, blobs_of, referrer_role


def artifact_in(store: Store, fetched: FetchedManifest) -> Artifact:
    """Returns a manifest or index of a store with its referrers, and theirs; blobs are read when they are sent.

    Raises FormatError for another kind of document, or where an index refers to it, and what listing referrers raises.
    """
    descriptor = fetched.descriptor
    where = f"{store.name}@{descriptor.digest}"
    document: Manifest | Index
    if descriptor.media_type == INDEX_MEDIA_TYPE:
        document = Index.parse(fetched.data, where=where, digest=descriptor.digest)
    elif descriptor.media_type == MANIFEST_MEDIA_TYPE:
        document = Manifest.parse(fetched.data, where=where, digest=descriptor.digest)
    else:
        what = f"this is {document_kind(descriptor.media_type)}, neither an OCI image manifest nor an index"
        raise FormatError(what, where=where, hint="copy it with another program")
    referrers = tuple({each.descriptor().digest: each for each in _referrers(store, descriptor.digest)}.values())
    named = [blob for each in (document, *referrers) for blob in blobs_of(each)]
    return Artifact(
        manifest=document,
        blobs=tuple(
            Blob(role=_role(document, blob), descriptor=blob, content=partial(store.pieces, blob), where=f"{store.name}@{blob.digest}")
            for blob in {blob.digest: blob for blob in named}.values()
        ),
        referrers=referrers,
        where=where,
    )


def _referrers(store: Store, subject: Digest) -> Iterator[Manifest]:
    """Yields what refers to a manifest, and what refers to that, each after its subject; raises LimitError where that does not end."""
    pending, seen, size = [subject], {subject}, 0
    while pending:
        for referrer in find_referrers(store, pending.pop(0)):
            digest = referrer.descriptor().digest
            if digest in seen:
                continue
            size += len(referrer.raw)
            if len(seen) > LIMITS.referrers or size > LIMITS.referrer_bytes:
                what = f"the referrers of {subject}, and theirs, are more than {LIMITS.referrers}, or than {LIMITS.referrer_bytes} bytes"
                raise LimitError(what, where=store.name, hint="remove referrers that are not needed")
            if isinstance(referrer, Index):
                raise FormatError(f"the index {digest} refers to it", where=store.name, hint="copy it with another program")
            seen.add(digest)
            pending.append(digest)
            yield referrer


def _role(document: Manifest | Index, blob: Descriptor) -> str:
    if isinstance(document, Manifest) and blob.digest == document.config.digest:
        return "config"
    if blob in blobs_of(document):
        return "layer"
    return referrer_role(blob)
