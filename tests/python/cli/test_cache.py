"""`cache_dir`: what was read by digest is not read from a registry again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import NAME, Run
from instruments.effects import Half
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Basic

SECRET = "canary-0f3c"


@pytest.fixture
def image(run: Run, registry: RunningRegistry, tmp_path: Path) -> Image:
    image = signed_image(tmp_path / "image", padding=200_000)
    assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
    registry.requests.clear()
    return image


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "registries.json"
    path.write_text(json.dumps({"cache_dir": "$HOME/cache"}))
    return path


def asked(registry: RunningRegistry) -> list[str]:
    """What is asked for, without where."""
    found = [record.path.removeprefix(f"/v2/{NAME}/") for record in registry.requests]
    registry.requests.clear()
    return found


def test_a_pinned_component_is_read_once(run: Run, registry: RunningRegistry, image: Image, config: Path, trusted: Path) -> None:
    output = config.parent / "x.wasm"
    arguments = ["pull", f"{registry.host}/{NAME}@{image.digest}", "-o", output, "-K", trusted, "--registry-config", config]
    assert run(*arguments).code == 0
    assert len(asked(registry)) == 2
    output.unlink()
    assert (run(*arguments).code, asked(registry), output.read_bytes()) == (0, [], image.wasm)
    (blob,) = (path for path in (config.parent / "cache/blobs/sha256").iterdir() if path.stat().st_size > 100_000)
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    assert (run(*arguments).code, output.read_bytes()) == (0, image.wasm), "a damaged file is read again"
    assert [each.split("/")[0] for each in asked(registry)] == ["blobs"]


def test_a_tag_is_always_asked_for(run: Run, registry: RunningRegistry, image: Image, config: Path, trusted: Path) -> None:
    arguments = ["pull", f"{registry.host}/{NAME}:v1", "-o", config.parent / "x.wasm", "-K", trusted, "--registry-config", config]
    assert run(*arguments).code == 0
    registry.requests.clear()
    assert run(*arguments).code == 0
    assert asked(registry) == ["manifests/v1"]
    other = signed_image(config.parent / "other", text="other")
    assert run("push", other.folder, f"{registry.host}/{NAME}:v1", "--move-tags").code == 0
    assert run(*arguments).code == 0
    assert (config.parent / "x.wasm").read_bytes() == other.wasm


def test_a_promotion_and_an_archive_read_no_blob_again(
    run: Run, registry: RunningRegistry, image: Image, config: Path, tmp_path: Path
) -> None:
    source = f"{registry.host}/{NAME}@{image.digest}"
    with start() as other:
        assert run("promote", source, f"{other.host}/{NAME}", "--tag", "v1", "--registry-config", config).code == 0
    assert any(each.startswith("blobs/") for each in asked(registry))
    with start() as other:
        document = {"source": source, "destination": f"{other.host}/{NAME}", "tags": ["v1"], "cache_dir": "$HOME/cache"}
        (tmp_path / "promote.json").write_text(json.dumps({"schema_version": 1, **document}))
        assert run("promote", "--request", tmp_path / "promote.json").code == 0
    assert run("archive", source, tmp_path / "x.tar", "--tag", "v1", "--registry-config", config).code == 0
    assert not [each for each in asked(registry) if each.startswith(("blobs/", "manifests/sha256:"))]


def test_a_download_that_breaks_off_leaves_nothing(run: Run, registry: RunningRegistry, image: Image, config: Path, trusted: Path) -> None:
    registry.faults.add(Fault(path="/blobs/", effect=Half(), times=None))
    arguments = ["pull", f"{registry.host}/{NAME}@{image.digest}", "-o", config.parent / "x.wasm", "-K", trusted]
    assert run(*arguments, "--registry-config", config).code == 6
    sizes = [path.stat().st_size for path in (config.parent / "cache/blobs/sha256").iterdir()]
    assert len(sizes) == 1
    assert max(sizes) < 1000, "the manifest"


def test_nothing_secret_is_kept(run: Run, tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = signed_image(tmp_path / "image")
    with start(auth=Basic(user="robot", password=SECRET)) as registry:
        config.write_text(
            json.dumps({"registries": [f"own|{registry.host}|oci|env|TEST_TOKEN|robot"], "cache_dir": str(tmp_path / "cache")})
        )
        monkeypatch.setenv("WKG_OCI_USERNAME", "robot")
        monkeypatch.setenv("WKG_OCI_PASSWORD", SECRET)
        assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
        monkeypatch.delenv("WKG_OCI_USERNAME")
        monkeypatch.delenv("WKG_OCI_PASSWORD")
        monkeypatch.setenv("TEST_TOKEN", SECRET)
        arguments = ["pull", f"own/{NAME}:v1", "-o", tmp_path / "x.wasm", "--allow-unsigned", "--registry-config", config]
        assert run(*arguments).code == 0
        kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        assert len(kept) == 3
        assert not [path for path in kept if SECRET.encode() in path.read_bytes()]


def test_a_folder_that_is_no_cache_is_refused(run: Run, registry: RunningRegistry, image: Image, config: Path) -> None:
    (config.parent / "cache").mkdir()
    (config.parent / "cache/thesis.txt").write_text("mine")
    ended = run("pull", f"{registry.host}/{NAME}:v1", "-o", config.parent / "x.wasm", "--allow-unsigned", "--registry-config", config)
    assert (ended.code, "the folder holds other files" in ended.err, asked(registry)) == (2, True, [])
    assert image.digest
