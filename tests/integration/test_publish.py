"""Run targets against our own registry, started as a user starts them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import call, image_file, public_key, target, wasm_oci

from wasm_oci.local_registry.server import RunningRegistry, start

DETACHED = Path("tests/integration")
READS = {"GET", "HEAD"}


@pytest.fixture(params=[True, False], ids=["referrers-api", "fallback-tag"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningRegistry]:
    with start(tmp_path / "state", referrers_api=request.param) as server:
        yield server


def test_publish_says_what_the_registry_has(registry: RunningRegistry, tmp_path: Path) -> None:
    done = call(target("publish_signed"), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    digest = image_file("hello_oci_signed_image", "digest.txt").read_text().strip()
    assert done.json["digest"] == digest
    assert done.json["reference"] == f"{registry.host}/wasm-examples/examples/hello-oci-signed@{digest}"
    tags = [r for r in registry.requests if r.method == "PUT" and "/manifests/signed-v1.0.0" in r.path]
    writes = [r for r in registry.requests if r.method not in READS]
    assert len(tags) == 1
    assert writes[-1] == tags[0], "the tag comes last"
    pulled = tmp_path / "pulled.wasm"
    back = call(wasm_oci(), "pull", done.json["reference"], "-o", pulled, "-K", public_key())
    assert back.code == 0, back.stderr
    assert pulled.read_bytes() == image_file("hello_oci_signed_image", "oci.wasm").read_bytes()


def test_a_second_run_writes_nothing(registry: RunningRegistry) -> None:
    for name, package in (("publish_unsigned", None), ("publish_detached", DETACHED)):
        launcher = target(name, package) if package else target(name)
        assert call(launcher, "--registry", registry.host).code == 0
        before = len(registry.requests)
        again = call(launcher, "--registry", registry.host, "--output", "json")
        assert again.code == 0, again.stderr
        assert again.json["status"] == "unchanged"
        assert {request.method for request in registry.requests[before:]} <= READS


def test_a_dry_run_sends_no_write_and_says_what_it_would_do(registry: RunningRegistry) -> None:
    runs: list[list[str | Path]] = [[target("publish_dry_run")], [target("publish_signed"), "--dry-run"]]
    for arguments in runs:
        done = call(*arguments, "--registry", registry.host)
        assert done.code == 0, done.stderr
        assert "upload" in done.stdout
        assert "create" in done.stdout
        assert "nothing was written" in done.stdout
    assert {request.method for request in registry.requests} <= READS


def test_a_dry_run_target_publishes_only_when_told_so(registry: RunningRegistry) -> None:
    done = call(target("publish_dry_run"), "--registry", registry.host, "--no-dry-run", "--output", "json")
    assert done.code == 0, done.stderr
    assert done.json["status"] == "published"


def test_a_tag_with_another_digest_is_not_moved(registry: RunningRegistry) -> None:
    assert call(target("publish_unsigned"), "--registry", registry.host, "--tag", "v1").code == 0
    # The same repository, so that the tag is the same.
    repository = "wasm-examples/examples/hello-oci"
    layout = image_file("hello_oci_detached_image", "layout")
    push: list[str | Path] = [wasm_oci(), "push", layout, f"{registry.host}/{repository}:v1"]
    refused = call(*push)
    assert refused.code == 7
    assert refused.stderr.count("sha256:") == 2, "both digests are named"
    assert call(*push, "--move-tags").code == 0


def test_a_detached_signature_travels_as_a_referrer(registry: RunningRegistry, tmp_path: Path) -> None:
    done = call(target("publish_detached", DETACHED), "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    pulled = tmp_path / "pulled.wasm"
    wrong = call(wasm_oci(), "pull", done.json["reference"], "-o", pulled, "-K", public_key("oci_openssh_keys", "id_ed25519.pub"))
    assert wrong.code == 4
    assert not pulled.exists()
    back = call(wasm_oci(), "pull", done.json["reference"], "-o", pulled, "-K", public_key())
    assert back.code == 0, back.stderr
    assert pulled.read_bytes() == image_file("hello_oci_detached_image", "oci.wasm").read_bytes()


def test_an_unknown_registry_is_refused_with_the_entries() -> None:
    done = call(target("publish_complete_workflow"), "--registry", "nowhere")
    assert done.code == 2
    assert "localhost" in done.stderr, "the entries are named"


def test_a_target_runs_from_anywhere_and_with_a_manifest_only(registry: RunningRegistry, tmp_path: Path) -> None:
    launcher = target("publish_signed")
    away = call(launcher, "--registry", registry.host, "--dry-run", cwd=tmp_path)
    assert away.code == 0, away.stderr
    runfiles = Path.cwd().parent
    manifest = tmp_path / "MANIFEST"
    files = (path for path in runfiles.rglob("*") if path.is_file())
    manifest.write_text("".join(f"{path.relative_to(runfiles)} {path.resolve()}\n" for path in files if " " not in str(path)))
    alone = tmp_path / "publish_signed"
    shutil.copy(launcher, alone)
    done = call(alone, "--registry", registry.host, "--dry-run", cwd=tmp_path, RUNFILES_DIR="", RUNFILES_MANIFEST_FILE=str(manifest))
    assert done.code == 0, done.stderr
    lost = call(alone, cwd=tmp_path, RUNFILES_DIR="", RUNFILES_MANIFEST_FILE="")
    assert lost.code == 2
    assert "bazel run" in lost.stderr


def test_no_registry_is_one_line_and_exit_6() -> None:
    done = call(target("publish_signed"), "--registry", "localhost:1")
    assert done.code == 6
    assert done.stderr.count("\n") == 1
    assert "refused" in done.stderr
