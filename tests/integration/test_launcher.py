"""A run target started in every way but `bazel run`: as test data, from elsewhere, by a link, with a manifest only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import OwnRegistry, call, image_file, own_registry, public_key, publish_detached, target, wasm_oci

RUNFILES = Path.cwd().parent
"""The tree of this test's runfiles, in which the targets are."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path, referrers_api=True) as server:
        yield server


def test_from_another_folder(registry: OwnRegistry, tmp_path: Path) -> None:
    done = call(target("publish_signed"), "--registry", registry.host, cwd=tmp_path)
    assert done.code == 0, done.stderr


def test_by_a_relative_path(registry: OwnRegistry) -> None:
    launcher = target("publish_signed")
    done = call(f"./{launcher.name}", "--registry", registry.host, cwd=launcher.parent)
    assert done.code == 0, done.stderr


def test_by_a_link_beside_its_own_runfiles(registry: OwnRegistry, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "publish").symlink_to(target("publish_signed"))
    (folder / "publish.runfiles").symlink_to(RUNFILES)
    done = call(folder / "publish", "--registry", registry.host, cwd=tmp_path)
    assert done.code == 0, done.stderr


def test_paths_are_relative_to_where_the_user_stands(registry: OwnRegistry, tmp_path: Path) -> None:
    """As `bazel run` starts it: in its runfiles, with the user's folder in a variable."""
    shutil.copy(image_file("hello_oci_detached_image", "signature.sig"), tmp_path / "my.sig")
    published = call(
        publish_detached(),
        *("--registry", registry.host, "--signature-file", "my.sig", "--dry-run", "--output", "json"),
        BUILD_WORKING_DIRECTORY=str(tmp_path),
    )
    assert published.code == 0, published.stderr
    assert published.json["destinations"][0]["signature"]["action"] == "create"
    shutil.copytree("examples/oci_publishing/hello_oci_signed_image_layout", tmp_path / "my layout")
    shutil.copy(public_key(), tmp_path / "my.public")
    pulled = call(wasm_oci(), "pull", "./my layout", "-o", "my.wasm", "-K", "my.public", BUILD_WORKING_DIRECTORY=str(tmp_path))
    assert pulled.code == 0, pulled.stderr
    assert (tmp_path / "my.wasm").read_bytes() == image_file("hello_oci_signed_image", "oci.wasm").read_bytes()


def test_with_a_manifest_of_runfiles_only(registry: OwnRegistry, tmp_path: Path) -> None:
    """No tree is there, as on Windows: request and layout are wherever the manifest says."""
    store = tmp_path / "store"
    store.mkdir()
    request, layout, key = (
        "_main/examples/oci_publishing/publish_signed_request.json",
        "_main/examples/oci_publishing/hello_oci_signed_image_layout",
        "_main/examples/oci_publishing/oci_signing_keys/key.public",
    )
    shutil.copy(RUNFILES / request, store / "the request")
    shutil.copy(RUNFILES / key, store / "key")
    shutil.copytree(RUNFILES / layout, store / "layout")
    # The program keeps its own runfiles: there it is one file that brings everything along.
    program = "_main/tools/programs/wasm_oci"
    manifest = tmp_path / "MANIFEST"
    manifest.write_text(
        f"_main/other {tmp_path / 'other'}\n"
        f"{layout} {store / 'layout'}\n"
        f"{key} {store / 'key'}\n"
        f"{program}.other {tmp_path / 'other'}\n"
        f"{program} {RUNFILES / program}\n"
        f"{request} {store / 'the request'}\n"
    )
    alone = tmp_path / "publish_signed"
    shutil.copy(target("publish_signed"), alone)
    done = call(alone, "--registry", registry.host, "--output", "json", cwd=tmp_path, RUNFILES_MANIFEST_FILE=str(manifest))
    assert done.code == 0, done.stderr
    assert done.json["digest"] == image_file("hello_oci_signed_image", "digest.txt").read_text().strip()
    shutil.rmtree(store / "layout")
    lost = call(alone, "--registry", registry.host, cwd=tmp_path, RUNFILES_MANIFEST_FILE=str(manifest))
    assert lost.code == 2, "the layout was found elsewhere"


def test_a_link_is_followed_to_where_the_runfiles_are(registry: OwnRegistry, tmp_path: Path) -> None:
    """As a user links to what is in bazel-bin, by a link to a link."""
    built = tmp_path / "bazel bin"
    built.mkdir()
    shutil.copy(target("publish_signed"), built / "launcher.sh")
    (built / "launcher.sh.runfiles").symlink_to(RUNFILES)
    (tmp_path / "linked").symlink_to("bazel bin/launcher.sh")
    (tmp_path / "p").symlink_to(tmp_path / "linked")
    done = call("./p", "--registry", registry.host, "--dry-run", cwd=tmp_path)
    assert done.code == 0, done.stderr


