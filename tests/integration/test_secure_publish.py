"""`secure_publish_enterprise` from end to end: what it leaves at a registry, and who refuses it after a part was changed or removed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from peers import EXAMPLE, REGISTRIES, Done, Server, call, public_key, registry_of, target, wasm_oci

from local_registry.client import MANIFEST, SIGNATURE, Client

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGN = "https://sigstore.dev/cosign/sign/v1"
OFFLINE = ("--insecure-ignore-tlog", "--allow-http-registry")
"""All that cosign needs where there is no network, as in this test; its `--offline` is deprecated."""
POLICY = (EXAMPLE / "enterprise_security_policy_security_policy.json").absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An artifact at a registry, and where the registry stores each part of it."""

    server: Server
    folder: Path
    """For files of a test."""
    result: dict[str, Any]
    parts: dict[str, Path]

    @property
    def reference(self) -> str:
        return str(self.result["reference"])

    @property
    def tagged(self) -> str:
        return str(self.result["tagged"])

    def pull(self, reference: str = "") -> Done:
        """Pulls as a consumer who trusts the key under the name that the policy gives it."""
        trusted, output = self.folder / "trusted.yaml", self.folder / "pulled.wasm"
        output.unlink(missing_ok=True)
        file = public_key("oci_openssh_keys", "id_ed25519.pub")
        trusted.write_text(json.dumps({"keys": [{"name": "oci_openssh_keys", "public_key": file.read_text().strip()}]}))
        options = ("-o", output, "--trusted-keys", trusted, "--policy", POLICY, "--output", "json")
        return call(wasm_oci(), "pull", reference or self.reference, *options)

    @property
    def pulled(self) -> list[str]:
        """Every file that a pull left, under whatever name."""
        return sorted(path.name for path in self.folder.glob("*pulled*"))

    def cosign(self, command: str, *options: str, reference: str = "") -> Done:
        public = self.folder / "cosign.pub"
        if not public.exists():
            converted = call(
                wasm_oci(), "key", "convert", "-i", public_key("oci_openssh_keys", "id_ed25519.pub"), "--to", "pem", "-o", public
            )
            assert converted.code == 0, converted.stderr
        return call("cosign", command, "--key", public, *OFFLINE, *options, reference or self.reference)


@pytest.fixture(scope="module", params=REGISTRIES)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """The example's target, run against a registry without the referrers API and one with it."""
    state, files = tmp_path_factory.mktemp("registry") / "served", tmp_path_factory.mktemp("files")
    docker = request.param == "docker-registry"
    with registry_of(request.param, state) as server:
        done = call(target("secure_publish_enterprise"), "--registry", server.host, "--output", "json")
        assert done.code == 0, done.stderr
        found = parts_of(server, done.json["digest"])
        repository = state / "state/wasm-examples/examples/hello-enterprise"
        parts = {
            part: state / f"data/docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data" if docker else repository / f"blobs/sha256/{name}"
            for part, name in ((part, digest.partition(":")[2]) for part, digest in found.items())
        }
        yield Published(server=server, folder=files, result=done.json, parts=parts)


def parts_of(server: Server, digest: str) -> dict[str, str]:
    """The digest of each part, as an independent client reads them."""
    repository = "/v2/wasm-examples/examples/hello-enterprise"
    with Client(server.host) as client:

        def manifest(name: str) -> dict[str, Any]:
            reply = client("GET", f"{repository}/manifests/{name}", Accept=f"{MANIFEST}, application/vnd.oci.image.index.v1+json")
            assert reply.status == 200
            document: dict[str, Any] = reply.document
            return document

        listed = client("GET", f"{repository}/referrers/{digest}").document if server.referrers_api else manifest(digest.replace(":", "-"))
        referrers = {each["artifactType"]: each["digest"] for each in listed["manifests"]}
        assert set(referrers) == {SIGNATURE, BUNDLE}
        return {
            "the manifest": digest,
            "the blob": manifest(digest)["layers"][0]["digest"],
            "the signature": manifest(referrers[SIGNATURE])["layers"][0]["digest"],
            "the referrer of the signature": referrers[SIGNATURE],
            "the statement": manifest(referrers[BUNDLE])["layers"][0]["digest"],
            "the referrer of the statement": referrers[BUNDLE],
        }


