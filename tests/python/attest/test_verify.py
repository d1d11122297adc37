"""The verifier of statements: every way in which a bundle can lie is an error, and has its own reason."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fakes.signing import K1, K2, P256_SECRET
from fakes.statements import VERDICT, changed, fetched, payload_of, resigned, signed
from wasm_oci.attest.verify import Budget, VerifiedStatement, verify_bundle
from wasm_oci.digest import SHA512, Digest
from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.keys.any_key import parse_any_secret_key
from wasm_oci.keys.key import AnySecretKey
from wasm_oci.limits import LIMITS
from wasm_oci.trust.predicate_types import NAMES, SIGN, VSA
from wasm_oci.trust.trust import Trust, TrustedKey

P256 = parse_any_secret_key(P256_SECRET, where="")
KEYS: dict[str, AnySecretKey] = {"Ed25519": K1, "P-256": P256}
SUBJECT = fetched()
TRUST = Trust.of_keys([K1.public, P256.public])


def verified(bundle: bytes, *, trust: Trust = TRUST, kind: str | None = None, manifest: bytes = SUBJECT.data) -> VerifiedStatement:
    return verify_bundle(bundle, manifest=manifest, trust=trust, where="bundle", predicate_type=kind)


def refusal(bundle: bytes, *, trust: Trust = TRUST, kind: str | None = None, manifest: bytes = SUBJECT.data) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        verified(bundle, trust=trust, kind=kind, manifest=manifest)
    assert caught.value.exit_code == 4
    return caught.value


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> AnySecretKey:
    return KEYS[request.param]


@pytest.mark.parametrize("kind", [SIGN, VSA])
def test_what_is_written_is_verified(key: AnySecretKey, kind: str) -> None:
    found = verified(signed(SUBJECT, key, kind).bundle, kind=kind)
    assert (found.key, found.statement.predicate_type) == (key.public, kind)
    assert found.statement.predicate == (VERDICT if kind == VSA else {})


def test_every_changed_bit_of_payload_and_signature_is_refused(key: AnySecretKey) -> None:
    bundle = signed(SUBJECT, key, VSA).bundle
    envelope = json.loads(bundle)["dsseEnvelope"]
    for name, text in (("payload", envelope["payload"]), ("sig", envelope["signatures"][0]["sig"])):
        data = base64.b64decode(text)
        for offset in range(len(data)):
            flipped = data[:offset] + bytes([data[offset] ^ 1 << offset % 8]) + data[offset + 1 :]

            def put(document: dict[str, Any], name: str = name, flipped: bytes = flipped) -> None:
                place = document["dsseEnvelope"] if name == "payload" else document["dsseEnvelope"]["signatures"][0]
                place[name] = base64.b64encode(flipped).decode()

            assert refusal(changed(bundle, put)).reason == "bad_signature"


def test_every_cut_is_refused(key: AnySecretKey) -> None:
    bundle = signed(SUBJECT, key).bundle
    for length in range(0, len(bundle), 7):
        assert refusal(bundle[:length]).reason == "malformed_statement"


def test_a_changed_manifest_is_refused(key: AnySecretKey) -> None:
    bundle = signed(SUBJECT, key).bundle
    for offset in range(0, len(SUBJECT.data), 11):
        data = bytearray(SUBJECT.data)
        data[offset] ^= 1
        error = refusal(bundle, manifest=bytes(data))
        assert error.reason == "other_subject"
        assert str(SUBJECT.descriptor.digest) in error.what
        assert str(Digest.of(bytes(data))) in error.what


def test_another_predicate_type_is_an_error_and_never_verified(key: AnySecretKey) -> None:
    """CVE-2026-39395."""
    bundle = signed(SUBJECT, key, VSA).bundle
    error = refusal(bundle, kind=SIGN)
    assert error.reason == "other_predicate"
    assert VSA in error.what


PAYLOADS: dict[str, bytes] = {
    "empty object": b"{}",
    "text": b"hello",
    "a list": b"[]",
    "not UTF-8": b"\xff\xfe",
    "nested deeply": b'{"a":' * 100_000,
}


def edited(**members: object) -> bytes:
    return json.dumps({**payload_of(signed(SUBJECT).bundle), **members}).encode()


PAYLOADS |= {
    "twice the same key": edited()[:-1] + b',"predicateType":"' + SIGN.encode() + b'"}',
    "another statement type": edited(_type="https://in-toto.io/Statement/v9"),
    "no statement type": edited(_type=None),
    "no subject": edited(subject=[]),
    "subject is an object": edited(subject={}),
    "subject is a text": edited(subject=["sha256:" + "ab" * 32]),
    "digest is a text": edited(subject=[{"digest": "ab"}]),
    "digest is malformed": edited(subject=[{"digest": {"sha256": "ab"}}]),
    "digest in upper case": edited(subject=[{"digest": {"sha256": SUBJECT.descriptor.digest.hex.upper()}}]),
    "digest is a number": edited(subject=[{"digest": {"sha256": 1}}]),
    "no predicate type": edited(predicateType=None),
    "empty predicate type": edited(predicateType=""),
    "predicate is a list": edited(predicate=[]),
    "predicate is a text": edited(predicate="PASSED"),
    "a sign statement that says something": edited(predicate={"verificationResult": "PASSED"}),
    "a verdict without content": edited(predicateType=VSA),
    "a verdict with another result": edited(predicateType=VSA, predicate={**VERDICT, "verificationResult": "passed"}),
    "NaN": edited()[:-1] + b',"x":NaN}',
    "bytes after the end": edited() + b"{}",
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_malformed_payload_that_is_really_signed_is_an_error(name: str, key: AnySecretKey) -> None:
    """CVE-2026-39395: a payload that cannot be read was "Verified OK"."""
    error = refusal(resigned(signed(SUBJECT, key).bundle, key, PAYLOADS[name]))
    assert error.reason == "malformed_statement"
    assert len(str(error)) < 500


SUBJECTS: dict[str, object] = {
    "another digest": [{"digest": {"sha256": "ab" * 32}}],
    "no digest": [{"digest": {}}],
    "unknown algorithms only": [{"digest": {"gitCommit": SUBJECT.descriptor.digest.hex, "md5": "00"}}],
    "one of two digests": [{"digest": {"sha256": SUBJECT.descriptor.digest.hex, "sha512": "ab" * 64}}],
    "the digest as a name": [{"name": str(SUBJECT.descriptor.digest), "digest": {"sha256": "ab" * 32}}],
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_statement_about_something_else_is_refused(name: str, key: AnySecretKey) -> None:
    error = refusal(resigned(signed(SUBJECT, key).bundle, key, edited(subject=SUBJECTS[name])))
    assert error.reason == "other_subject"


OURS = {"sha256": SUBJECT.descriptor.digest.hex}
ACCEPTED: dict[str, bytes] = {
    "the older statement type, as cosign attest writes it": edited(_type="https://in-toto.io/Statement/v0.1"),
    "one of several subjects": edited(subject=[{"digest": {"sha256": "ab" * 32}}, {"name": "x", "digest": OURS}]),
    "both digests": edited(subject=[{"digest": {**OURS, "sha512": Digest.of(SUBJECT.data, SHA512).hex, "gitCommit": "x"}}]),
    "no predicate": edited(predicate=None),
    "further members": edited(extra={"a": 1}),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_others_may_write_is_verified(name: str, key: AnySecretKey) -> None:
    assert verified(resigned(signed(SUBJECT, key).bundle, key, ACCEPTED[name]), kind=SIGN).key == key.public


def test_another_payload_type_is_refused_though_it_is_signed(key: AnySecretKey) -> None:
    error = refusal(resigned(signed(SUBJECT, key).bundle, key, edited(), "application/json"))
    assert (error.reason, "application/json" in error.what) == ("malformed_statement", True)


def test_a_signature_of_the_payload_alone_is_refused(key: AnySecretKey) -> None:
    """What is signed has the payload's type and lengths before it."""
    signature = base64.b64encode(key.sign(edited())).decode()
    bundle = changed(signed(SUBJECT, key).bundle, lambda document: document["dsseEnvelope"].update(signatures=[{"sig": signature}]))
    assert refusal(bundle).reason == "bad_signature"