def test_with_a_manifest_whose_lines_are_escaped(registry: OwnRegistry, tmp_path: Path) -> None:
    """Bazel escapes a line that has a space in its path, or a backslash or a line end in its target."""
    store = tmp_path / "with \\b\nack"
    store.mkdir()
    name = "_main/examples/oci_publishing/space name_request.json"
    layout = "_main/examples/oci_publishing/hello_oci_signed_image_layout"
    shutil.copy(RUNFILES / "_main/examples/oci_publishing/publish_signed_request.json", store / "request")
    program = "_main/tools/programs/wasm_oci"

    def escaped(path: Path) -> str:
        return str(path).replace("\\", "\\b").replace("\n", "\\n")

    manifest = tmp_path / "launcher.runfiles_manifest"
    request, target_of_request = name.replace(" ", "\\s"), escaped(store / "request")
    brought = (layout, program, "_main/examples/oci_publishing/oci_signing_keys/key.public")
    manifest.write_text(f" {request} {target_of_request}\n" + "".join(f"{each} {RUNFILES / each}\n" for each in brought))
    alone = tmp_path / "launcher"
    alone.write_text(target("publish_signed").read_text().replace("publish_signed_request", "space name_request"))
    alone.chmod(0o755)
    done = call(alone, "--registry", registry.host, "--dry-run", cwd=tmp_path)
    assert done.code == 0, done.stderr


def test_without_runfiles_it_says_so(tmp_path: Path) -> None:
    alone = tmp_path / "publish_signed"
    shutil.copy(target("publish_signed"), alone)
    lost = call(alone, cwd=tmp_path)
    assert lost.code == 2
    assert "bazel run" in lost.stderr
    assert lost.stderr.count("\n") == 1


def test_a_failing_target_tells_by_its_exit_code(registry: OwnRegistry, tmp_path: Path) -> None:
    unknown = call(target("publish_complete_workflow"), "--registry", "nowhere")
    assert unknown.code == 2
    assert "localhost" in unknown.stderr, "the entries are named"
    unreachable = call(target("publish_signed"), "--registry", "localhost:1")
    assert unreachable.code == 6
    assert unreachable.stderr.count("\n") == 1
    assert "refused" in unreachable.stderr
    usage = call(target("publish_signed"), "--registry", registry.host, "--no-such-option")
    assert usage.code == 2
    tag = call(target("publish_signed"), "--registry", registry.host, "--tag", "not a tag")
    assert tag.code == 2
    assert not registry.requests()


def test_the_verify_test_of_the_example_is_a_run_target_too(tmp_path: Path) -> None:
    done = call(target("hello_signed_test"), "--output", "json", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert done.json["publicKey"] == public_key().read_bytes()[1:].hex()


def test_a_plan_of_three_registries_needs_no_credential(registry: OwnRegistry) -> None:
    """Who has no credential is not asked, so that this needs no network."""
    tokens: dict[str, Any] = {"GITHUB_TOKEN": "", "DOCKER_TOKEN": ""}
    publish = target("publish_to_all_registries")
    everywhere = call(publish, "--dry-run", "--output", "json", **tokens).json
    assert everywhere["dryRun"] is True
    assert [each["destination"].partition("/")[0] for each in everywhere["destinations"]] == ["localhost:5000", "ghcr.io", "docker.io"]
    here = ("--registry", registry.host, "--registry", "github", "--registry", "docker")
    done = call(publish, *here, "--dry-run", **tokens)
    assert done.code == 2
    for host in (registry.host, "ghcr.io", "docker.io"):
        assert f"Plan for {host}/wasm-examples/hello-oci-everywhere" in done.stdout
    assert done.stdout.count("  credential: missing") == 2
    for name, variable in (("github", "GITHUB_TOKEN"), ("docker", "DOCKER_TOKEN")):
        assert f"registry entry '{name}': environment variable {variable} is empty" in done.stderr
    assert done.stdout.endswith("Dry run: nothing was written; 3 destinations: 1 planned, 2 unknown\n")
    assert {method for method, _, _ in registry.requests()} <= {"GET", "HEAD"}


def test_a_plan_needs_no_token() -> None:
    done = call(target("publish_to_github"), GITHUB_TOKEN="")
    assert done.code == 2
    assert "Plan for ghcr.io/wasm-examples/examples/hello-oci-signed" in done.stdout
    assert "  signature: development key " in done.stdout
    assert "  credential: missing" in done.stdout
    assert "registry entry 'github': environment variable GITHUB_TOKEN is empty" in done.stderr
