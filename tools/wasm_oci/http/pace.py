"""Ends transfers that move too slowly, and runs that take too long although each request by itself is quick enough."""

from __future__ import annotations

import threading

from wasm_oci.errors import RegistryError
from wasm_oci.http.host import host_of
from wasm_oci.limits import Limits
from wasm_oci.timing import Timing

_HINT = "check the network and run again"


class Pace:
    """The minimum rate of one transfer, over all of its attempts; the first `response_time` seconds are free."""

    def __init__(self, timing: Timing, limits: Limits, *, step: str, url: str) -> None:
        self._clock = timing.clock
        self._limits = limits
        self._step = step
        self._url = url
        self._started = timing.clock()
        self._moved = 0

    @property
    def left(self) -> float:
        """Seconds until the transfer is too slow if nothing more arrives."""
        return self._limits.response_time + self._moved / self._limits.slowest - (self._clock() - self._started)

    def moved(self, count: int) -> None:
        """Counts bytes that were sent or received; raises RegistryError where they took too long."""
        self._moved += count
        if self.left < 0:
            rate = f"{self._limits.slowest / 1024:g} KiB/s"
            raise RegistryError(f"{self._step}: slower than {rate}", where=host_of(self._url), reason="too_slow", hint=_HINT)


class RunTime:
    """What all requests of a run may take together: some time, more for each request and for the bytes that moved, and never more than
    `run_time`. Safe to share between threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._allowed = limits.run_grace
        self._spent = 0.0

    def spend(self, seconds: float, *, requests: int = 0, moved: int = 0) -> None:
        """Counts what was used."""
        with self._lock:
            self._spent += seconds
            self._allowed += requests * self._limits.run_request + moved / self._limits.slowest

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return min(self._allowed, self._limits.run_time) - self._spent

    def check(self, step: str, url: str) -> None:
        """Raises RegistryError where the time is used up."""
        if self.left <= 0:
            what = f"{step}: the requests of this run took {self._spent:.0f} s, more than is allowed for so few bytes"
            raise RegistryError(what, where=host_of(url), reason="too_slow", hint=_HINT)
