"""A registry and a client for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from instruments.registry import RunningRegistry, start
from local_registry.client import Client


@pytest.fixture
def registry() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


@pytest.fixture
def client(registry: RunningRegistry) -> Iterator[Client]:
    with Client(registry.host) as connected:
        yield connected
