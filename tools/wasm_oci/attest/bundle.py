"""Bundles of Sigstore, version 0.3 (sigstore/protobuf-specs, sigstore_bundle.proto), whose signature is by a plain key.

A bundle says of its key only a hint. Certificates, timestamps and entries of transparency logs are for verifiers of identities: what
a bundle holds of them is not looked at, and proves nothing here.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from wasm_oci.attest.dsse import Envelope, parse_envelope
from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject, ordered, parse_object
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import BUNDLE_MEDIA_TYPE, member

_CERTIFICATES = ("certificate", "x509CertificateChain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An envelope, and a hint of whose key signed it; nothing is verified."""

    envelope: Envelope
    hint: str = ""

    def encode(self) -> bytes:
        return ordered(
            {
                "mediaType": BUNDLE_MEDIA_TYPE,
                "verificationMaterial": {"publicKey": {"hint": self.hint}},
                "dsseEnvelope": self.envelope.to_json(),
            }
        )


def hint_of(key: AnyPublicKey) -> str:
    """Returns the hint of a key: the SHA-256 digest of its SubjectPublicKeyInfo, in base64."""
    return base64.b64encode(hashlib.sha256(key.der()).digest()).decode()


def parse_bundle(data: bytes, *, where: str) -> Bundle:
    """Returns a bundle with an envelope that a plain key signed; raises FormatError or LimitError for anything else."""
    document = parse_object(data, where=where, limit=LIMITS.bundle)
    found = member(document, "mediaType", str, where=where)
    if found != BUNDLE_MEDIA_TYPE:
        raise FormatError(f"mediaType must be {BUNDLE_MEDIA_TYPE}, but is {found[:100]!r}", where=where)
    if "messageSignature" in document:
        what = "the bundle signs a file, not a statement"
        raise FormatError(what, where=where, hint="sign with `wasm_oci attest`, or `cosign sign` of version 3")
    hint = _hint(member(document, "verificationMaterial", dict, where=where), where)
    envelope = parse_envelope(member(document, "dsseEnvelope", dict, where=where), where=f"{where}: dsseEnvelope")
    if envelope.key_id not in ("", hint):
        raise FormatError("the envelope names another key than the bundle", where=f"{where}: dsseEnvelope", hint="leave out keyid")
    return Bundle(envelope=envelope, hint=hint)


def _hint(material: JsonObject, where: str) -> str:
    place = f"{where}: verificationMaterial"
    if any(name in material for name in _CERTIFICATES):
        what = "the bundle was signed by an identity (keyless), which is not supported"
        raise FormatError(what, where=place, hint="verify it with `cosign verify`, or sign with a key", reason="keyless")
    key = member(material, "publicKey", dict, where=place)
    return member(key, "hint", str, where=f"{place}.publicKey", needed=False) or ""
