"""The published wkg: it pulls what we publish, and we pull what it pushes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import EXAMPLE, DockerRegistry, call, docker_registry, image_file, public_key, publish_detached, target, wasm_oci
from release_maker import Maker

WKG = os.environ["WKG"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with docker_registry(folder) as server:
        yield server


@pytest.mark.parametrize(
    ("publish", "image"),
    [
        (target("publish_unsigned"), "hello_oci_unsigned_image"),
        (target("publish_signed"), "hello_oci_signed_image"),
        (target("publish_complete_workflow"), "publish_complete_workflow_image"),
        (publish_detached(), "hello_oci_detached_image"),
    ],
    ids=["unsigned", "signed", "complete", "detached"],
)
def test_wkg_pulls_what_we_publish(publish: Path, image: str, registry: DockerRegistry, tmp_path: Path) -> None:
    done = call(publish, "--registry", registry.host, "--output", "json")
    assert done.code == 0, done.stderr
    output = tmp_path / "pulled.wasm"
    pulled = call(WKG, "oci", "pull", "--insecure", registry.host, done.json["tagged"], "-o", output, cwd=tmp_path, HOME=str(tmp_path))
    assert pulled.code == 0, pulled.stderr
    assert output.read_bytes() == image_file(image, "oci.wasm").read_bytes()


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_we_pull_what_wkg_pushes(registry: DockerRegistry, tmp_path: Path, signed: bool) -> None:
    source = image_file("hello_oci_signed_image", "oci.wasm") if signed else (EXAMPLE / "hello.wasm").absolute()
    reference = f"{registry.host}/by/wkg:v1"
    pushed = call(WKG, "oci", "push", "--insecure", registry.host, reference, source, cwd=tmp_path, HOME=str(tmp_path))
    assert pushed.code == 0, pushed.stderr
    output = tmp_path / "pulled.wasm"
    trusted = call(wasm_oci(), "pull", reference, "-o", output, "-K", public_key())
    assert trusted.code == (0 if signed else 4), trusted.stderr
    assert output.exists() == signed
    if not signed:
        assert call(wasm_oci(), "pull", reference, "-o", output, "--allow-unsigned").code == 0
    assert output.read_bytes() == source.read_bytes()


def test_wkg_finds_what_we_publish_with_the_configuration_that_we_write(registry: DockerRegistry, tmp_path: Path) -> None:
    pushed = call(wasm_oci(), "push", image_file("hello_oci_unsigned_image", "layout"), f"{registry.host}/my-org/hello:1.2.3")
    assert pushed.code == 0, pushed.stderr
    (tmp_path / "registries.yaml").write_text(f"registries: [here|{registry.host}/my-org]\n")
    config, output = tmp_path / "config.toml", tmp_path / "got.wasm"
    assert call(wasm_oci(), "registries", "-i", tmp_path / "registries.yaml", "--wkg-config", config).code == 0
    got = call(WKG, "get", "--config", config, "my-org:hello", "--format", "wasm", "-o", output, cwd=tmp_path, HOME=str(tmp_path))
    assert got.code == 0, got.stderr
    assert output.read_bytes() == image_file("hello_oci_unsigned_image", "oci.wasm").read_bytes()


def test_wkg_gets_a_package_by_its_versions(registry: DockerRegistry, tmp_path: Path) -> None:
    """Only semantic versions are versions to wkg, and the greatest counts where none is named."""
    for tags in (("1.2.3",), ("1.10.0", "latest"), ("v2.0.0",)):
        options = [option for tag in tags for option in ("--tag", tag)]
        done = call(target("publish_package", Path("tests/interop")), "--registry", registry.host, *options, "--output", "json")
        assert done.code == 0, done.stderr
        assert done.json["tagged"].startswith(f"{registry.host}/my-org/hello:")
    (tmp_path / "registries.yaml").write_text(f"default_registry: here\nregistries: [here|{registry.host}]\n")
    config, component = tmp_path / "config.toml", Path("tests/interop/publish_package_image_oci.wasm").read_bytes()
    assert call(wasm_oci(), "registries", "-i", tmp_path / "registries.yaml", "--wkg-config", config).code == 0
    for package, version in (("my-org:hello", "1.10.0"), ("my-org:hello@1.2.3", "1.2.3")):
        got = call(WKG, "get", "--config", config, package, "--format", "wasm", cwd=tmp_path, HOME=str(tmp_path))
        assert got.code == 0, got.stderr
        assert (tmp_path / f"my-org_hello@{version}.wasm").read_bytes() == component
    absent = call(WKG, "get", "--config", config, "my-org:hello@2.0.0", "--format", "wasm", cwd=tmp_path, HOME=str(tmp_path))
    assert absent.code != 0
    assert not list(tmp_path.glob("*2.0.0.wasm"))


def test_wkg_pulls_the_members_of_a_release_but_no_index(registry: DockerRegistry, tmp_path: Path) -> None:
    """Of an index wkg takes the manifest of this machine's platform, which a release has not."""
    maker = Maker(folder=tmp_path / "images")
    maker.folder.mkdir()
    maker.keys()
    images = {name: maker.image(name, detached=name == "one") for name in ("one", "two")}
    release = maker.release(registry.host, "v1", images)
    output = tmp_path / "pulled.wasm"
    for reference, image in (
        (f"{registry.host}/apps/one:1.0.0", images["one"]),
        (f"{registry.host}/releases@{images['two'].digest}", images["two"]),
    ):
        pulled = call(WKG, "oci", "pull", "--insecure", registry.host, reference, "-o", output, cwd=tmp_path, HOME=str(tmp_path))
        assert pulled.code == 0, pulled.stderr
        assert output.read_bytes() == image.wasm
    refused = call(
        WKG, "oci", "pull", "--insecure", registry.host, release, "-o", tmp_path / "index.wasm", cwd=tmp_path, HOME=str(tmp_path)
    )
    assert refused.code != 0
    assert not (tmp_path / "index.wasm").exists()
