"""cosign and wasm_oci: each verifies what the other signs, and both refuse it after a byte was changed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from peers import REGISTRIES, Done, Server, call, docker_registry, image_file, public_key, registry_of, target, wasm_oci

VSA = "https://slsa.dev/verification_summary/v1"
VERDICT = {
    "verifier": {"id": "https://example.org/policy"},
    "resourceUri": "oci://registry.example/hello",
    "policy": {"uri": "https://example.org/strict.yaml", "digest": {"sha256": "ab" * 32}},
    "verificationResult": "PASSED",
    "verifiedLevels": ["WASM_POLICY_STRICT"],
}
KEYS = {"Ed25519": ("-algorithm", "ed25519"), "P-256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")}
OFFLINE = ("--insecure-ignore-tlog", "--allow-http-registry")
SIGN_OFFLINE = ("--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "--yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The files of a key pair."""

    secret: Path
    public: Path


@pytest.fixture(params=REGISTRIES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """One without the referrers API, and one with it."""
    with registry_of(request.param, tmp_path / "registry") as server:
        yield server


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Server]:
    """Some registry, where it does not matter which."""
    with registry_of("local_registry", tmp_path / "place") as server:
        yield server


@pytest.fixture(params=KEYS)
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """A pair that openssl made."""
    pair = Pair(secret=tmp_path / "key.pem", public=tmp_path / "key.pub")
    assert call("openssl", "genpkey", *KEYS[request.param], "-out", pair.secret).code == 0
    assert call("openssl", "pkey", "-in", pair.secret, "-pubout", "-out", pair.public).code == 0
    return pair


@pytest.fixture
def cosign_keys(tmp_path: Path) -> Pair:
    """A pair that cosign made."""
    made = call("cosign", "generate-key-pair", cwd=tmp_path, COSIGN_PASSWORD="")
    assert made.code == 0, made.stderr
    return Pair(secret=tmp_path / "cosign.key", public=tmp_path / "cosign.pub")


@pytest.fixture
def predicate(tmp_path: Path) -> Path:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(VERDICT))
    return path


def pushed(registry: Server, name: str = "hello") -> str:
    """Publishes an image; returns its reference with the digest."""
    done = call(
        wasm_oci(), "push", image_file("hello_oci_unsigned_image", "layout"), f"{registry.host}/lib/{name}:1.0.0", "--output", "json"
    )
    assert done.code == 0, done.stderr
    return str(done.json["reference"])


def attested(reference: str, keys: Pair, kind: str, *options: str | Path) -> dict[str, Any]:
    done = call(wasm_oci(), "attest", reference, "--predicate-type", kind, *options, "-k", keys.secret, "--output", "json")
    assert done.code == 0, done.stderr
    return done.json


def cosign_verify(reference: str, public: Path, *options: str) -> Done:
    return call("cosign", "verify", "--key", public, *OFFLINE, *options, reference)


def cosign_verify_attestation(reference: str, public: Path, kind: str = VSA) -> Done:
    return call("cosign", "verify-attestation", "--key", public, *OFFLINE, "--type", kind, reference)


def statements(reference: str, public: Path, *options: str) -> Done:
    return call(wasm_oci(), "statements", reference, "-K", public, *options, "--output", "json")


def stranger(tmp_path: Path) -> Path:
    secret, public = tmp_path / "stranger.pem", tmp_path / "stranger.pub"
    assert call("openssl", "genpkey", *KEYS["P-256"], "-out", secret).code == 0
    assert call("openssl", "pkey", "-in", secret, "-pubout", "-out", public).code == 0
    return public


def test_cosign_verifies_what_we_attest(registry: Server, keys: Pair, predicate: Path, tmp_path: Path) -> None:
    reference = pushed(registry)
    attested(reference, keys, "sign")
    attested(reference, keys, "vsa", "--predicate", predicate)
    verified = cosign_verify(reference, keys.public)
    assert verified.code == 0, verified.stderr
    assert reference.rpartition("@")[2] in verified.stdout
    attestation = cosign_verify_attestation(reference, keys.public)
    assert attestation.code == 0, attestation.stderr
    statement = json.loads(base64.b64decode(json.loads(attestation.stdout)["payload"]))
    assert (statement["predicateType"], statement["predicate"]) == (VSA, VERDICT)
    other = stranger(tmp_path)
    assert cosign_verify(reference, other).code != 0
    assert cosign_verify_attestation(reference, other).code != 0
    assert cosign_verify_attestation(reference, keys.public, "https://slsa.dev/provenance/v1").code != 0


Change = Callable[[dict[str, Any]], object]


def payload_with(edit: Callable[[dict[str, Any]], object]) -> Change:
    """A change of the statement, whose signature stays."""

    def change(bundle: dict[str, Any]) -> None:
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        edit(statement)
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement, separators=(",", ":")).encode()).decode()

    return change


def flipped(bundle: dict[str, Any]) -> None:
    signature = bundle["dsseEnvelope"]["signatures"][0]
    data = bytearray(base64.b64decode(signature["sig"]))
    data[-1] ^= 1
    signature["sig"] = base64.b64encode(data).decode()


