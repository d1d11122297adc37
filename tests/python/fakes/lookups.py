"""Files that cannot be looked up, for root too."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def deny_lookups(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block no folder may be searched."""

    def denied(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", denied)
        yield
