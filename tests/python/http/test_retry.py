"""Pauses between attempts."""

from __future__ import annotations

import pytest

from fakes.timing import FakeTime
from wasm_oci.http.retry import Backoff, retry_after_seconds
from wasm_oci.limits import Limits

LIMITS = Limits(retries=3, retry_base=1.0, retry_cap=3.0, retry_budget=20.0)


def test_pauses_double_up_to_the_cap_and_end_after_the_last_attempt() -> None:
    time = FakeTime()
    backoff = Backoff(time.timing, LIMITS)
    assert [backoff.wait() for _ in range(4)] == [True, True, True, False]
    assert time.waits == [1.0, 2.0, 3.0]


def test_what_the_registry_asks_for_is_waited() -> None:
    time = FakeTime()
    assert Backoff(time.timing, LIMITS).after(503, {"Retry-After": "7"})
    assert time.waits == [7.0]


@pytest.mark.parametrize(("status", "waits"), [(503, 3), (429, 7)])
def test_a_registry_that_limits_requests_is_asked_for_the_whole_budget(status: int, waits: int) -> None:
    time = FakeTime()
    backoff = Backoff(time.timing, LIMITS)
    while backoff.after(status, {}):
        pass
    assert (len(time.waits), sum(time.waits) <= LIMITS.retry_budget) == (waits, True)
    assert Backoff(time.timing, LIMITS).after(status, {"Retry-After": "12.5ms"}), "as GitHub's container registry says it"


def test_a_wish_beyond_the_budget_ends_the_attempts_at_once() -> None:
    time = FakeTime()
    assert not Backoff(time.timing, LIMITS).after(429, {"Retry-After": "21"})
    assert time.waits == []


def test_slow_attempts_use_up_the_budget_unless_they_move_blobs() -> None:
    time = FakeTime()
    patient, counting = Backoff(time.timing, LIMITS, count_work=False), Backoff(time.timing, LIMITS)
    time.seconds += 20.0
    assert not counting.wait()
    assert patient.wait()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("9" * 5000, None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: float | None) -> None:
    assert retry_after_seconds(header, now=10.0) == expected
