"""Failures of single entries of a list, kept until it is known that no other entry will do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from wasm_oci.errors import AuthError, NotFoundError, RegistryError, WasmOciError
from wasm_oci.limits import LIMITS

_log = logging.getLogger(__name__)
_PATIENCE = 8
"""Entries that a failing registry may cost: each is tried again and again before it counts."""


class Deferred:
    """Collects failures; what was skipped is raised at the end, so that it is never taken for nothing."""

    def __init__(self) -> None:
        self._first: WasmOciError | None = None
        self._count = 0
        self._failing = 0

    @contextmanager
    def entry(self) -> Iterator[None]:
        """Runs a block for one entry: its failure is logged and kept, and raised at once only where there are many."""
        try:
            yield
        except WasmOciError as err:
            _log.warning("an entry is skipped: %s", err)
            self._first = self._first or err
            self._count += 1
            self._failing += isinstance(err, (AuthError, RegistryError)) and not isinstance(err, NotFoundError)
            if self._failing >= _PATIENCE or self._count >= LIMITS.signatures:
                raise self._first from None

    def close(self) -> None:
        """Raises the first failure, where there was one."""
        if self._first:
            raise self._first
