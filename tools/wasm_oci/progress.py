"""What a long run tells about how far it is; who shows that, and how, is the command line's."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Phase(Protocol):
    """One kind of work that is done many times; safe to share between threads."""

    def began(self, thing: str) -> AbstractContextManager[None]:
        """Work at one thing, such as a destination, goes on while the block runs; it failed where the block raises."""

    def sent(self, count: int) -> None:
        """Bytes were sent; those that a retry sends again count again."""


class Progress(Protocol):
    """Is told the phases of a run, one after the other."""

    def phase(self, name: str, *, count: int, size: int = 0) -> AbstractContextManager[Phase]:
        """A phase goes on while the block runs: `count` things, which send `size` bytes together."""


class _Silent:
    def began(self, thing: str) -> AbstractContextManager[None]:
        del thing
        return nullcontext()

    def sent(self, count: int) -> None:
        del count

    def phase(self, name: str, *, count: int, size: int = 0) -> AbstractContextManager[Phase]:
        del name, count, size
        return nullcontext(self)


SILENT: Progress = _Silent()
"""Shows nothing."""
