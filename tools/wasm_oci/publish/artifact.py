"""What is published: one manifest of an OCI layout, its blobs, and the manifests that refer to it, such as a detached signature."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.digest import Checked, Digest, chunks
from wasm_oci.errors import FormatError, NotFoundError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import (
    EMPTY,
    EMPTY_BLOB,
    MANIFEST_MEDIA_TYPE,
    SIGNATURE_MEDIA_TYPE,
    Descriptor,
    document_kind,
)
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, Manifest, signature_referrer
from wasm_oci.oci.referrers import parse_referrer
from wasm_oci.oci.store import Content, FetchedManifest, Store
from wasm_oci.wasmsign.signature import parse_signature

if TYPE_CHECKING:
    from wasm_oci.attest.write import SignedStatement


def nothing_to_prove() -> None:
    """Is called for a blob that was checked, or that nobody signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob and how its content is opened; `role` is config, layer, signature, referrer, or empty (the signature's config)."""

    role: str
    descriptor: Descriptor
    content: Content
    """Unchecked: the store that takes it checks it."""
    where: str = ""
    """The file that it is from, for messages."""
    file: Path | None = None
    """The file that is the content."""
    proof: Callable[[], None] = nothing_to_prove
    """Called once a store has taken it: raises where its content was not compared with its signatures yet and does not fit them."""

    def counted(self, sent: Callable[[int], None]) -> Content:
        """Returns the content, each piece of which is counted when it is taken."""

        def count(pieces: Iterator[bytes]) -> Iterator[bytes]:
            for piece in pieces:
                yield piece
                sent(len(piece))

        def opened() -> Iterator[bytes]:
            pieces = self.content()
            return pieces.through(count) if isinstance(pieces, Checked) else count(pieces)

        return opened


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentFile:
    """The layer that is the WebAssembly component, and the file that holds it; unchecked."""

    descriptor: Descriptor
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A manifest with all that has to be there before it. Digests are known before anything is sent."""

    manifest: Manifest | Index
    """An index names manifests that have to be beside it, which are artifacts of their own."""
    blobs: tuple[Blob, ...]
    """Those of the manifest, of its referrers and of `children`, each once."""
    referrers: tuple[Manifest | Index, ...] = ()
    """What refers to `manifest`, such as the manifest of a detached signature, and what refers to that or to `children`, after it."""
    children: tuple[Manifest, ...] = ()
    """The manifests that indexes among the referrers name."""
    component: ComponentFile | None = None
    """None where there is not exactly one layer of its type."""
    where: str = ""
    """What it is called in messages."""

    @property
    def descriptor(self) -> Descriptor:
        return self.manifest.descriptor()

    def is_subject_of(self, referrer: Manifest | Index) -> bool:
        return referrer.subject is not None and referrer.subject.digest.is_of(self.manifest.raw)


def blobs_of(document: Manifest | Index) -> tuple[Descriptor, ...]:
    """Returns the blobs that a document names: an index names none."""
    return (document.config, *document.layers) if isinstance(document, Manifest) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A manifest or index whose subject is the artifact, or another referrer of it or child of one, and all that it names."""

    manifest: Manifest | Index
    blobs: tuple[Blob, ...]
    children: tuple[Manifest, ...] = ()


def children_of(store: Store, index: Index) -> tuple[Manifest, ...]:
    """Returns the manifests that an index names, which refers to something.

    Raises FormatError where one is not there, or is another kind of document, such as an index again: it cannot be copied as a whole.
    """
    found: list[Manifest] = []
    what = f"the index {index.descriptor().digest} is a referrer, and what it names cannot be copied"
    hint = "remove the index, or copy everything with oras cp --recursive"
    for entry in index.manifests:
        try:
            child = parse_referrer(store.fetch_manifest(entry), where=f"{store.name}@{entry.digest}")
        except (FormatError, NotFoundError) as err:
            raise FormatError(f"{what}: {err.what}", where=store.name, hint=hint) from err
        if isinstance(child, Index):
            raise FormatError(f"{what}: {entry.digest} is an index again", where=store.name, hint=hint)
        found.append(child)
    return tuple(found)


def load_artifact(folder: Path, referrers: Iterable[Path | Referrer] = (), *, where: str = "") -> Artifact:
    """Reads the only manifest of a layout; what refers to it there travels with it, and so do `referrers`.

    Raises UsageError, FormatError or LimitError for a layout that cannot be used, NotFoundError or DigestError for one of which a
    part is missing or damaged, and what `with_referrers` raises.
    """
    layout = LayoutStore.snapshot(folder)
    fetched = layout.fetch_manifest(layout.only_manifest())
    descriptor = fetched.descriptor
    if descriptor.media_type != MANIFEST_MEDIA_TYPE:
        raise FormatError(
            f"what the layout holds is {document_kind(descriptor.media_type)}, not an image manifest",
            where=str(folder),
            hint="publish one of its manifests by itself",
        )
    manifest = Manifest.parse(fetched.data, where=f"{folder}: manifest", digest=descriptor.digest)
    wasm = manifest.components
    artifact = Artifact(
        manifest=manifest,
        blobs=(_layout_blob(layout, manifest.config, "config"), *(_layout_blob(layout, layer, "layer") for layer in manifest.layers)),
        component=ComponentFile(descriptor=wasm[0], path=layout.blob_path(wasm[0])) if len(wasm) == 1 else None,
        where=where or str(folder),
    )
    return with_referrers(artifact, [*_listed(layout, fetched), *referrers])


def with_referrers(artifact: Artifact, referrers: Iterable[Path | Referrer]) -> Artifact:
    """Returns the artifact with more that refers to it: files of detached signatures, and manifests that are ready. Each counts once.

    Raises SignatureError for a file that is no detached signature, UsageError for a manifest with another subject or without a blob.
    """
    found = [each if isinstance(each, Referrer) else _signature(artifact.descriptor, each) for each in referrers]
    known = (artifact.manifest, *artifact.referrers, *artifact.children)
    subjects = set[Digest]().union(*(Digest.all_of(manifest.raw) for manifest in known))
    for referrer in found:
        _check(artifact.descriptor, subjects, referrer)
        subjects = subjects.union(*(Digest.all_of(manifest.raw) for manifest in (referrer.manifest, *referrer.children)))
    blobs = [*artifact.blobs, *(blob for referrer in found for blob in referrer.blobs)]
    manifests = [*artifact.referrers, *(referrer.manifest for referrer in found)]
    children = [*artifact.children, *(child for referrer in found for child in referrer.children)]
    return replace(
        artifact,
        blobs=tuple({blob.descriptor.digest: blob for blob in reversed(blobs)}.values())[::-1],
        referrers=tuple({manifest.descriptor().digest: manifest for manifest in manifests}.values()),
        children=tuple({child.descriptor().digest: child for child in children}.values()),
    )


def _listed(layout: LayoutStore, subject: FetchedManifest) -> Iterator[Referrer]:
    """Yields what refers to a manifest of a layout, and what refers to that or is named by it, each after its subject.

    An entry that cannot be read is an error: it may be a signature that would be lost.
    """
    entries, unreadable = layout.other_manifests(subject.descriptor.digest)
    if unreadable:
        raise unreadable[0]
    found: dict[Digest, list[Manifest | Index]] = {}
    for entry in entries:
        document = parse_referrer(layout.fetch_manifest(entry), where=f"{layout.name}: manifest {entry.digest}")
        if document.subject:
            found.setdefault(document.subject.digest, []).append(document)
    pending = [subject.data]
    while pending:
        for document in [document for digest in sorted(Digest.all_of(pending.pop(0))) for document in found.pop(digest, ())]:
            referrer = _referrer(layout, document)
            yield referrer
            pending += [document.raw, *(child.raw for child in referrer.children)]


def _referrer(layout: LayoutStore, document: Manifest | Index) -> Referrer:
    """Raises NotFoundError, or DigestError, where a blob is missing or of another size, and what `children_of` raises."""
    children = children_of(layout, document) if isinstance(document, Index) else ()
    blobs = dict.fromkeys(blob for each in (document, *children) for blob in blobs_of(each))
    for blob in blobs:
        layout.open_blob(blob).close()
    found = tuple(_layout_blob(layout, blob, referrer_role(blob)) for blob in blobs)
    return Referrer(manifest=document, blobs=found, children=children)


def referrer_role(blob: Descriptor) -> str:
    """Returns what a blob of a referrer is called in plans."""
    if blob.digest == EMPTY.digest:
        return "empty"
    return "signature" if blob.media_type == SIGNATURE_MEDIA_TYPE else "referrer"


def _signature(subject: Descriptor, file: Path) -> Referrer:
    signature = read_bounded(file, LIMITS.signature_section, what="signature file")
    parse_signature(signature, where=str(file))
    described = Descriptor.of(signature, SIGNATURE_MEDIA_TYPE)
    blobs = (_bytes_blob("empty", EMPTY, EMPTY_BLOB), _bytes_blob("signature", described, signature, where=str(file)))
    return Referrer(manifest=signature_referrer(subject, signature), blobs=blobs)


def statement_referrer(signed: SignedStatement) -> Referrer:
    """Returns a signed statement about an artifact for `with_referrers`: then it is published before the artifact has a tag."""
    blobs = (_bytes_blob("empty", EMPTY, EMPTY_BLOB), _bytes_blob("referrer", signed.layer, signed.bundle))
    return Referrer(manifest=signed.referrer, blobs=blobs)


def _check(artifact: Descriptor, subjects: Collection[Digest], referrer: Referrer) -> None:
    manifest, where = referrer.manifest, f"referrer {referrer.manifest.descriptor().digest}"
    if manifest.subject is None or manifest.subject.digest not in subjects:
        named = manifest.subject.digest if manifest.subject else "nothing"
        raise UsageError(f"it refers to {named}, not to {artifact.digest}", where=where, hint="make it for this artifact")
    given = {blob.descriptor.digest for blob in referrer.blobs}
    for blob in (blob for each in (manifest, *referrer.children) for blob in blobs_of(each)):
        if blob.digest not in given:
            raise UsageError(f"its blob {blob.digest} is missing", where=where, hint="give it all blobs that it names")


def _layout_blob(layout: LayoutStore, descriptor: Descriptor, role: str) -> Blob:
    file = layout.blob_path(descriptor)
    return Blob(role=role, descriptor=descriptor, content=partial(_pieces, layout, descriptor), where=str(file), file=file)


def _pieces(layout: LayoutStore, blob: Descriptor) -> Iterator[bytes]:
    with layout.open_blob(blob) as stream:
        yield from chunks(stream)


def _bytes_blob(role: str, descriptor: Descriptor, data: bytes, *, where: str = "") -> Blob:
    return Blob(role=role, descriptor=descriptor, content=lambda: iter((data,)), where=where)
