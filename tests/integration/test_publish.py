"""Run targets against a registry: our own, with and without the referrers API, or docker-registry.

REGISTRIES says which; every expectation is the same for all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from peers import EXAMPLE, Done, Server, call, docker_registry, image_file, own_registry, public_key, publish_detached, target, wasm_oci

from local_registry.client import MANIFEST, SIGNATURE, Client, Reply, digest_of

READS = {"GET", "HEAD"}
PUBLISHED = {
    "publish_unsigned": ("hello_oci_unsigned_image", "wasm-examples/examples/hello-oci", "unsigned"),
    "publish_signed": ("hello_oci_signed_image", "wasm-examples/examples/hello-oci-signed", "signed-v1.0.0"),
    "publish_complete_workflow": ("publish_complete_workflow_image", "wasm-examples/examples/hello-complete", "complete-v1.0.0"),
    "publish_detached": ("hello_oci_detached_image", "wasm-examples/examples/hello-oci-detached", "detached-v1.0.0"),
}
"""Name of a publish target to its image, and the repository and tag that it goes to."""


@pytest.fixture(params=os.environ["REGISTRIES"].split(","))
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    registries: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "own": lambda: own_registry(tmp_path, referrers_api=True),
        "own-without-referrers-api": lambda: own_registry(tmp_path, referrers_api=False),
        "docker-registry": lambda: docker_registry(tmp_path),
    }
    with registries[request.param]() as server:
        yield server


def launcher(name: str) -> Path:
    return publish_detached() if name == "publish_detached" else target(name)


def publish(name: str, registry: Server, *options: str) -> Done:
    return call(launcher(name), "--registry", registry.host, "--output", "json", *options)


def pull(reference: str, output: Path, *options: str | Path) -> Done:
    return call(wasm_oci(), "pull", reference, "-o", output, *options)


def ask(registry: Server, method: str, path: str) -> Reply:
    with Client(registry.host) as client:
        return client(method, path, Accept=f"{MANIFEST}, application/vnd.oci.image.index.v1+json")


def tag_digest(registry: Server, repository: str, tag: str) -> str | None:
    """What the registry itself says in its header, None where there is no such tag."""
    reply = ask(registry, "HEAD", f"/v2/{repository}/manifests/{tag}")
    return reply.headers["docker-content-digest"] if reply.status == 200 else None


def methods(registry: Server, since: int = 0) -> list[str]:
    return [method for method, _path, _status in registry.requests()[since:]]


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_was_built_is_what_the_registry_has(name: str, registry: Server) -> None:
    image, repository, tag = PUBLISHED[name]
    done = publish(name, registry)
    assert done.code == 0, done.stderr
    digest = image_file(image, "digest.txt").read_text().strip()
    assert done.json["status"] == "published"
    assert done.json["digest"] == digest
    assert done.json["reference"] == f"{registry.host}/{repository}@{digest}"
    assert done.json["tagged"] == f"{registry.host}/{repository}:{tag}"
    assert tag_digest(registry, repository, tag) == digest
    reply = ask(registry, "GET", f"/v2/{repository}/manifests/{tag}")
    assert digest_of(reply.body) == digest
    assert reply.body == (EXAMPLE / f"{image}_layout" / "blobs" / digest.replace(":", "/")).read_bytes()
    assert reply.document["annotations"] == json.loads(image_file(image, "metadata.json").read_text())["annotations"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_tag_is_written_last_and_once(name: str, registry: Server) -> None:
    assert publish(name, registry).code == 0
    writes = [(method, path) for method, path, _status in registry.requests() if method not in READS]
    tagged = ("PUT", f"/v2/{PUBLISHED[name][1]}/manifests/{PUBLISHED[name][2]}")
    assert writes.count(tagged) == 1
    assert writes[-1] == tagged


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_second_run_writes_nothing(name: str, registry: Server) -> None:
    assert publish(name, registry).code == 0
    before = len(registry.requests())
    again = publish(name, registry)
    assert again.code == 0, again.stderr
    assert again.json["status"] == "unchanged"
    later = registry.requests()[before:]
    assert later
    assert {method for method, _path, _status in later} <= READS
    assert not [path for method, path, _status in later if method == "GET" and "/blobs/" in path], "a blob was read"


@pytest.mark.parametrize("options", [["publish_dry_run"], ["publish_signed", "--dry-run"], ["publish_detached", "--dry-run"]])
def test_a_dry_run_sends_no_write_and_says_what_it_would_do(options: list[str], registry: Server) -> None:
    name, *flags = options
    done = call(launcher(name), "--registry", registry.host, *flags)
    assert done.code == 0, done.stderr
    image = "hello_oci_detached_image" if name == "publish_detached" else "hello_oci_signed_image"
    for words in ("upload", "create", "nothing was written", image_file(image, "digest.txt").read_text().strip()):
        assert words in done.stdout
    assert methods(registry)
    assert set(methods(registry)) <= READS


def test_a_dry_run_target_publishes_only_when_told_so(registry: Server) -> None:
    _image, repository, tag = PUBLISHED["publish_signed"]
    done = publish("publish_dry_run", registry)
    assert (done.code, done.json["dryRun"], done.json["status"]) == (0, True, "planned")
    assert tag_digest(registry, repository, tag) is None
    done = publish("publish_dry_run", registry, "--no-dry-run")
    assert (done.code, done.json["dryRun"], done.json["status"]) == (0, False, "published")
    assert tag_digest(registry, repository, tag) == done.json["digest"]


def test_a_tag_that_exists_with_another_digest_is_refused(registry: Server) -> None:
    _image, repository, tag = PUBLISHED["publish_unsigned"]
    layout = EXAMPLE / "hello_oci_detached_image_layout"
    signature = image_file("hello_oci_detached_image", "signature.sig")
    pushed = call(wasm_oci(), "push", layout.absolute(), f"{registry.host}/{repository}:{tag}", "--signature-file", signature)
    assert pushed.code == 0, pushed.stderr
    there = tag_digest(registry, repository, tag)
    before = len(registry.requests())
    dry = publish("publish_unsigned", registry, "--dry-run")
    refused = publish("publish_unsigned", registry)
    assert (dry.code, refused.code) == (7, 7)
    assert set(methods(registry, before)) <= READS
    assert tag_digest(registry, repository, tag) == there
    assert refused.json["error"]["reason"] == "tag_conflict"
    digest = image_file("hello_oci_unsigned_image", "digest.txt").read_text().strip()
    for words in (str(there), digest, "--move-tags"):
        assert words in refused.stderr
    assert "development key" not in refused.stderr, "nobody signed this image"
    moved = publish("publish_unsigned", registry, "--move-tags")
    assert moved.code == 0, moved.stderr
    assert tag_digest(registry, repository, tag) == digest


def test_a_development_key_that_may_be_new_is_named(registry: Server) -> None:
    _image, repository, tag = PUBLISHED["publish_signed"]
    layout = EXAMPLE / "hello_oci_unsigned_image_layout"
    assert call(wasm_oci(), "push", layout.absolute(), f"{registry.host}/{repository}:{tag}").code == 0
    refused = publish("publish_signed", registry)
    assert refused.code == 7
    assert "the build has generated a new development key" in refused.stderr


def test_latest_may_move(registry: Server) -> None:
    repository = PUBLISHED["publish_unsigned"][1]
    layout = EXAMPLE / "hello_oci_signed_image_layout"
    assert call(wasm_oci(), "push", layout.absolute(), f"{registry.host}/{repository}:latest").code == 0
    done = publish("publish_unsigned", registry, "--tag", "latest")
    assert done.code == 0, done.stderr
    assert tag_digest(registry, repository, "latest") == done.json["digest"]


def test_the_command_line_says_where_to(registry: Server) -> None:
    done = publish("publish_signed", registry, "--namespace", "elsewhere", "--tag", "v2")
    assert done.code == 0, done.stderr
    assert tag_digest(registry, "elsewhere/examples/hello-oci-signed", "v2") == done.json["digest"]
    assert tag_digest(registry, *PUBLISHED["publish_signed"][1:]) is None


@pytest.mark.parametrize("name", ["publish_signed", "publish_complete_workflow", "publish_detached"])
def test_what_is_pulled_is_verified_and_the_same(name: str, registry: Server, tmp_path: Path) -> None:
    done = publish(name, registry)
    assert done.code == 0, done.stderr
    output = tmp_path / "pulled.wasm"
    wrong = pull(done.json["reference"], output, "-K", public_key("oci_openssh_keys", "id_ed25519.pub"))
    assert wrong.code == 4
    assert not output.exists()
    pulled = pull(done.json["reference"], output, "-K", public_key())
    assert pulled.code == 0, pulled.stderr
    assert output.read_bytes() == image_file(PUBLISHED[name][0], "oci.wasm").read_bytes()


def test_an_unsigned_one_is_pulled_only_when_that_is_said(registry: Server, tmp_path: Path) -> None:
    done = publish("publish_unsigned", registry)
    output = tmp_path / "pulled.wasm"
    assert pull(done.json["reference"], output).code == 2
    assert pull(done.json["reference"], output, "-K", public_key()).code == 4
    assert not output.exists()
    pulled = pull(done.json["tagged"], output, "--allow-unsigned")
    assert pulled.code == 0, pulled.stderr
    assert done.json["reference"] in pulled.stdout, "the digest to write instead is shown"
    assert output.read_bytes() == image_file("hello_oci_unsigned_image", "oci.wasm").read_bytes()


def test_a_detached_signature_is_a_referrer_that_anyone_finds(registry: Server) -> None:
    done = publish("publish_detached", registry)
    assert done.code == 0, done.stderr
    repository, digest = PUBLISHED["publish_detached"][1], done.json["digest"]
    by_api = ask(registry, "GET", f"/v2/{repository}/referrers/{digest}")
    by_tag = ask(registry, "GET", f"/v2/{repository}/manifests/{digest.replace(':', '-')}")
    assert (by_api.status, by_tag.status) == ((200, 404) if registry.referrers_api else (404, 200))
    (entry,) = (by_api if registry.referrers_api else by_tag).document["manifests"]
    assert entry["artifactType"] == SIGNATURE
    manifest = ask(registry, "GET", f"/v2/{repository}/manifests/{entry['digest']}")
    assert digest_of(manifest.body) == entry["digest"]
    assert manifest.document["subject"]["digest"] == digest
    (layer,) = manifest.document["layers"]
    assert layer["mediaType"] == SIGNATURE
    blob = ask(registry, "GET", f"/v2/{repository}/blobs/{layer['digest']}")
    assert blob.body == image_file("hello_oci_detached_image", "signature.sig").read_bytes()
