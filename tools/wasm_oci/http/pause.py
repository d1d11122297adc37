"""The pause that a host asks for: all requests of a run to this host keep it, since a limit is for all of them together."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from wasm_oci.http.pace import RunTime
from wasm_oci.http.retry import backoff_seconds, retry_after_seconds
from wasm_oci.limits import Limits
from wasm_oci.timing import Timing


class HostPause:
    """What a host asked for with 429, or with 503 and Retry-After (RFC 6585, section 4; RFC 9110, section 10.2.3).

    Safe to share between threads. The pause counts once in the time of the run, however many requests keep it.
    """

    def __init__(self, timing: Timing, limits: Limits, run_time: RunTime) -> None:
        self._timing = timing
        self._limits = limits
        self._run_time = run_time
        self._lock = threading.Lock()
        self._until = 0.0
        self._paused = 0.0
        """Seconds of pauses since the host last did what was asked."""
        self._pauses = 0
        """How many."""

    @property
    def left(self) -> float:
        """Seconds until requests may be sent; not above 0 where they may be sent now."""
        return self._until - self._timing.clock() if self._until else 0.0

    def note(self, status: int, headers: Mapping[str, str]) -> bool | None:
        """Takes note of a response; returns None where it asks for no pause, and False where it asks for too long a one.

        That is more than `retry_budget`, or more than `pause_budget` in succession without a request that was let through.
        """
        asked = retry_after_seconds(headers.get("Retry-After"), self._timing.now()) if status in (429, 503) else None
        if status != 429 and asked is None:
            if self._pauses and status < 500:
                with self._lock:
                    self._paused, self._pauses = 0.0, 0
            return None
        with self._lock:
            now = self._timing.clock()
            if asked is None and now < self._until:
                return True  # it was sent before the pause began
            pause = backoff_seconds(self._pauses, self._timing, self._limits) if asked is None else asked
            longer = max(0.0, now + pause - max(self._until, now))
            if pause > self._limits.retry_budget or self._paused + longer > self._limits.pause_budget:
                return False
            self._pauses += now >= self._until
            self._until = max(self._until, now + pause)
            self._paused += longer
        self._run_time.spend(longer)
        return True
