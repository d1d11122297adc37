"""The published wkg: it pulls what we publish, and we pull what it pushes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import EXAMPLE, DockerRegistry, call, docker_registry, image_file, public_key, publish_detached, target, wasm_oci

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
