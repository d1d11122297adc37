"""Other people's programs agree with ours: crane, oras and skopeo on what is published, ssh-keygen on keys."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import EXAMPLE, DockerRegistry, call, docker_registry, image_file, public_key, publish_detached, target, wasm_oci

IMAGES = {
    "hello_oci_unsigned_image": ("hello-oci", "unsigned", "publish_unsigned"),
    "hello_oci_signed_image": ("hello-oci-signed", "signed-v1.0.0", "publish_signed"),
    "publish_complete_workflow_image": ("hello-complete", "complete-v1.0.0", "publish_complete_workflow"),
}
"""Image to the end of its repository, its tag and its publish target."""
OPENSSH_PUBLIC = public_key("oci_openssh_keys", "id_ed25519.pub")
OPENSSH_SECRET = OPENSSH_PUBLIC.with_suffix("")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.mark.parametrize("image", IMAGES)
def test_every_tool_sees_the_same_digest(image: str, registry: DockerRegistry, tmp_path: Path) -> None:
    name, tag, publish = IMAGES[image]
    digest = image_file(image, "digest.txt").read_text().strip()
    layout = (EXAMPLE / f"{image}_layout").absolute()
    raw = call("skopeo", "inspect", "--raw", f"oci:{layout}:{tag}")
    assert "sha256:" + hashlib.sha256(raw.stdout.encode()).hexdigest() == digest, raw.stderr

    done = call(target(publish), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    assert done.json["digest"] == digest
    tagged = f"{registry.host}/wasm-examples/examples/{name}:{tag}"
    assert call("crane", "digest", "--insecure", tagged).stdout.strip() == digest
    url = f"http://{registry.host}/v2/wasm-examples/examples/{name}/manifests/{tag}"
    header = call("curl", "-sI", "-H", "Accept: application/vnd.oci.image.manifest.v1+json", url)
    assert f"docker-content-digest: {digest}" in header.stdout.lower()
    manifest = json.loads(call("oras", "manifest", "fetch", "--plain-http", tagged).stdout)
    annotations = json.loads(image_file(image, "metadata.json").read_text())["annotations"]
    assert manifest["annotations"] == annotations
    assert annotations["org.opencontainers.image.description"]

    pulled = tmp_path / "pulled"
    assert call("oras", "pull", "--plain-http", "-o", pulled, tagged).code == 0
    assert (pulled / f"{name}.wasm").read_bytes() == image_file(image, "oci.wasm").read_bytes()


def test_skopeo_copies_and_the_signature_still_verifies(registry: DockerRegistry, tmp_path: Path) -> None:
    assert call(target("publish_complete_workflow"), "--registry", registry.host).code == 0
    name = f"{registry.host}/wasm-examples/examples/hello-complete:complete-v1.0.0"
    copied = call("skopeo", "copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path}/copy:v1")
    assert copied.code == 0, copied.stderr
    wasm = tmp_path / "copied.wasm"
    back = call(wasm_oci(), "pull", tmp_path / "copy", "-o", wasm, "-K", public_key())
    assert back.code == 0, back.stderr
    assert wasm.read_bytes() == image_file("publish_complete_workflow_image", "oci.wasm").read_bytes()


def test_a_detached_signature_is_found_by_oras(registry: DockerRegistry, tmp_path: Path) -> None:
    done = call(publish_detached(), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    found = call("oras", "discover", "--plain-http", "--format", "json", done.json["reference"])
    (referrer,) = json.loads(found.stdout)["referrers"]
    assert referrer["artifactType"] == "application/vnd.wasmsign2.signature.v1"
    repository = done.json["reference"].partition("@")[0]
    manifest = json.loads(call("oras", "manifest", "fetch", "--plain-http", f"{repository}@{referrer['digest']}").stdout)
    blob = f"{repository}@{manifest['layers'][0]['digest']}"
    signature = tmp_path / "found.sig"
    fetched = call("oras", "blob", "fetch", "--plain-http", "-o", signature, blob)
    assert fetched.code == 0, fetched.stderr
    assert signature.read_bytes() == image_file("hello_oci_detached_image", "signature.sig").read_bytes()


def test_oras_copies_an_image_with_its_detached_signature(registry: DockerRegistry, tmp_path: Path) -> None:
    done = call(publish_detached(), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    there = f"{registry.host}/copies/detached:v1"
    copied = call("oras", "copy", "-r", "--from-plain-http", "--to-plain-http", done.json["tagged"], there)
    assert copied.code == 0, copied.stderr
    wasm = tmp_path / "pulled.wasm"
    back = call(wasm_oci(), "pull", there, "-o", wasm, "-K", public_key())
    assert back.code == 0, back.stderr
    assert wasm.read_bytes() == image_file("hello_oci_detached_image", "oci.wasm").read_bytes()


def test_a_module_that_says_component_is_refused_by_the_structural_check(tmp_path: Path) -> None:
    """What a signature does not cover: the preamble."""
    data = image_file("hello_oci_signed_image", "oci.wasm").read_bytes()
    good, forged = tmp_path / "good.wasm", tmp_path / "forged.wasm"
    good.write_bytes(data)
    forged.write_bytes(b"\0asm\x01\0\0\0" + data[8:])
    assert call("wasm-tools", "validate", good).code == 0
    assert call("wasm-tools", "validate", forged).code != 0


def test_ssh_keygen_reads_our_keys(tmp_path: Path) -> None:
    shown = call("ssh-keygen", "-l", "-f", OPENSSH_PUBLIC)
    assert shown.code == 0, shown.stderr
    assert shown.stdout.rstrip().endswith("rules_wasm_oci example (ED25519)")
    secret = tmp_path / "id_ed25519"
    shutil.copy(OPENSSH_SECRET, secret)
    secret.chmod(0o600)
    half = call("ssh-keygen", "-y", "-f", secret)
    assert half.code == 0, half.stderr
    assert half.stdout.split() == OPENSSH_PUBLIC.read_text().split()


def test_a_key_of_ssh_keygen_signs_and_verifies(tmp_path: Path) -> None:
    secret = tmp_path / "id"
    made = call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "someone@example.com", "-f", secret)
    assert made.code == 0, made.stderr
    signed = tmp_path / "signed.wasm"
    done = call(wasm_oci(), "sign", "-i", (EXAMPLE / "hello.wasm").absolute(), "-o", signed, "-k", secret)
    assert done.code == 0, done.stderr
    assert call(wasm_oci(), "verify", "-i", signed, "-K", secret.with_suffix(".pub")).code == 0
    assert call(wasm_oci(), "verify", "-i", signed, "-K", OPENSSH_PUBLIC).code == 4
