"""Signatures of cosign before version 3 (sigstore/cosign, specs/SIGNATURE_SPEC.md), for programs that read nothing newer.

They are layers of an image under the tag `sha256-….sig`. Each is a payload that names the manifest's digest, with its signature in an
annotation. The tag is read and written again to add one, so that two programs can undo each other's work: it is read back.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from wasm_oci.attest.dsse import decoded
from wasm_oci.attest.find import FoundStatement
from wasm_oci.attest.predicates import SIGN
from wasm_oci.attest.statement import Statement
from wasm_oci.digest import SHA256, Digest
from wasm_oci.errors import FormatError, LimitError, NotFoundError, RegistryError, SignatureError, UsageError
from wasm_oci.jsontext import JsonObject, ordered, parse_object
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.keys.signer import AnySigner
from wasm_oci.limits import LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, Descriptor, member
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.store import Store, read_blob
from wasm_oci.trust.trust import Trust

PAYLOAD_MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"
_TYPE = "cosign container image signature"
_NO_TIME = "0001-01-01T00:00:00Z"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    """A payload and its signature."""

    layer: Descriptor
    payload: bytes

    def by(self, keys: tuple[AnyPublicKey, ...], where: str) -> AnyPublicKey | None:
        """Returns which of the keys signed; raises FormatError for a signature that is not base64."""
        signature = decoded(dict(self.layer.annotations), _SIGNATURE, where=where)
        return next((key for key in keys if key.verifies(self.payload, signature)), None)


def legacy_tag(subject: Digest) -> str:
    """Returns the tag of a manifest's signatures; raises UsageError for a digest that cosign does not know."""
    if subject.algorithm != SHA256:
        hint = "name the manifest by its SHA-256 digest, or leave out --cosign-legacy"
        raise UsageError(f"cosign signs SHA-256 digests, not {subject.algorithm}", hint=hint)
    return f"{subject.algorithm}-{subject.hex}.sig"


def legacy_payload(repository: str, subject: Digest) -> bytes:
    """Returns what is signed, byte for byte as cosign writes it; `repository` is its host and name."""
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": str(subject)},
        "type": _TYPE,
    }
    return ordered({"critical": critical, "optional": None})


def add_legacy_signature(store: Store, subject: Digest, signer: AnySigner) -> bool:
    """Adds a signature to the tag of a manifest, beside those that are there; returns False where it was there.

    Raises RegistryError where another program keeps removing it, and where the tag names something else.
    """
    tag, payload = legacy_tag(subject), legacy_payload(store.name, subject)
    signature = base64.b64encode(signer.sign(payload)).decode()
    described = Descriptor.of(payload, PAYLOAD_MEDIA_TYPE)
    layer = Descriptor(media_type=described.media_type, digest=described.digest, size=described.size, annotations={_SIGNATURE: signature})
    with machine_lock(f"{store.name}:{tag}"):
        for attempt in range(_ATTEMPTS):
            current = _image(store, subject)
            layers = current.layers if current else ()
            if any(_is_by(store, each, signer.public, payload) for each in layers):
                return attempt > 0
            store.put_blob(layer, lambda: iter((payload,)))
            config = _config((*layers, layer))
            described = Descriptor.of(config, _CONFIG_MEDIA_TYPE)
            store.put_blob(described, lambda config=config: iter((config,)))  # type: ignore[misc]  # a value of this round
            annotations = current.annotations if current else {}
            image = Manifest(config=described, layers=(*layers, layer), annotations=annotations)
            store.put_manifest(image.descriptor(), image.encode(), tag)
    hint = "another program writes this tag at the same time: run again when it is done"
    raise RegistryError(f"the signature keeps disappearing from tag {tag}", where=store.name, hint=hint, reason="referrer_lost")


