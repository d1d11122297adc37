"""Statements about small manifests, and ways to change them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from fakes.signing import K1
from wasm_oci.attest.write import SignedStatement, sign_statement
from wasm_oci.digest import Digest
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.signer import AnySigner
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, WASM_CONFIG_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.trust.predicate_types import SIGN, VSA

VERDICT: JsonObject = {
    "verifier": {"id": "https://example.org/policy"},
    "resourceUri": "oci://registry.example/hello",
    "policy": {"uri": "https://example.org/strict.yaml", "digest": {"sha256": "ab" * 32}},
    "verificationResult": "PASSED",
    "verifiedLevels": ["WASM_POLICY_STRICT"],
}


def fetched(text: str = "hello") -> FetchedManifest:
    """A manifest as a store gives it."""
    config = Descriptor.of(text.encode(), WASM_CONFIG_MEDIA_TYPE)
    data = Manifest(config=config, layers=()).encode()
    return FetchedManifest(descriptor=Descriptor(media_type=MANIFEST_MEDIA_TYPE, digest=Digest.of(data), size=len(data)), data=data)


def signed(subject: FetchedManifest, signer: AnySigner = K1, kind: str = SIGN, predicate: JsonObject | None = None) -> SignedStatement:
    """A statement of this kind; a verdict has one that passed."""
    return sign_statement(subject, kind, (VERDICT if kind == VSA else {}) if predicate is None else predicate, signer)


def changed(bundle: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A bundle after a change of its JSON."""
    document = json.loads(bundle)
    change(document)
    return json.dumps(document).encode()


def payload_of(bundle: bytes) -> dict[str, Any]:
    """The statement in a bundle."""
    document: dict[str, Any] = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    return document


def resigned(bundle: bytes, signer: AnySigner, payload: bytes, kind: str = "application/vnd.in-toto+json") -> bytes:
    """A bundle with another payload that `signer` really signed, whatever it is: what a careless or hostile signer makes."""
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    document = json.loads(bundle)
    document["dsseEnvelope"] = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"sig": base64.b64encode(signer.sign(message)).decode()}],
    }
    return json.dumps(document).encode()