def test_what_is_published_is_signed_twice_verified_by_all_and_runs(published: Published) -> None:
    signature = published.parts["the signature"].read_bytes()
    assert signature == (EXAMPLE / "secure_publish_enterprise_image_signature.sig").read_bytes()
    assert public_key("oci_openssh_keys", "id_ed25519.pub").read_text().startswith("ssh-ed25519 ")
    pulled = published.pull()
    assert pulled.code == 0, pulled.stderr
    assert pulled.json["policy"]["decision"] == "allow"
    ran = call((EXAMPLE / "run_component").absolute(), published.folder / "pulled.wasm", "stranger")
    assert (ran.code, ran.stdout) == (0, "Hello, stranger, from a WebAssembly component!\n"), ran.stderr
    (published.folder / "pulled.out").unlink()
    verified = published.cosign("verify")
    assert verified.code == 0, verified.stderr
    assert published.result["digest"] in verified.stdout
    attested = published.cosign("verify-attestation", "--type", SIGN)
    assert attested.code == 0, attested.stderr
    statement = json.loads(base64.b64decode(json.loads(attested.stdout)["payload"]))
    assert statement["predicateType"] == SIGN
    assert [subject["digest"]["sha256"] for subject in statement["subject"]] == [published.result["digest"].partition(":")[2]]


MANIFESTS = ("the manifest", "the referrer of the signature", "the referrer of the statement")
REFUSED = {
    ("the manifest", "changed"): (4, False),
    ("the manifest", "removed"): (6, False),
    ("the blob", "changed"): (4, False),
    ("the blob", "removed"): (6, False),
    ("the signature", "changed"): (4, False),
    ("the signature", "removed"): (6, False),
    ("the referrer of the signature", "changed"): (4, False),
    ("the referrer of the signature", "removed"): (4, False),
    ("the statement", "changed"): (3, True),
    ("the statement", "removed"): (3, True),
    ("the referrer of the statement", "changed"): (4, True),
    ("the referrer of the statement", "removed"): (3, True),
}
"""What happened to a part, to the exit code of a pull, and to whether cosign refuses too.

A statement that is damaged or gone does not count, and the policy that requires one denies. cosign verifies a bundle about the digest that
it is given or that the registry gives it for a tag. It fetches neither the manifest of that digest nor its blobs, and a wasmsign2
signature means nothing to it: these are left to whoever pulls, which is `wasm_oci pull` here.
"""


@pytest.mark.parametrize(("part", "change"), REFUSED)
def test_a_part_that_is_changed_or_removed_is_refused(published: Published, part: str, change: str) -> None:
    code, cosign_refuses = REFUSED[part, change]
    if published.server.referrers_api and part in MANIFESTS and change == "changed":
        code, cosign_refuses = 6, True  # this registry itself refuses to serve a manifest that is damaged
    stored = published.parts[part]
    data = stored.read_bytes()
    try:
        if change == "changed":
            middle = len(data) // 2
            stored.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        else:
            stored.unlink()
        for reference in (published.reference, *([published.tagged] if part == "the manifest" else [])):
            refused = published.pull(reference)
            assert (refused.code, published.pulled) == (code, []), refused.stderr
        for command in (("verify",), *([("verify-attestation", "--type", SIGN)] if cosign_refuses else [])):
            by_cosign = published.cosign(*command)
            assert (by_cosign.code != 0) == cosign_refuses, by_cosign.stderr
    finally:
        stored.write_bytes(data)


def test_all_is_as_before(published: Published) -> None:
    """What was refused is accepted again, so that it was refused for what was done to it."""
    assert published.pull().code == 0
    assert published.cosign("verify").code == 0
