"""Releases of three artifacts, and registries that they go to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.publishing import RunRelease, no_credentials, releasing
from fakes.three import Three
from instruments.registry import RunningRegistry, start


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """No credentials."""
    return no_credentials(tmp_path / "home", monkeypatch)


@pytest.fixture
def publish_all(environ: dict[str, str]) -> Iterator[RunRelease]:
    with releasing(environ) as run:
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
