"""The bytes of statements: those that cosign accepted, and those that it writes of the same statement."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from fakes.signing import K1, P256_SECRET
from fakes.statements import VERDICT, fetched, payload_of, signed
from wasm_oci.attest.bundle import hint_of, parse_bundle
from wasm_oci.attest.dsse import Envelope
from wasm_oci.attest.statement import Statement, parse_statement, statement_about
from wasm_oci.digest import SHA512, Digest
from wasm_oci.keys.any_key import parse_any_secret_key
from wasm_oci.keys.key import AnySecretKey
from wasm_oci.trust.predicate_types import SIGN, VSA

ABAB = Digest("sha256:" + "ab" * 32)
SIGNATURE = "VXH+ZPHyk5nCbfKkG8agqTl/HEj/e1iJYkEpkZJjV3J6x3duJRP2e/7VYGI+fwvuWLFz0jkHFyroylDZX1UWDA=="
HINT = "oFCDfYUHBYLM9zlLCYiEfMMSy4glm4lImfbyOc8XkaU="


def test_a_sign_statement_is_the_one_that_cosign_writes() -> None:
    payload = Statement(subjects=((ABAB,),), predicate_type=SIGN).encode()
    assert payload == (
        b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"' + b"ab" * 32 + b'"},"annotations":{}}],'
        b'"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}'
    )
    assert len(payload) == 230
    message = Envelope(payload=payload, signature=b"").message()
    assert message.startswith(b"DSSEv1 28 application/vnd.in-toto+json 230 {")
    assert hashlib.sha256(message).hexdigest() == "a17600548857ec05c6a6b6f32200718516e33c9595092692582d2da2ac62ad47"
    assert base64.b64encode(K1.sign(message)).decode() == SIGNATURE


def test_a_bundle_has_what_cosign_reads_and_nothing_else() -> None:
    subject = fetched()
    made = signed(subject)
    assert hint_of(K1.public) == HINT
    document = json.loads(made.bundle)
    envelope = document["dsseEnvelope"]
    assert list(document) == ["mediaType", "verificationMaterial", "dsseEnvelope"]
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert document["verificationMaterial"] == {"publicKey": {"hint": HINT}}
    assert list(envelope) == ["payload", "payloadType", "signatures"]
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert [list(signature) for signature in envelope["signatures"]] == [["sig"]]
    assert parse_bundle(made.bundle, where="").encode() == made.bundle


def test_the_referrer_is_the_one_that_cosign_pushes_without_a_time() -> None:
    subject = fetched()
    made = signed(subject, kind=VSA)
    manifest = json.loads(made.referrer.encode())
    assert manifest == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "size": 2,
        },
        "layers": [
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "digest": str(Digest.of(made.bundle)),
                "size": len(made.bundle),
            }
        ],
        "subject": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": str(subject.descriptor.digest),
            "size": len(subject.data),
        },
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": "https://slsa.dev/verification_summary/v1",
        },
    }


@pytest.mark.parametrize("key", [K1, parse_any_secret_key(P256_SECRET, where="")], ids=["Ed25519", "P-256"])
def test_the_same_statement_is_the_same_bytes(key: AnySecretKey) -> None:
    once, again = (signed(fetched(), key, VSA) for _ in range(2))
    assert once == again


def test_a_predicate_is_signed_as_it_was_given() -> None:
    predicate = json.loads(json.dumps({**VERDICT, "zebra": [1, {"b": "ü", "a": None}], "alpha": True}))
    assert list(payload_of(signed(fetched(), kind=VSA, predicate=predicate).bundle)["predicate"]) == list(predicate)
    assert payload_of(signed(fetched(), kind=VSA, predicate=predicate).bundle)["predicate"] == predicate


def test_a_manifest_named_by_sha512_has_both_digests() -> None:
    data = fetched().data
    statement = statement_about(data, Digest.of(data, SHA512), SIGN, {})
    assert statement.subjects == ((Digest.of(data), Digest.of(data, SHA512)),)
    assert parse_statement(statement.encode(), where="") == statement
