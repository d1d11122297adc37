"""Signatures of cosign before version 3 (sigstore/cosign, specs/SIGNATURE_SPEC.md), for programs that read nothing newer.

They are layers of an image under the tag `sha256-….sig`. Each is a payload that names the manifest's digest, with its signature in an
annotation. The tag is read and written again to add one, so that two programs can undo each other's work: it is read back.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wasm_oci.attest.dsse import decoded
from wasm_oci.attest.find import FoundStatement
from wasm_oci.attest.statement import Statement
from wasm_oci.attest.verify import Budget
from wasm_oci.digest import SHA256, Digest
from wasm_oci.errors import DigestError, FormatError, LimitError, NotFoundError, RegistryError, SignatureError, UsageError
from wasm_oci.jsontext import JsonObject, ordered, parse_object
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.keys.signer import AnySigner
from wasm_oci.limits import LIMITS
from wasm_oci.locks import machine_lock
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, Descriptor, member
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.store import Store, read_blob
from wasm_oci.trust.predicate_types import SIGN
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

    def by(self, keys: tuple[AnyPublicKey, ...], where: str, budget: Budget) -> AnyPublicKey | None:
        """Returns which of the keys signed; raises FormatError for a signature that is not base64, and what `Budget.spend` raises."""
        signature = decoded(dict(self.layer.annotations), _SIGNATURE, where=where)
        for key in keys:
            budget.spend(where)
            if key.verifies(self.payload, signature):
                return key
        return None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacySignature:
    """A signature that is made, for the tag of its subject; it names the repository for which it was made."""

    subject: Digest
    layer: Descriptor
    payload: bytes
    key: AnyPublicKey

    @property
    def tag(self) -> str:
        return legacy_tag(self.subject)


def sign_legacy(repository: str, subject: Digest, signer: AnySigner) -> LegacySignature:
    """Signs a manifest of a repository, which is given by its host and name; raises UsageError as `legacy_tag`, and what signing raises."""
    legacy_tag(subject)
    payload = legacy_payload(repository, subject)
    signature = base64.b64encode(signer.sign(payload)).decode()
    layer = replace(Descriptor.of(payload, PAYLOAD_MEDIA_TYPE), annotations={_SIGNATURE: signature})
    return LegacySignature(subject=subject, layer=layer, payload=payload, key=signer.public)


def missing_legacy_signatures(store: Store, signatures: Sequence[LegacySignature]) -> list[LegacySignature]:
    """Returns those that are not under the tag of their subject, which they share; raises RegistryError where it names something else."""
    return _missing(store, _image(store, signatures[0].subject), signatures) if signatures else []


def add_legacy_signatures(store: Store, signatures: Sequence[LegacySignature]) -> bool:
    """Adds signatures of one manifest to its tag, beside those that are there; returns False where all were there.

    The tag is written once for all that are missing. Raises RegistryError where another program keeps removing them, and where the
    tag names something else.
    """
    if not signatures:
        return False
    subject, tag = signatures[0].subject, signatures[0].tag
    with machine_lock(f"{store.name}:{tag}"):
        for attempt in range(_ATTEMPTS):
            current = _image(store, subject)
            missing = _missing(store, current, signatures)
            if not missing:
                return attempt > 0
            for each in missing:
                store.put_blob(each.layer, lambda payload=each.payload: iter((payload,)))  # type: ignore[misc]  # a value of this round
            layers = (*(current.layers if current else ()), *(each.layer for each in missing))
            config = _config(layers)
            described = Descriptor.of(config, _CONFIG_MEDIA_TYPE)
            store.put_blob(described, lambda config=config: iter((config,)))  # type: ignore[misc]  # a value of this round
            image = Manifest(config=described, layers=layers, annotations=current.annotations if current else {})
            store.put_manifest(image.descriptor(), image.encode(), tag)
    hint = "another program writes this tag at the same time: run again when it is done"
    raise RegistryError(f"the signature keeps disappearing from tag {tag}", where=store.name, hint=hint, reason="referrer_lost")


def find_legacy_signatures(store: Store, subject: Digest, *, trust: Trust | None) -> Iterator[FoundStatement]:
    """Yields the signatures under the tag of a manifest as sign statements, verified with `trust` or with the reason why they are not."""
    current = _image(store, subject)
    if current is None:
        return
    digest, budget = current.descriptor().digest, Budget()
    for number, layer in enumerate(current.layers):
        if number >= LIMITS.signatures:
            raise LimitError(f"more than {LIMITS.signatures} signatures", where=f"{store.name}:{legacy_tag(subject)}")
        where = f"signature {layer.digest}"
        try:
            signature = _read(store, layer)
            statement = _statement(signature, subject, where)
            key = _verified(signature, trust, where, budget) if trust else None
        except (FormatError, SignatureError, NotFoundError, DigestError) as err:
            yield FoundStatement(referrer=digest, bundle=layer.digest, error=err)
        else:
            yield FoundStatement(referrer=digest, bundle=layer.digest, statement=statement, key=key)


def _verified(signature: _Signature, trust: Trust, where: str, budget: Budget) -> AnyPublicKey:
    key = signature.by(trust.keys, where, budget)
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


def _missing(store: Store, current: Manifest | None, signatures: Sequence[LegacySignature]) -> list[LegacySignature]:
    layers = current.layers if current else ()
    return [each for each in signatures if not any(_is_by(store, layer, each.key, each.payload) for layer in layers)]


def _is_by(store: Store, layer: Descriptor, key: AnyPublicKey, payload: bytes) -> bool:
    """Tells whether a layer is a signature of this payload by this key, so that none has to be added."""
    if layer.digest != Digest.of(payload) or layer.media_type != PAYLOAD_MEDIA_TYPE:
        return False
    try:
        return store.has_blob(layer) and _Signature(layer=layer, payload=payload).by((key,), "", Budget()) is not None
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
