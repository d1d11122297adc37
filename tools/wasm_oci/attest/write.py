"""Makes statements: signs them, and the manifest by which one travels with its subject."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wasm_oci.attest.bundle import Bundle, hint_of
from wasm_oci.attest.dsse import Envelope
from wasm_oci.attest.predicates import check_predicate
from wasm_oci.attest.statement import statement_about
from wasm_oci.attest.verify import verify_bundle
from wasm_oci.errors import LimitError
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.signer import AnySigner
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import BUNDLE_MEDIA_TYPE, EMPTY, EMPTY_BLOB, Descriptor
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.referrers import listed_digests
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.trust.trust import Trust

_CONTENT = "dev.sigstore.bundle.content"
_PREDICATE_TYPE = "dev.sigstore.bundle.predicateType"
"""Annotations by which cosign lists bundles (sigstore/cosign, specs/BUNDLE_SPEC.md); they prove nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A bundle, and the manifest that refers to its subject."""

    bundle: bytes
    referrer: Manifest

    @property
    def layer(self) -> Descriptor:
        """The bundle's."""
        return self.referrer.layers[0]


def sign_statement(subject: FetchedManifest, predicate_type: str, predicate: JsonObject, signer: AnySigner) -> SignedStatement:
    """Returns a statement about a manifest in a bundle of one signature, after verifying it as a reader would.

    The same statement by the same key is the same bytes, unless the key is one whose signatures differ each time. Raises FormatError
    for a predicate that its type does not allow, LimitError for one that is too large, and what `signer` raises.
    """
    check_predicate(predicate_type, predicate, where="predicate")
    payload = statement_about(subject.data, subject.descriptor.digest, predicate_type, predicate).encode()
    if len(payload) > LIMITS.statement:
        raise LimitError(f"the statement has {len(payload)} bytes, more than {LIMITS.statement}", where="predicate", hint="shorten it")
    unsigned = Envelope(payload=payload, signature=b"")
    envelope = replace(unsigned, signature=signer.sign(unsigned.message()))
    bundle = Bundle(envelope=envelope, hint=hint_of(signer.public)).encode()
    trust = Trust.of_keys([signer.public])
    verify_bundle(bundle, manifest=subject.data, trust=trust, predicate_type=predicate_type, where="the new statement")
    return SignedStatement(bundle=bundle, referrer=bundle_referrer(subject.descriptor, bundle, predicate_type))


def bundle_referrer(subject: Descriptor, bundle: bytes, predicate_type: str) -> Manifest:
    """Returns the manifest by which a bundle travels with the manifest `subject`; its config is the empty blob."""
    return Manifest(
        config=EMPTY,
        layers=(Descriptor.of(bundle, BUNDLE_MEDIA_TYPE),),
        artifact_type=BUNDLE_MEDIA_TYPE,
        subject=Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size),
        annotations={_CONTENT: "dsse-envelope", _PREDICATE_TYPE: predicate_type},
    )


def attach_statement(store: Store, signed: SignedStatement) -> str:
    """Stores a statement so that readers of its subject find it; returns by which way, empty where it was there already.

    Raises what the methods of `store` raise.
    """
    referrer, subject = signed.referrer, signed.referrer.subject
    if subject is None:
        raise ValueError("the statement refers to nothing")
    digest = referrer.descriptor().digest
    if listed_digests(store, subject.digest, [digest]) and store.has_blob(signed.layer):
        return ""
    store.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,)))
    store.put_blob(signed.layer, lambda: iter((signed.bundle,)))
    return store.attach(referrer)
