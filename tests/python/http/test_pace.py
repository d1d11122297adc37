"""Transfers and runs that would take for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pytest

from fakes.timing import IMPATIENT, FakeTime
from fakes.web import reply, serve
from wasm_oci.errors import RegistryError
from wasm_oci.http.messages import HttpRequest, StreamBody
from wasm_oci.http.pace import Pace, RunTime
from wasm_oci.http.transport import Transport
from wasm_oci.limits import LIMITS
from wasm_oci.timing import Timing

SLOW = replace(LIMITS, response_time=0.5, slowest=1000.0, retries=0)


@contextmanager
def trickle(head: bytes, piece: bytes) -> Iterator[str]:
    """A server that sends `piece` every tenth of a second, and drains as little of what it is sent."""
    ended = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            while not ended.wait(0.1):
                connection.sendall(piece)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)


def test_a_download_of_one_byte_at_a_time_is_given_up() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    start = time.monotonic()
    with trickle(chunked, b"1\r\nx\r\n") as url, closing(Transport(limits=SLOW, environ={})) as transport:
        response = transport.send(HttpRequest(method="GET", url=url, step="read it", stream=True))
        with pytest.raises(RegistryError, match=r"read it: (slower than|no response in time)"):
            list(response.pieces("read it"))
    assert time.monotonic() - start < 5


def clock_that(steps: Callable[[], float]) -> Timing:
    return Timing(clock=steps, now=steps, sleep=lambda seconds: None, jitter=lambda high: high)


def test_the_minimum_rate_counts_after_a_while() -> None:
    time_ = FakeTime()
    pace = Pace(time_.timing, SLOW, step="read it", url="http://h/")
    pace.moved(0)
    time_.seconds += 2
    pace.moved(1500)
    time_.seconds += 0.1
    with pytest.raises(RegistryError, match=r"read it: slower than 0\.976562 KiB/s") as caught:
        pace.moved(1)
    assert (caught.value.reason, caught.value.where) == ("too_slow", "h")


def test_attempts_share_their_pace() -> None:
    time_ = FakeTime()
    with serve(lambda asked: reply(body=b"x")) as web, closing(Transport(limits=SLOW, timing=time_.timing, environ={})) as transport:
        pace = transport.pace("read it", "http://h/")
        time_.seconds += 60
        response = transport.send(HttpRequest(method="GET", url=f"http://{web.host}/", step="read it", stream=True))
        with pytest.raises(RegistryError):
            list(response.pieces("read it", pace))


def test_an_upload_that_is_taken_slowly_is_given_up() -> None:
    ticks = iter(range(1000))
    timing = clock_that(lambda: float(next(ticks)))
    body = StreamBody(size=200_000, pieces=lambda: iter([bytes(200_000)]))
    limits = replace(IMPATIENT, response_time=2.0, slowest=10_000_000.0)
    with serve(lambda asked: reply()) as web, closing(Transport(limits=limits, timing=timing, environ={})) as transport:
        request = HttpRequest(method="PUT", url=f"http://{web.host}/", step="write it", body=body, retry=False)
        with pytest.raises(RegistryError, match="write it: slower than"):
            transport.send(request)


def test_a_run_of_many_slow_responses_ends() -> None:
    time_ = FakeTime()
    limits = replace(IMPATIENT, run_grace=10.0, run_request=1.0)

    def slow(asked: object) -> bytes:
        time_.seconds += 3
        return reply(body=b"x")

    with serve(slow) as web, closing(Transport(limits=limits, timing=time_.timing, environ={})) as transport:
        request = HttpRequest(method="GET", url=f"http://{web.host}/", step="look")
        with pytest.raises(RegistryError, match="look: the requests of this run took") as caught:
            for _ in range(100):
                transport.send(request)
        assert caught.value.reason == "too_slow"
        assert len(web.asked) == 5


def test_the_time_of_a_run_grows_with_its_bytes_up_to_a_limit() -> None:
    run = RunTime(replace(LIMITS, run_grace=10.0, run_request=1.0, slowest=100.0, run_time=50.0))
    run.spend(10.0, requests=1, moved=1000)
    assert run.left == 11.0
    run.spend(0.0, moved=10**9)
    assert run.left == 40.0
    run.spend(40.5)
    with pytest.raises(RegistryError):
        run.check("look", "http://h/")
