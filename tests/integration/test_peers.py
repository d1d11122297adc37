"""Other people's programs: docker-registry, crane, oras, skopeo and ssh-keygen agree with ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import EXAMPLE, DockerRegistry, call, docker_registry, image_file, public_key, target, wasm_oci

REPOSITORY = "wasm-examples/examples/hello-oci-signed"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as server:
        yield server


def test_every_tool_sees_the_same_digest(registry: DockerRegistry, tmp_path: Path) -> None:
    digest = image_file("hello_oci_signed_image", "digest.txt").read_text().strip()
    layout = (EXAMPLE / "hello_oci_signed_image_layout").absolute()
    raw = call("skopeo", "inspect", "--raw", f"oci:{layout}:signed-v1.0.0")
    assert "sha256:" + hashlib.sha256(raw.stdout.encode()).hexdigest() == digest, raw.stderr

    done = call(target("publish_signed"), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    assert done.json["digest"] == digest
    tagged = f"{registry.host}/{REPOSITORY}:signed-v1.0.0"
    assert call("crane", "digest", "--insecure", tagged).stdout.strip() == digest
    header = call(
        "curl",
        "-sI",
        "-H",
        "Accept: application/vnd.oci.image.manifest.v1+json",
        f"http://{registry.host}/v2/{REPOSITORY}/manifests/signed-v1.0.0",
    )
    assert f"docker-content-digest: {digest}" in header.stdout.lower()
    manifest = json.loads(call("oras", "manifest", "fetch", "--plain-http", tagged).stdout)
    assert manifest["annotations"] == json.loads(image_file("hello_oci_signed_image", "metadata.json").read_text())["annotations"]

    pulled = tmp_path / "pulled"
    assert call("oras", "pull", "--plain-http", "-o", pulled, tagged).code == 0
    assert (pulled / "hello-oci-signed.wasm").read_bytes() == image_file("hello_oci_signed_image", "oci.wasm").read_bytes()


def test_skopeo_copies_and_the_signature_still_verifies(registry: DockerRegistry, tmp_path: Path) -> None:
    assert call(target("publish_complete_workflow"), "--registry", registry.host).code == 0
    name = f"{registry.host}/wasm-examples/examples/hello-complete:complete-v1.0.0"
    copied = call("skopeo", "copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path}/copy:v1")
    assert copied.code == 0, copied.stderr
    wasm = tmp_path / "copied.wasm"
    back = call(wasm_oci(), "pull", tmp_path / "copy", "-o", wasm, "-K", public_key())
    assert back.code == 0, back.stderr
    assert wasm.stat().st_size > 8


def test_a_dry_run_is_reads_only_in_the_access_log(registry: DockerRegistry) -> None:
    before = len(registry.requests())
    for arguments in ([target("publish_dry_run")], [target("publish_complete_workflow"), "--dry-run", "--tag", "other"]):
        assert call(*arguments, "--registry", registry.host).code == 0
    sent = registry.requests()[before:]
    assert sent
    assert {method for method, _path, _status in sent} <= {"GET", "HEAD"}


def test_a_detached_signature_is_found_by_oras(registry: DockerRegistry, tmp_path: Path) -> None:
    done = call(target("publish_detached", Path("tests/integration")), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    found = call("oras", "discover", "--plain-http", "--format", "json", done.json["reference"])
    assert "application/vnd.wasmsign2.signature.v1" in found.stdout, found.stderr
    wasm = tmp_path / "pulled.wasm"
    back = call(wasm_oci(), "pull", done.json["reference"], "-o", wasm, "-K", public_key())
    assert back.code == 0, back.stderr
    assert wasm.read_bytes() == image_file("hello_oci_detached_image", "oci.wasm").read_bytes()


def test_ssh_keygen_reads_our_public_key() -> None:
    key = public_key("oci_openssh_keys", "id_ed25519.pub")
    done = call("ssh-keygen", "-l", "-f", key)
    assert done.code == 0, done.stderr
    assert "ED25519" in done.stdout
    assert "rules_wasm_oci example" in done.stdout
