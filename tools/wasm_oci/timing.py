"""The clocks and delays of a run, in one place, so that tests can replace them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


def _jitter(high: float) -> float:
    return random.SystemRandom().uniform(0, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The clocks and delays of a run."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    """Seconds since 1970, for dates in responses."""
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = _jitter
    """Returns a random number of seconds between 0 and its argument."""


REAL_TIME = Timing()
