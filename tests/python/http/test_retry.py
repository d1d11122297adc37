"""Pauses between attempts."""

from __future__ import annotations

import pytest

from fakes.timing import FakeTime
from wasm_oci.http.messages import HttpResponse
from wasm_oci.http.retry import Backoff, retry_after_seconds
from wasm_oci.limits import Limits

LIMITS = Limits(retries=3, retry_base=1.0, retry_cap=3.0, retry_budget=20.0)


def busy(status: int = 503, after: str | None = None, *, paused: bool | None = None) -> HttpResponse:
    headers = {} if after is None else {"Retry-After": after}
    return HttpResponse(status=status, headers=headers, url="http://registry.example/", paused=paused)


def test_pauses_double_up_to_the_cap_and_end_after_the_last_attempt() -> None:
    time = FakeTime()
    backoff = Backoff(time.timing, LIMITS)
    assert [backoff.wait() for _ in range(4)] == [True, True, True, False]
    assert time.waits == [1.0, 2.0, 3.0]


def test_what_the_registry_asks_for_is_waited() -> None:
    time = FakeTime()
    assert Backoff(time.timing, LIMITS).after(busy(after="7"))
    assert time.waits == [7.0]


@pytest.mark.parametrize("status", [503, 429])
def test_a_busy_registry_is_asked_as_often_as_after_a_lost_connection(status: int) -> None:
    time = FakeTime()
    backoff = Backoff(time.timing, LIMITS)
    while backoff.after(busy(status)):
        pass
    assert len(time.waits) == LIMITS.retries
    assert Backoff(time.timing, LIMITS).after(busy(status, "12.5ms")), "as GitHub's container registry says it"


def test_a_host_that_pauses_is_asked_more_often_and_its_pause_is_waited_for_elsewhere() -> None:
    time = FakeTime()
    backoff = Backoff(time.timing, LIMITS)
    attempts = 0
    while backoff.after(busy(429, "9", paused=True)):
        attempts += 1
    assert (attempts, time.waits) == (LIMITS.retries_limited, [])
    assert not Backoff(time.timing, LIMITS).after(busy(429, "1", paused=False))


def test_a_wish_beyond_the_budget_ends_the_attempts_at_once() -> None:
    time = FakeTime()
    assert not Backoff(time.timing, LIMITS).after(busy(429, "21"))
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
