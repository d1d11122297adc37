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
from wasm_oci.publish.artifact import Artifact, Blob, blobs_of, children_of, referrer_role


def artifact_in(store: Store, fetched: FetchedManifest) -> Artifact:
    """Returns a manifest or index of a store with its referrers, and theirs; blobs are read when they are sent.

    An index that refers to it goes with the manifests that it names. Raises FormatError for another kind of document, and what
    `children_of` and listing referrers raise.
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
    children: dict[Digest, Manifest] = {}
    referrers = tuple(_referrers(store, descriptor.digest, children))
    named = [blob for each in (document, *referrers, *children.values()) for blob in blobs_of(each)]
    return Artifact(
        manifest=document,
        blobs=tuple(
            Blob(role=_role(document, blob), descriptor=blob, content=partial(store.pieces, blob), where=f"{store.name}@{blob.digest}")
            for blob in {blob.digest: blob for blob in named}.values()
        ),
        referrers=referrers,
        children=tuple(children.values()),
        where=where,
    )


def _referrers(store: Store, subject: Digest, children: dict[Digest, Manifest]) -> Iterator[Manifest | Index]:
    """Yields what refers to a manifest, and what refers to that, each after its subject, and adds what indexes among them name.

    Raises LimitError where that does not end.
    """
    pending, seen, size = [subject], {subject}, 0
    while pending:
        for referrer in find_referrers(store, pending.pop(0)):
            digest = referrer.descriptor().digest
            if digest in seen:
                continue
            named = children_of(store, referrer) if isinstance(referrer, Index) else ()
            children |= {child.descriptor().digest: child for child in named}
            size += sum(len(each.raw) for each in (referrer, *named))
            if len(seen) + len(children) > LIMITS.referrers or size > LIMITS.referrer_bytes:
                what = f"the referrers of {subject}, and theirs, are more than {LIMITS.referrers}, or than {LIMITS.referrer_bytes} bytes"
                raise LimitError(what, where=store.name, hint="remove referrers that are not needed")
            seen.add(digest)
            pending += [digest, *(child.descriptor().digest for child in named)]
            yield referrer


def _role(document: Manifest | Index, blob: Descriptor) -> str:
    if isinstance(document, Manifest) and blob.digest == document.config.digest:
        return "config"
    if blob in blobs_of(document):
        return "layer"
    return referrer_role(blob)
