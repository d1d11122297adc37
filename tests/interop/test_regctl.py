"""The published regctl: it reads and copies what we publish, releases included, and we pull what it pushes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import DockerRegistry, Done, call, docker_registry, wasm_oci
from release_maker import Made, Maker, good

REGCTL = os.environ["REGCTL"]
SIGNATURE = "application/vnd.wasmsign2.signature.v1"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with docker_registry(folder) as server:
        yield server


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    made = Maker(folder=tmp_path / "images")
    made.folder.mkdir()
    made.keys()
    return made


@pytest.fixture
def images(maker: Maker) -> dict[str, Made]:
    return {name: maker.image(name, detached=name == "one") for name in ("one", "two")}


@pytest.fixture
def release(maker: Maker, images: dict[str, Made], registry: DockerRegistry) -> str:
    return maker.release(registry.host, "v1", images)


def regctl(registry: DockerRegistry, *arguments: str | Path) -> Done:
    return good(call(REGCTL, "--host", f"reg={registry.host},tls=disabled", *arguments, HOME=str(registry.log.parent)))


def test_it_reads_a_release_and_its_members(release: str, registry: DockerRegistry, images: dict[str, Made], tmp_path: Path) -> None:
    text = regctl(registry, "manifest", "get", "--format", "raw-body", release).stdout
    assert regctl(registry, "image", "digest", release).stdout.strip() == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert {each["digest"] for each in json.loads(text)["manifests"]} == {image.digest for image in images.values()}
    assert "v1" in regctl(registry, "tag", "ls", f"{registry.host}/releases").stdout.split()
    for name, image in images.items():
        member = f"{registry.host}/apps/{name}:1.0.0"
        assert regctl(registry, "image", "digest", member).stdout.strip() == image.digest
        regctl(registry, "artifact", "get", "--output", tmp_path, member)
        assert (tmp_path / f"{name}.wasm").read_bytes() == image.wasm


def test_it_finds_a_detached_signature(release: str, registry: DockerRegistry, images: dict[str, Made], tmp_path: Path) -> None:
    assert images["one"].signature is not None
    for subject in (f"{registry.host}/apps/one:1.0.0", f"{registry.host}/releases@{images['one'].digest}"):
        found = json.loads(regctl(registry, "artifact", "list", "--format", "{{json .}}", subject).stdout)["descriptors"]
        assert [each["artifactType"] for each in found] == [SIGNATURE]
        folder = tmp_path / subject.rpartition("/")[2]
        folder.mkdir()
        regctl(registry, "artifact", "get", "--subject", subject, "--output", folder)
        assert [path.read_bytes() for path in folder.iterdir()] == [images["one"].signature.read_bytes()]


def test_its_copy_of_a_release_has_every_component_and_signature(
    release: str, registry: DockerRegistry, images: dict[str, Made], maker: Maker, tmp_path: Path
) -> None:
    there, output = f"{registry.host}/copies/regctl", tmp_path / "pulled.wasm"
    regctl(registry, "image", "copy", "--referrers", release, f"{there}:v1")
    digests = {regctl(registry, "image", "digest", each).stdout for each in (release, f"{there}:v1")}
    assert len(digests) == 1
    for image in images.values():
        good(call(wasm_oci(), "pull", f"{there}@{image.digest}", "-o", output, "-K", maker.public))
        assert output.read_bytes() == image.wasm


def test_we_pull_what_it_pushes(registry: DockerRegistry, images: dict[str, Made], maker: Maker, tmp_path: Path) -> None:
    reference, source, output = f"{registry.host}/by/regctl:v1", tmp_path / "two.wasm", tmp_path / "pulled.wasm"
    source.write_bytes(images["two"].wasm)
    (tmp_path / "config.json").write_text('{"architecture":"wasm","os":"wasip2"}')
    config = ("--config-type", "application/vnd.wasm.config.v0+json", "--config-file", tmp_path / "config.json")
    regctl(registry, "artifact", "put", *config, "--file-media-type", "application/wasm", "--file", source, reference)
    good(call(wasm_oci(), "pull", reference, "-o", output, "-K", maker.public))
    assert output.read_bytes() == images["two"].wasm
