"""A registry and a client for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.clients import client_of
from instruments.registry import RunningRegistry, start
from wasm_oci.registry.client import RegistryClient


@pytest.fixture
def registry() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


@pytest.fixture
def client(registry: RunningRegistry) -> Iterator[RegistryClient]:
    with client_of(registry) as opened:
        yield opened