Change = Callable[[dict[str, Any]], object]
BUNDLES: dict[str, Change] = {
    "another media type": lambda document: document.update(mediaType="application/vnd.dev.sigstore.bundle.v0.4+json"),
    "no media type": lambda document: document.pop("mediaType"),
    "a signature of a file": lambda document: document.update(messageSignature={}),
    "no envelope": lambda document: document.pop("dsseEnvelope"),
    "no signature": lambda document: document["dsseEnvelope"].update(signatures=[]),
    "two signatures": lambda document: document["dsseEnvelope"]["signatures"].append(document["dsseEnvelope"]["signatures"][0]),
    "a signature that is a text": lambda document: document["dsseEnvelope"].update(signatures=["AAAA"]),
    "an empty signature": lambda document: document["dsseEnvelope"]["signatures"][0].update(sig=""),
    "a signature that is not base64": lambda document: document["dsseEnvelope"]["signatures"][0].update(sig="AAA*"),
    "an empty payload": lambda document: document["dsseEnvelope"].update(payload=""),
    "a payload that is not base64": lambda document: document["dsseEnvelope"].update(payload="{}"),
    "a payload with letters beyond ASCII": lambda document: document["dsseEnvelope"].update(payload="äaaa"),
    "a payload that is an object": lambda document: document["dsseEnvelope"].update(payload={}),
    "another key id": lambda document: document["dsseEnvelope"]["signatures"][0].update(keyid="another"),
    "no verification material": lambda document: document.pop("verificationMaterial"),
    "a hint that is a number": lambda document: document["verificationMaterial"]["publicKey"].update(hint=1),
}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_malformed_bundle_is_an_error(name: str, key: AnySecretKey) -> None:
    assert refusal(changed(signed(SUBJECT, key).bundle, BUNDLES[name])).reason == "malformed_statement"