FORGERIES: dict[str, Change] = {
    "the signature": flipped,
    "the predicate": payload_with(lambda statement: statement["predicate"].update(verificationResult="FAILED")),
    "the subject": payload_with(lambda statement: statement["subject"][0]["digest"].update(sha256="ab" * 32)),
    "the predicate type": payload_with(lambda statement: statement.update(predicateType="https://sigstore.dev/cosign/sign/v1")),
    "the payload is no statement": payload_with(dict.clear),
}


def attach_bundle(reference: str, bundle: bytes, tmp_path: Path) -> None:
    """Attaches any bytes as a bundle with oras."""
    (tmp_path / "bundle.json").write_bytes(bundle)
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    done = call("oras", "attach", "--plain-http", "--artifact-type", kind, reference, f"bundle.json:{kind}", cwd=tmp_path)
    assert done.code == 0, done.stderr


@pytest.mark.parametrize("name", FORGERIES)
def test_both_refuse_a_forged_statement(place: Server, keys: Pair, predicate: Path, tmp_path: Path, name: str) -> None:
    reference = pushed(place)
    made = attested(reference, keys, "vsa", "--predicate", predicate)["statements"][0]["bundle"]
    repository = reference.partition("@")[0]
    bundle = json.loads(call("oras", "blob", "fetch", "--plain-http", "--output", "-", f"{repository}@{made}").stdout)
    victim = pushed(place, "victim")
    FORGERIES[name](bundle)
    attach_bundle(victim, json.dumps(bundle).encode(), tmp_path)
    assert cosign_verify(victim, keys.public).code != 0
    assert cosign_verify_attestation(victim, keys.public).code != 0
    ours = statements(victim, keys.public)
    assert (ours.code, ours.json["error"]["reason"]) == (4, "bad_signature")


def test_both_refuse_a_statement_about_another_image(place: Server, keys: Pair, predicate: Path, tmp_path: Path) -> None:
    reference = pushed(place)
    made = attested(reference, keys, "vsa", "--predicate", predicate)["statements"][0]["bundle"]
    bundle = call("oras", "blob", "fetch", "--plain-http", "--output", "-", f"{reference.partition('@')[0]}@{made}").stdout
    layout = image_file("hello_oci_signed_image", "layout")
    done = call(wasm_oci(), "push", layout, f"{place.host}/lib/another:1.0.0", "--output", "json")
    another = str(done.json["reference"])
    attach_bundle(another, bundle.encode(), tmp_path)
    assert cosign_verify(another, keys.public).code != 0
    assert cosign_verify_attestation(another, keys.public).code != 0
    ours = statements(another, keys.public)
    assert (ours.code, ours.json["error"]["reason"]) == (4, "other_subject")


