"""The program, a registry of either kind, and two images, for tests that push and pull."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import Run, make_run
from instruments.registry import RunningRegistry, start
from wasm_oci import redaction


@pytest.fixture(scope="session", autouse=True)
def _signals_as_on_a_terminal() -> None:
    """A shell that runs the tests in the background has them ignore SIGINT, as would every program that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test sends as a secret is none in another: a short one would change the words of errors."""
    monkeypatch.setattr(redaction, "_sent", set())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wasm_oci` in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return make_run(tmp_path, monkeypatch, capsys)


@pytest.fixture(params=[True, False], ids=["api", "fallback"])
def registry(request: pytest.FixtureRequest) -> Iterator[RunningRegistry]:
    """A registry with the referrers API, and one without."""
    with start(referrers_api=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, Image]:
    """Two images with detached signatures."""
    folder = tmp_path_factory.mktemp("images")
    return signed_image(folder / "one", text="one", detached=True), signed_image(folder / "two", text="two", detached=True)
