"""Releases of three artifacts, and registries that they go to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.three import RunRelease, Three
from fakes.timing import IMPATIENT, FakeTime
from instruments.registry import RunningRegistry, start
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.publish.release import Release, release
from wasm_oci.publish.release_request import ReleaseRequest


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """No credentials."""
    for name in ("HOME", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return {"HOME": str(tmp_path / "home"), "DOCKER_CONFIG": str(tmp_path / "home")}


@pytest.fixture
def publish_all(environ: dict[str, str]) -> Iterator[RunRelease]:
    with closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as transport:

        def run(request: ReleaseRequest) -> Release:
            return release(request, transport=transport, environ=environ, passphrase=PassphraseSource(environ={}))

        yield run


@pytest.fixture
def registry() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


@pytest.fixture
def second() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


@pytest.fixture
def images(tmp_path: Path) -> Sequence[Image]:
    return [signed_image(tmp_path / name, text=name, detached=name == "one") for name in ("one", "two", "three")]


@pytest.fixture
def three(images: Sequence[Image]) -> Three:
    return Three(images=tuple(images))


@pytest.fixture
def changed(three: Three, tmp_path: Path) -> Three:
    """The same, with another second artifact."""
    first, _, third = three.images
    return replace(three, images=(first, signed_image(tmp_path / "two2", text="two, changed"), third))
