"""`WKG_OCI_USERNAME` and `WKG_OCI_PASSWORD` name no host: a registry that a run only reads from, beside another, does not get them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import NAME, Run, make_run, tag_of
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Basic

SECRET = "canary-55bb"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("WKG_OCI_USERNAME", "robot")
    monkeypatch.setenv("WKG_OCI_PASSWORD", SECRET)
    return make_run(tmp_path, monkeypatch, capsys)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "image")


@pytest.fixture
def asking(run: Run, image: Image) -> Iterator[RunningRegistry]:
    """A registry that has the image and takes this password: one that gets it lets the run read."""
    with start(auth=Basic(user="robot", password=SECRET)) as registry:
        assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
        yield registry


@pytest.mark.parametrize("by_entries", [False, True])
def test_the_source_of_a_promotion_to_another_registry(
    run: Run, asking: RunningRegistry, image: Image, tmp_path: Path, by_entries: bool
) -> None:
    config = tmp_path / "registries.json"
    with start(auth=Basic(user="robot", password=SECRET)) as registry:
        config.write_text(json.dumps({"registries": [f"here|{registry.host}", f"there|{asking.host}"]}))
        source, place = ("there", "here") if by_entries else (asking.host, registry.host)
        refused = run("promote", f"{source}/{NAME}:v1", f"{place}/prod/hello:v1", "--registry-config", config)
        assert (refused.code, tag_of(registry, "prod/hello", "v1")) == (5, None)
        assert run("promote", f"{image.folder}:v1", f"{place}/prod/hello:v1", "--registry-config", config).code == 0
        assert run("promote", f"{place}/prod/hello:v1", f"{place}/prod/again:v1", "--registry-config", config).code == 0
    assert run("archive", f"{asking.host}/{NAME}:v1", tmp_path / "x.tar").code == 0, "it is the only registry"


def test_a_mirror(run: Run, asking: RunningRegistry, image: Image, tmp_path: Path) -> None:
    config, output = tmp_path / "registries.json", tmp_path / "x.wasm"
    with start() as registry:
        config.write_text(
            json.dumps({"registries": [f"own|{registry.host}", f"copy|{asking.host}|mirror|own"], "enable_mirror_fallback": True})
        )
        registry.faults.add(Fault(effect=Reply(status=503), times=None))
        arguments = ["pull", f"{registry.host}/{NAME}@{image.digest}", "-o", output, "--allow-unsigned", "--registry-config", config]
        assert (run(*arguments).code, output.exists()) == (6, False)