def find_legacy_signatures(store: Store, subject: Digest, *, trust: Trust | None) -> Iterator[FoundStatement]:
    """Yields the signatures under the tag of a manifest as sign statements, verified with `trust` or with the reason why they are not."""
    current = _image(store, subject)
    if current is None:
        return
    digest = current.descriptor().digest
    for number, layer in enumerate(current.layers):
        if number >= LIMITS.signatures:
            raise LimitError(f"more than {LIMITS.signatures} signatures", where=f"{store.name}:{legacy_tag(subject)}")
        where = f"signature {layer.digest}"
        try:
            signature = _read(store, layer)
            statement = _statement(signature, subject, where)
            key = _verified(signature, trust, where) if trust else None
        except (FormatError, SignatureError, NotFoundError) as err:
            yield FoundStatement(referrer=digest, bundle=layer.digest, error=err)
        else:
            yield FoundStatement(referrer=digest, bundle=layer.digest, statement=statement, key=key)


def _verified(signature: _Signature, trust: Trust, where: str) -> AnyPublicKey:
    key = signature.by(trust.keys, where)
    if key is None:
        hint = "give the signer's public key if you trust it"
        raise SignatureError("none of the given keys signed it", where=where, hint=hint, reason="no_trusted_key")
    if refusal := trust.refusal(key):
        raise SignatureError(refusal[1], where=where, hint="have it signed with a current key", reason=refusal[0])
    return key


def _statement(signature: _Signature, subject: Digest, where: str) -> Statement:
    """Returns what a payload says; raises FormatError for another one, SignatureError for one about another manifest."""
    critical = member(parse_object(signature.payload, where=where), "critical", dict, where=where)
    kind = member(critical, "type", str, where=f"{where}: critical")
    if kind != _TYPE:
        raise FormatError(f"the payload is {kind[:80]!r}, not {_TYPE!r}", where=f"{where}: critical.type")
    image = member(critical, "image", dict, where=f"{where}: critical")
    named = Digest.parse(image.get("docker-manifest-digest"), where=f"{where}: critical.image.docker-manifest-digest")
    if named != subject:
        what = f"the signature is about {named}, not about {subject}"
        raise SignatureError(what, where=where, hint="do not use it: it was copied from another artifact", reason="other_subject")
    return Statement(subjects=((named,),), predicate_type=SIGN)


def _image(store: Store, subject: Digest) -> Manifest | None:
    """Returns the image of a manifest's signatures, None where there is none; raises RegistryError where the tag names something else."""
    tag = legacy_tag(subject)
    if store.find_manifest(tag) is None:
        return None
    fetched = store.fetch_manifest(tag)
    where = f"{store.name}:{tag}"
    if fetched.descriptor.media_type != MANIFEST_MEDIA_TYPE:
        what = f"the tag names a {fetched.descriptor.media_type[:80]}, not an image of signatures"
        raise RegistryError(what, where=where, hint="remove this tag: its name is cosign's", reason="legacy_tag")
    return Manifest.parse(fetched.data, where=where, digest=fetched.descriptor.digest)


def _read(store: Store, layer: Descriptor) -> _Signature:
    if layer.media_type != PAYLOAD_MEDIA_TYPE:
        raise FormatError(f"the layer is {layer.media_type[:80]!r}, not {PAYLOAD_MEDIA_TYPE}", where=f"signature {layer.digest}")
    return _Signature(layer=layer, payload=read_blob(store, layer, limit=LIMITS.simple_signing, what="signature"))


def _is_by(store: Store, layer: Descriptor, key: AnyPublicKey, payload: bytes) -> bool:
    """Tells whether a layer is a signature of this payload by this key, so that none has to be added."""
    if layer.digest != Digest.of(payload) or layer.media_type != PAYLOAD_MEDIA_TYPE:
        return False
    try:
        return store.has_blob(layer) and _Signature(layer=layer, payload=payload).by((key,), "") is not None
    except FormatError:
        return False


def _config(layers: tuple[Descriptor, ...]) -> bytes:
    """Returns the config that cosign writes: that of an image that nobody runs."""
    document: JsonObject = {
        "architecture": "",
        "created": _NO_TIME,
        "history": [{"created": _NO_TIME} for _ in layers],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest) for layer in layers]},
        "config": {},
    }
    return ordered(document)