@pytest.mark.parametrize("part", ["bundle", "referrer", "removed", "manifest"])
def test_both_refuse_what_was_changed_in_the_storage(keys: Pair, tmp_path: Path, part: str) -> None:
    """cosign does not fetch a manifest that is named by its digest, so that a changed one is left to whoever pulls it."""
    folder = tmp_path / "registry"
    folder.mkdir()
    with docker_registry(folder) as registry:
        reference = pushed(registry)
        entry = attested(reference, keys, "sign")["statements"][0]
        digest = reference.rpartition("@")[2] if part == "manifest" else entry["referrer" if part == "referrer" else "bundle"]
        encoded = digest.partition(":")[2]
        stored = folder / "data/docker/registry/v2/blobs/sha256" / encoded[:2] / encoded / "data"
        data = bytearray(stored.read_bytes())
        data[len(data) // 2] ^= 1
        stored.write_bytes(b"" if part == "removed" else data)
        assert part == "manifest" or cosign_verify(reference, keys.public).code != 0
        assert statements(reference, keys.public).code in (4, 6)


def test_both_refuse_a_changed_manifest_under_the_same_tag(place: Server, keys: Pair, tmp_path: Path) -> None:
    attested(pushed(place), keys, "sign")
    tagged = f"{place.host}/lib/hello:1.0.0"
    assert (cosign_verify(tagged, keys.public).code, statements(tagged, keys.public).code) == (0, 0)
    manifest = json.loads(call("oras", "manifest", "fetch", "--plain-http", tagged).stdout)
    manifest["annotations"] = {**manifest.get("annotations", {}), "org.opencontainers.image.version": "6.6.6"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    moved = call("oras", "manifest", "push", "--plain-http", tagged, tmp_path / "manifest.json")
    assert moved.code == 0, moved.stderr
    assert cosign_verify(tagged, keys.public).code != 0
    ours = statements(tagged, keys.public)
    assert (ours.code, ours.json["error"]["reason"]) == (4, "unsigned")


def test_we_verify_what_cosign_signs(registry: Server, cosign_keys: Pair, predicate: Path, tmp_path: Path) -> None:
    reference = pushed(registry)
    sign = call("cosign", "sign", "--key", cosign_keys.secret, *SIGN_OFFLINE, reference, COSIGN_PASSWORD="")
    assert sign.code == 0, sign.stderr
    attest = call(
        *("cosign", "attest", "--key", cosign_keys.secret, *SIGN_OFFLINE, "--type", VSA, "--predicate", predicate, reference),
        COSIGN_PASSWORD="",
    )
    assert attest.code == 0, attest.stderr
    for kind in ("sign", "vsa"):
        found = statements(reference, cosign_keys.public, "--predicate-type", kind)
        assert found.code == 0, found.stderr
    assert [each["predicate"] for each in found.json["statements"] if each["verified"]] == [VERDICT]
    refused = statements(reference, stranger(tmp_path))
    assert (refused.code, refused.json["error"]["reason"]) == (4, "no_trusted_key")


def test_we_countersign_what_cosign_signed(registry: Server, cosign_keys: Pair, keys: Pair, tmp_path: Path) -> None:
    reference = pushed(registry)
    trusted = tmp_path / "trusted.json"
    trusted.write_text(json.dumps({"keys": [{"name": "ci", "public_key_file": "cosign.pub"}]}))
    command = ("countersign", reference, "-k", keys.secret, "--trusted-keys", trusted)
    assert call(wasm_oci(), *command).code == 4
    sign = call("cosign", "sign", "--key", cosign_keys.secret, *SIGN_OFFLINE, reference, COSIGN_PASSWORD="")
    assert sign.code == 0, sign.stderr
    done = call(wasm_oci(), *command)
    assert done.code == 0, done.stderr
    for public in (keys.public, cosign_keys.public):
        assert cosign_verify(reference, public).code == 0


def test_signatures_under_cosigns_tag_are_verified_both_ways(registry: Server, cosign_keys: Pair, keys: Pair, tmp_path: Path) -> None:
    reference = pushed(registry)
    legacy = "--new-bundle-format=false"
    sign = call("cosign", "sign", "--key", cosign_keys.secret, *SIGN_OFFLINE, legacy, reference, COSIGN_PASSWORD="")
    assert sign.code == 0, sign.stderr
    attested(reference, keys, "sign", "--cosign-legacy")
    for public in (keys.public, cosign_keys.public):
        verified = cosign_verify(reference, public, legacy)
        assert verified.code == 0, verified.stderr
        assert statements(reference, public, "--cosign-legacy").code == 0
    assert cosign_verify(reference, stranger(tmp_path), legacy).code != 0
    assert statements(reference, cosign_keys.public).code == 4


def test_a_target_publishes_what_cosign_verifies_under_its_tag(registry: Server, tmp_path: Path) -> None:
    done = call(target("publish_cosign_legacy", Path("tests/integration")), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    tags = [path.rpartition("/")[2] for method, path, _ in registry.requests() if method == "PUT" and "/manifests/" in path]
    (destination,) = done.json["destinations"]
    assert tags[-2:] == [destination["cosignLegacy"]["tag"], destination["tag"]["tag"]]
    reference, legacy = done.json["reference"], "--new-bundle-format=false"
    for keys, name in (("oci_signing_keys", "key.public"), ("oci_openssh_keys", "id_ed25519.pub")):
        public = tmp_path / f"{keys}.pem"
        assert call(wasm_oci(), "key", "convert", "-i", public_key(keys, name), "--to", "pem", "-o", public).code == 0
        for named in (reference, done.json["tagged"]):
            verified = cosign_verify(named, public, legacy)
            assert verified.code == 0, verified.stderr
            (claim,) = json.loads(verified.stdout)
            assert claim["critical"]["image"]["docker-manifest-digest"] == done.json["digest"]
            assert claim["critical"]["identity"]["docker-reference"] == reference.partition("@")[0]
    assert cosign_verify(reference, stranger(tmp_path), legacy).code != 0


@pytest.mark.parametrize("part", ["payload", "signature", "removed"])
def test_both_refuse_a_changed_signature_under_cosigns_tag(tmp_path: Path, part: str) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    public = tmp_path / "public.pem"
    assert call(wasm_oci(), "key", "convert", "-i", public_key(), "--to", "pem", "-o", public).code == 0
    with docker_registry(folder) as registry:
        done = call(target("publish_cosign_legacy", Path("tests/integration")), "--registry", registry.host, "--output", "json")
        assert done.code == 0, done.stderr
        tag = f"{done.json['reference'].partition('@')[0]}:{done.json['destinations'][0]['cosignLegacy']['tag']}"
        raw = call("oras", "manifest", "fetch", "--plain-http", tag).stdout
        signature = json.loads(raw)["layers"][1]["annotations"]["dev.cosignproject.cosign/signature"]  # by the key that is trusted here
        digest = hashlib.sha256(raw.encode()).hexdigest()
        encoded = json.loads(raw)["layers"][0]["digest"].partition(":")[2] if part == "payload" else digest
        stored = folder / "data/docker/registry/v2/blobs/sha256" / encoded[:2] / encoded / "data"
        data = stored.read_bytes()
        position = data.index(signature.encode()) if part == "signature" else len(data) // 2
        stored.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        if part == "removed":
            stored.unlink()
        legacy = "--new-bundle-format=false"
        assert cosign_verify(done.json["reference"], public, legacy).code != 0
        assert statements(done.json["reference"], public, "--cosign-legacy").code in (4, 6)
