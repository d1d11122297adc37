"""The key of signer 1, for tests that verify, and the images of releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.artifacts import Image, public, signed_image
from fakes.release_files import NAMES


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """The public key of signer 1."""
    path = tmp_path / "one.public"
    path.write_bytes(public(1).compact())
    return path


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Image]:
    """The members of a release, of which the first has a detached signature."""
    return {name: signed_image(tmp_path / name, text=name, detached=name == "one") for name in NAMES}
