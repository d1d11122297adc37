"""An image with a detached signature, for tests that publish it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from wasm_oci.publish.artifact import Artifact, load_artifact


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "image", detached=True)


@pytest.fixture
def artifact(image: Image) -> Artifact:
    return load_artifact(image.folder, image.signatures)
