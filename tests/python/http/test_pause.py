"""Limits of requests: the pause that one response asks for is kept by all requests of the run to its host."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from fakes.timing import IMPATIENT, FakeTime
from fakes.web import reply, serve
from instruments import registry as local
from instruments.effects import Window
from instruments.faults import Fault
from wasm_oci.errors import RegistryError
from wasm_oci.http.messages import HttpRequest, HttpResponse
from wasm_oci.http.transport import INTERRUPTED, Transport
from wasm_oci.limits import Limits

LIMITS = Limits(retry_budget=15.0, pause_budget=30.0)


def get(url: str, *, retry: bool = True) -> HttpRequest:
    return HttpRequest(method="GET", url=url, step="look", retry=retry)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def transport(time: FakeTime) -> Iterator[Transport]:
    with closing(Transport(limits=replace(LIMITS, retries=2), timing=time.timing, environ={})) as opened:
        yield opened


@pytest.mark.parametrize("status", ["429 Many", "503 Busy"])
def test_a_pause_is_kept_by_other_requests_to_the_host_only(transport: Transport, time: FakeTime, status: str) -> None:
    answers = [reply(status, Retry_After="9"), reply()]
    with serve(lambda asked: answers.pop(0)) as web, serve(lambda asked: reply()) as other:
        assert transport.send(get(f"http://{web.host}/one", retry=False)).paused
        assert (transport.send(get(f"http://{other.host}/")).status, time.waits) == (200, [])
        assert (transport.send(get(f"http://{web.host}/two")).status, time.waits) == (200, [9.0])


def test_without_retry_after_the_pauses_of_the_host_get_longer_until_it_lets_one_through(transport: Transport, time: FakeTime) -> None:
    answers = [reply("429 Many")] * 3 + [reply(), reply("429 Many"), reply()]
    with serve(lambda asked: answers.pop(0)) as web:
        for _ in range(2):
            assert transport.send(get(f"http://{web.host}/")).status == 200
    assert time.waits == [0.25, 0.5, 1.0, 0.25]


@pytest.mark.parametrize(("after", "waits"), [("16", 0), ("15", 2), ("4", 7)])
def test_a_host_that_lets_nothing_through_is_waited_for_within_its_budget(
    transport: Transport, time: FakeTime, after: str, waits: int
) -> None:
    with serve(lambda asked: reply("429 Many", Retry_After=after)) as web:
        response = transport.send(get(f"http://{web.host}/"))
    assert (response.status, response.paused, time.waits) == (429, False, [float(after)] * waits)


def test_a_pause_ends_with_the_run() -> None:
    with (
        closing(Transport(limits=IMPATIENT, environ={})) as transport,
        serve(lambda asked: reply("429 Many", Retry_After="50")) as web,
        ThreadPoolExecutor(1) as pool,
    ):
        transport.send(get(f"http://{web.host}/", retry=False))
        waiting = pool.submit(transport.send, get(f"http://{web.host}/"))
        transport.stop()
        with pytest.raises(RegistryError) as caught:
            waiting.result(timeout=20)
    assert caught.value.reason == INTERRUPTED


def test_eight_at_a_time_keep_to_a_window_of_four_requests() -> None:
    """Each of them loses several windows to the others, more than its own budget; the run goes on as long as the host lets some through."""
    limits = Limits(retry_budget=1.5, pause_budget=3.0)
    window, transport = Window(requests=4, period=1), Transport(limits=limits, environ={})
    with local.start() as registry, closing(transport), ThreadPoolExecutor(8) as pool:
        registry.faults.add(Fault(effect=window, times=None))

        def ask(number: int) -> HttpResponse:
            return transport.send(get(f"http://{registry.host}/v2/?{number}"))

        assert {response.status for response in pool.map(ask, range(20))} == {200}
        assert 4 <= len(window.refused) <= 4 * 8
        assert len(registry.requests) == 20 + len(window.refused)
    assert transport.run_time.left > limits.run_grace - 10, "a pause counts once, not for each request that keeps it"
