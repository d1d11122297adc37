"""Time that passes only when somebody waits, and limits that end a test soon."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from wasm_oci.limits import Limits
from wasm_oci.timing import Timing

IMPATIENT = Limits(read_timeout=0.5, connect_timeout=2.0, retries=2)
"""For registries that never answer."""


@dataclass(slots=True)
class FakeTime:
    """Seconds, and every wait that was asked for."""

    seconds: float = 1_000.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    def read(self) -> float:
        return self.seconds

    @property
    def timing(self) -> Timing:
        """Jitter is always the longest that is allowed."""
        return Timing(clock=self.read, now=self.read, sleep=self.sleep, jitter=lambda high: high)


class ParallelTime(FakeTime):
    """The same for several threads: waits of different ones pass at the same time, and only `sleep` lets time pass for all of them."""

    def __init__(self) -> None:
        super().__init__()
        self._own = threading.local()

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._own.waited = self._waited + seconds

    def read(self) -> float:
        return self.seconds + self._waited

    @property
    def timing(self) -> Timing:
        return replace(super().timing, sleep=self.wait)

    @property
    def _waited(self) -> float:
        return getattr(self._own, "waited", 0.0)