@pytest.mark.parametrize("name", ["certificate", "x509CertificateChain"])
def test_a_bundle_of_an_identity_is_not_verified_by_a_key(name: str, key: AnySecretKey) -> None:
    """CVE-2026-24122 is about certificates of such bundles: none is looked at, and none makes a bundle verify."""

    def keyless(document: dict[str, Any]) -> None:
        document["verificationMaterial"][name] = {"rawBytes": "AAAA"}

    error = refusal(changed(signed(SUBJECT, key).bundle, keyless))
    assert (error.reason, "keyless" in error.what) == ("keyless", True)


LOG_ENTRY = {
    "logIndex": "1",
    "integratedTime": "1700000000",
    "inclusionPromise": {"signedEntryTimestamp": "AAAA"},
    "canonicalizedBody": "e30=",
}


def test_a_log_entry_proves_nothing(key: AnySecretKey) -> None:
    """CVE-2026-22703: an entry that belongs to something else. None is looked at: the key alone decides, and no result names a log."""

    def logged(document: dict[str, Any]) -> None:
        document["verificationMaterial"] |= {"tlogEntries": [LOG_ENTRY], "timestampVerificationData": {}}

    bundle = changed(signed(SUBJECT, key).bundle, logged)
    assert verified(bundle) == verified(signed(SUBJECT, key).bundle)
    forged = changed(bundle, lambda document: document["dsseEnvelope"]["signatures"][0].update(sig=base64.b64encode(bytes(64)).decode()))
    assert refusal(forged).reason == "bad_signature"


def test_a_key_id_may_be_absent_empty_or_the_hint(key: AnySecretKey) -> None:
    bundle = signed(SUBJECT, key).bundle
    hint = json.loads(bundle)["verificationMaterial"]["publicKey"]["hint"]
    for key_id in ("", hint):
        again = changed(bundle, lambda document, key_id=key_id: document["dsseEnvelope"]["signatures"][0].update(keyid=key_id))  # type: ignore[misc]
        assert verified(again).key == key.public


def test_a_bundle_in_url_safe_base64_is_read(key: AnySecretKey) -> None:
    def url_safe(document: dict[str, Any]) -> None:
        envelope = document["dsseEnvelope"]
        envelope["payload"] = envelope["payload"].replace("+", "-").replace("/", "_")
        envelope["signatures"][0]["sig"] = envelope["signatures"][0]["sig"].replace("+", "-").replace("/", "_")

    assert verified(changed(signed(SUBJECT, key, VSA).bundle, url_safe)).key == key.public


@pytest.mark.parametrize("hint", ["", "of another program", None])
def test_a_hint_that_names_no_trusted_key_does_not_matter(hint: str | None, key: AnySecretKey) -> None:
    bundle = changed(signed(SUBJECT, key).bundle, lambda document: document["verificationMaterial"].update(publicKey={"hint": hint}))
    assert verified(bundle).key == key.public


def test_a_key_that_is_not_trusted_is_refused_whatever_the_hint_says() -> None:
    bundle = signed(SUBJECT, K2).bundle
    error = refusal(bundle)
    assert error.reason == "no_trusted_key"
    assert K1.public.key_id.hex() in error.what
    pretended = changed(
        bundle, lambda document: document.update(verificationMaterial=json.loads(signed(SUBJECT).bundle)["verificationMaterial"])
    )
    assert refusal(pretended).reason == "bad_signature"


