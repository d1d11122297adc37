"""How far a phase of a run is, in numbers and in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from wasm_oci.wording import size_text

_SHOWN = 3
"""Things under way that a line names."""


@dataclass(slots=True, kw_only=True)
class Count:
    """How far a phase is."""

    name: str
    count: int
    size: int
    done: int = 0
    failed: int = 0
    bytes: int = 0
    under_way: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def began(self, thing: str) -> Iterator[None]:
        failed = 1
        with self.lock:
            self.under_way.append(thing)
        try:
            yield
            failed = 0
        finally:
            with self.lock:
                self.under_way.remove(thing)
                self.done += 1
                self.failed += failed

    def sent(self, count: int) -> None:
        with self.lock:
            self.bytes += count

    @property
    def text(self) -> str:
        with self.lock:
            parts = [f"{self.done} of {self.count} done"]
            if self.failed:
                parts.append(f"{self.failed} failed")
            if self.size:
                parts.append(f"{size_text(min(self.bytes, self.size))} of {size_text(self.size)} sent")
            if self.under_way:
                more = len(self.under_way) - _SHOWN
                parts.append("now " + ", ".join(self.under_way[:_SHOWN]) + (f" and {more} more" if more > 0 else ""))
        return f"{self.name}: {', '.join(parts)}"
