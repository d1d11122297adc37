"""When a request is tried again, and how long is waited before."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from wasm_oci.http.messages import HttpResponse
from wasm_oci.limits import LIMITS, Limits
from wasm_oci.timing import REAL_TIME, Timing

RETRIED_STATUSES = frozenset({408, 429, *range(500, 600)}) - {501, 505}
_SAYS_LIMITED = re.compile(rb"(?i:\brate limit|too many requests|abuse detection)|RATE_?LIMIT|TOO_?MANY_?REQUESTS")
"""No name of a repository has a blank or a capital."""


def meant_status(status: int, body: bytes) -> int:
    """Returns 429 for a 403 that says that there were too many requests, as GitHub's container registry does, else the status itself."""
    return 429 if status == 403 and _SAYS_LIMITED.search(body) else status


class Backoff:
    """The pauses between the attempts of one request: full jitter, a cap, and a budget for all together."""

    def __init__(self, timing: Timing = REAL_TIME, limits: Limits = LIMITS, *, count_work: bool = True) -> None:
        """`count_work` charges the time of the attempts themselves to the budget; not where they move large blobs."""
        self._count_work = count_work
        self._waited = 0.0
        self._timing = timing
        self._limits = limits
        self._started = timing.clock()
        self._attempts = 0

    def wait(self) -> bool:
        """Waits before the next attempt; returns False, at once, where there must be none."""
        return self._wait(None, self._limits.retries)

    def after(self, response: HttpResponse) -> bool:
        """The same after a response of `RETRIED_STATUSES`.

        Where all requests to its host pause, the next one waits, not this. There are more attempts then, because others use up what the
        host allows. A host that asks for more time than what is left of the budget gets none: waiting less than it asked would not help.
        """
        if response.paused is None:
            return self._wait(response.headers.get("Retry-After"), self._limits.retries)
        self._attempts += 1
        return response.paused and self._attempts <= self._limits.retries_limited

    def exclude(self, seconds: float) -> None:
        """Leaves a pause of all requests out of the budget of this one."""
        self._started += seconds

    def _wait(self, retry_after: str | None, most: int) -> bool:
        if self._attempts >= most:
            return False
        spent = self._timing.clock() - self._started if self._count_work else self._waited
        pause = retry_after_seconds(retry_after, self._timing.now())
        if pause is None:
            pause = backoff_seconds(self._attempts, self._timing, self._limits)
        if pause > self._limits.retry_budget - spent:
            return False
        self._attempts += 1
        self._waited += pause
        self._timing.sleep(pause)
        return True


def backoff_seconds(attempts: int, timing: Timing, limits: Limits) -> float:
    """Returns the pause after so many attempts in vain: full jitter, and a cap."""
    return timing.jitter(min(limits.retry_cap, limits.retry_base * 2**attempts))


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """Returns the seconds of a Retry-After header (a number or an HTTP date); None where it says nothing usable."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None