STORED = TrustedKey(
    name="release", public=K1.public, not_before=datetime(2026, 1, 1, tzinfo=UTC), not_after=datetime(2026, 12, 31, tzinfo=UTC)
)
NOT_VALID = {
    "key_revoked": (replace(STORED, revoked=True), 2026),
    "key_expired": (STORED, 2027),
    "key_not_yet_valid": (STORED, 2025),
}


@pytest.mark.parametrize("reason", NOT_VALID)
def test_a_key_that_is_not_valid_verifies_nothing(reason: str) -> None:
    stored, year = NOT_VALID[reason]
    trust = Trust.of_store([stored], at=datetime(year, 6, 1, tzinfo=UTC))
    error = refusal(signed(SUBJECT).bundle, trust=trust)
    assert (error.reason, "release" in error.what) == (reason, True)
    assert verified(signed(SUBJECT).bundle, trust=Trust.of_store([STORED], at=datetime(2026, 6, 1, tzinfo=UTC))).key == K1.public


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = signed(SUBJECT).bundle
    monkeypatch.setattr("wasm_oci.attest.bundle.LIMITS", replace(LIMITS, bundle=len(bundle) - 1))
    assert refusal(bundle).reason == "limit"
    monkeypatch.setattr("wasm_oci.attest.bundle.LIMITS", LIMITS)
    monkeypatch.setattr("wasm_oci.attest.statement.LIMITS", replace(LIMITS, statement=200))
    assert refusal(bundle).reason == "limit"
    monkeypatch.setattr("wasm_oci.attest.statement.LIMITS", replace(LIMITS, statement_subjects=1, subject_digests=1))
    assert refusal(resigned(bundle, K1, ACCEPTED["one of several subjects"])).reason == "limit"
    assert refusal(resigned(bundle, K1, ACCEPTED["both digests"])).reason == "limit"
    monkeypatch.setattr("wasm_oci.attest.write.LIMITS", replace(LIMITS, statement=200))
    with pytest.raises(FormatError, match="more than 200"):
        signed(SUBJECT)


def test_signatures_that_are_tried_are_limited() -> None:
    bundle = changed(signed(SUBJECT, P256).bundle, lambda document: document.update(verificationMaterial={"publicKey": {}}))
    with pytest.raises(SignatureError) as caught:
        verify_bundle(bundle, manifest=SUBJECT.data, trust=TRUST, where="bundle", budget=Budget(1))
    assert caught.value.reason == "limit"
    assert verify_bundle(bundle, manifest=SUBJECT.data, trust=TRUST, where="bundle", budget=Budget(2)).key == P256.public


@pytest.mark.parametrize(("wanted", "suffix"), [("spdxjson", "/v2.3"), ("spdxjson", "/v3"), ("cyclonedx", "/v1.6"), ("cyclonedx", "")])
def test_a_bill_of_materials_may_have_a_version_in_its_type(wanted: str, suffix: str) -> None:
    bundle = signed(SUBJECT, kind=NAMES[wanted] + suffix, predicate={"a": 1}).bundle
    assert verified(bundle, kind=NAMES[wanted]).statement.predicate == {"a": 1}
    assert refusal(signed(SUBJECT, kind=f"{NAMES[wanted]}x", predicate={"a": 1}).bundle, kind=NAMES[wanted]).reason == "other_predicate"


def test_the_writer_verifies_what_it_signed() -> None:
    class Liar:
        public = K1.public

        def sign(self, message: bytes) -> bytes:
            return K2.sign(message)

    with pytest.raises(SignatureError, match="does not verify with the key"):
        signed(SUBJECT, Liar())


@pytest.mark.parametrize("seed", range(8))
def test_random_changes_never_verify_as_something_else(seed: int) -> None:
    """No traceback, and whatever still verifies is the statement that was signed."""
    draw = random.Random(seed)
    bundle = signed(SUBJECT, (K1, P256)[seed % 2], (SIGN, VSA)[seed // 2 % 2]).bundle
    payload = payload_of(bundle)
    for _ in range(500):
        data = bytearray(bundle)
        for _ in range(draw.randrange(1, 4)):
            offset = draw.randrange(len(data))
            match draw.randrange(3):
                case 0:
                    data[offset] ^= 1 << draw.randrange(8)
                case 1:
                    del data[offset : offset + draw.randrange(1, 20)]
                case 2:
                    data[offset:offset] = draw.choice((b'"', b"{", b"}", b"[", b",", b"null", b"1", b"\\u0000", draw.randbytes(3)))
        try:
            found = verified(bytes(data))
        except SignatureError:
            continue
        assert payload_of(bytes(data)) == payload
        assert found.statement.predicate == payload["predicate"]
