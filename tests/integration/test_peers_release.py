"""Releases at docker-registry: crane, oras and skopeo read them, copy them and see the same after a promotion; we pull what they push."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import DockerRegistry, call, docker_registry, wasm_oci
from release_maker import Made, Maker, good

SIGNATURE = "application/vnd.wasmsign2.signature.v1"


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    made = Maker(folder=tmp_path_factory.mktemp("images"))
    made.keys()
    return made


@pytest.fixture(scope="module")
def images(maker: Maker) -> dict[str, Made]:
    return {name: maker.image(name, detached=name == "one") for name in ("one", "two", "three")}


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[DockerRegistry]]:
    folders = [tmp_path_factory.mktemp("registry") for _ in range(3)]
    with docker_registry(folders[0]) as first, docker_registry(folders[1]) as second, docker_registry(folders[2]) as third:
        yield [first, second, third]


@pytest.fixture(scope="module")
def release(maker: Maker, images: dict[str, Made], registries: list[DockerRegistry]) -> str:
    return maker.release(registries[0].host, "v1", images)


def digest_of(reference: str) -> str:
    return good(call("crane", "digest", "--insecure", reference)).stdout.strip()


def referrers_of(reference: str) -> list[tuple[str, str]]:
    """Digest and type of what oras finds attached to a manifest."""
    found = good(call("oras", "discover", "--plain-http", "--format", "json", reference))
    return [(each["digest"], each["artifactType"]) for each in json.loads(found.stdout)["referrers"]]


def test_every_tool_reads_the_release_index(release: str, images: dict[str, Made]) -> None:
    texts = [
        good(call(*command)).stdout.rstrip("\n")
        for command in (
            ("crane", "manifest", "--insecure", release),
            ("oras", "manifest", "fetch", "--plain-http", release),
            ("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{release}"),
        )
    ]
    assert {"sha256:" + hashlib.sha256(text.encode()).hexdigest() for text in texts} == {digest_of(release)}
    document = json.loads(texts[0])
    assert document["artifactType"] == "application/vnd.wasm.release.v1"
    found = {(each["annotations"]["com.wasm.release.repository"], each["digest"]) for each in document["manifests"]}
    assert found == {(f"apps/{name}", image.digest) for name, image in images.items()}


def test_oras_pulls_every_component_of_a_release(release: str, images: dict[str, Made], tmp_path: Path) -> None:
    """oras writes each manifest too, because its entry has a title."""
    good(call("oras", "pull", "--plain-http", "-o", tmp_path, release))
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.wasm")} == {
        f"{name}.wasm": image.wasm for name, image in images.items()
    }


def test_the_signature_of_a_member_is_found_in_both_repositories(
    release: str, registries: list[DockerRegistry], images: dict[str, Made]
) -> None:
    host = registries[0].host
    (found,) = referrers_of(f"{host}/apps/one@{images['one'].digest}")
    assert found[1] == SIGNATURE
    assert referrers_of(f"{host}/releases@{images['one'].digest}") == [found]


def pulled(reference: str, maker: Maker, folder: Path) -> bytes | int:
    """Returns the component that verifies with the key of `maker`, else the exit code."""
    output = folder / "pulled.wasm"
    output.unlink(missing_ok=True)
    done = call(wasm_oci(), "pull", reference, "-o", output, "-K", maker.public)
    return done.code or output.read_bytes()


def test_a_copy_by_oras_has_every_component_and_signature(
    release: str, maker: Maker, images: dict[str, Made], registries: list[DockerRegistry], tmp_path: Path
) -> None:
    there = f"{registries[0].host}/copies/oras"
    good(call("oras", "copy", "-r", "--from-plain-http", "--to-plain-http", release, f"{there}:v1"))
    assert digest_of(f"{there}:v1") == digest_of(release)
    for image in images.values():
        assert pulled(f"{there}@{image.digest}", maker, tmp_path) == image.wasm


def test_a_copy_by_crane_has_every_component_but_no_referrer(
    release: str, maker: Maker, images: dict[str, Made], registries: list[DockerRegistry], tmp_path: Path
) -> None:
    there = f"{registries[0].host}/copies/crane"
    good(call("crane", "copy", "--insecure", release, f"{there}:v1"))
    assert digest_of(f"{there}:v1") == digest_of(release)
    for name, image in images.items():
        assert pulled(f"{there}@{image.digest}", maker, tmp_path) == (4 if name == "one" else image.wasm)


def test_a_copy_by_skopeo_is_read_from_its_layout(release: str, images: dict[str, Made], tmp_path: Path) -> None:
    good(call("skopeo", "copy", "--all", "--src-tls-verify=false", f"docker://{release}", f"oci:{tmp_path}/copy:v1"))
    shown = good(call(wasm_oci(), "release", "show", f"{tmp_path}/copy:v1", "--output", "json"))
    assert {each["digest"] for each in shown.json["members"]} == {image.digest for image in images.values()}


def test_a_promoted_release_has_the_same_digests_and_referrers(
    release: str, maker: Maker, images: dict[str, Made], registries: list[DockerRegistry], tmp_path: Path
) -> None:
    _, second, third = (registry.host for registry in registries)
    good(call(wasm_oci(), "promote", release, f"{second}/releases", "-K", maker.public))
    good(call(wasm_oci(), "archive", f"{second}/releases:v1", tmp_path / "release.tar"))
    good(call(wasm_oci(), "promote", f"oci-archive:{tmp_path}/release.tar", f"{third}/releases:v1", "-K", maker.public))
    seen = []
    for host in (registry.host for registry in registries):
        places = [f"{host}/apps/{name}@{image.digest}" for name, image in images.items()] + [f"{host}/releases@{images['one'].digest}"]
        tags = [f"{host}/releases:v1", *(f"{host}/apps/{name}:1.0.0" for name in images)]
        seen.append(([digest_of(tag) for tag in tags], [referrers_of(place) for place in places]))
        good(call(wasm_oci(), "release", "verify", f"{host}/releases:v1", "-K", maker.public))
    assert seen[0][0][1:] == [image.digest for image in images.values()]
    assert len(seen[0][1][0]) == 1
    assert seen[1:] == [seen[0]] * 2


def test_a_difference_is_named(release: str, maker: Maker, images: dict[str, Made], registries: list[DockerRegistry]) -> None:
    later = {"one": images["one"], "two": maker.image("two", "changed"), "four": maker.image("four")}
    other = maker.release(registries[0].host, "v2", later)
    found = good(call(wasm_oci(), "release", "diff", release, other, "--output", "json")).json["changes"]
    assert {(each["change"], each["repository"]) for each in found} == {
        ("changed", "apps/two"),
        ("gone", "apps/three"),
        ("new", "apps/four"),
    }
    assert len(found) == 3


def test_we_pull_what_oras_pushes_and_signs(
    maker: Maker, images: dict[str, Made], registries: list[DockerRegistry], tmp_path: Path
) -> None:
    image, reference = images["one"], f"{registries[0].host}/by/oras:v1"
    assert image.signature is not None
    (tmp_path / "one.wasm").write_bytes(image.wasm)
    (tmp_path / "config.json").write_text('{"architecture":"wasm","os":"wasip2"}')
    config = "config.json:application/vnd.wasm.config.v0+json"
    good(call("oras", "push", "--plain-http", "--config", config, reference, "one.wasm:application/wasm", cwd=tmp_path))
    output = tmp_path / "pulled.wasm"
    assert call(wasm_oci(), "pull", reference, "-o", output, "-K", maker.public).code == 4
    good(call(wasm_oci(), "pull", reference, "-o", output, "--allow-unsigned"))
    assert output.read_bytes() == image.wasm
    output.unlink()
    (tmp_path / "signature").write_bytes(image.signature.read_bytes())
    good(call("oras", "attach", "--plain-http", "--artifact-type", SIGNATURE, reference, f"signature:{SIGNATURE}", cwd=tmp_path))
    good(call(wasm_oci(), "pull", reference, "-o", output, "-K", maker.public))
    assert output.read_bytes() == image.wasm


@pytest.mark.parametrize("tool", ["crane", "skopeo"])
def test_we_pull_what_others_push_from_our_layouts(
    tool: str, maker: Maker, images: dict[str, Made], registries: list[DockerRegistry], tmp_path: Path
) -> None:
    image, reference = images["two"], f"{registries[0].host}/by/{tool}:v1"
    if tool == "crane":
        good(call("crane", "push", "--insecure", image.layout, reference))
    else:
        good(call("skopeo", "copy", "--dest-tls-verify=false", f"oci:{image.layout}:1.0.0", f"docker://{reference}"))
    assert digest_of(reference) == image.digest
    good(call(wasm_oci(), "pull", reference, "-o", tmp_path / "pulled.wasm", "-K", maker.public))
    assert (tmp_path / "pulled.wasm").read_bytes() == image.wasm
