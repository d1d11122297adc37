"""The key of signer 1, for tests that verify."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.artifacts import public


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """The public key of signer 1."""
    path = tmp_path / "one.public"
    path.write_bytes(public(1).compact())
    return path
