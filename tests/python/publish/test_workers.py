"""Several things at a time, at several places."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from wasm_oci.errors import RegistryError
from wasm_oci.http.messages import ConnectionLost
from wasm_oci.http.outages import Outages
from wasm_oci.limits import LIMITS
from wasm_oci.publish.workers import Once, Work, do_all


def test_everything_is_done_once_and_no_place_gets_more_than_its_share() -> None:
    lock, now, most, done = threading.Lock(), Counter[str](), Counter[str](), Counter[tuple[str, int]]()

    def do(place: str, number: int) -> None:
        with lock:
            now[place] += 1
            most[place] = max(most[place], now[place])
        time.sleep(0.002)
        with lock:
            now[place] -= 1
            done[place, number] += 1

    do_all(Work(place=place, run=lambda p=place, n=number: do(p, n)) for number in range(40) for place in "abc")  # type: ignore[misc]
    assert done == Counter({(place, number): 1 for place in "abc" for number in range(40)})
    assert all(1 < count <= LIMITS.jobs for count in most.values())


def test_one_thing_is_done_in_this_thread() -> None:
    threads = []
    do_all([Work(place="a", run=lambda: threads.append(threading.current_thread()))])
    do_all([])
    assert threads == [threading.current_thread()]


def test_a_place_that_hangs_holds_up_no_other() -> None:
    go_on, others = threading.Event(), list[int]()

    def last() -> None:
        others.append(1)
        if len(others) == 30:
            go_on.set()

    def hang() -> None:
        assert go_on.wait(20)

    hanging = [Work(place="dead", run=hang) for _ in range(20)]
    do_all([*hanging, *[Work(place="alive", run=last) for _ in range(30)]])
    assert len(others) == 30


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_the_first_exception_ends_everything(kind: type[BaseException]) -> None:
    begun, interrupted, waiting = list[int](), threading.Event(), threading.Event()

    def fail() -> None:
        waiting.wait(10)
        raise kind("first")

    def wait() -> None:
        begun.append(1)
        waiting.set()
        assert interrupted.wait(10)

    work = [Work(place="a", run=fail), *[Work(place="b", run=wait) for _ in range(1000)]]
    with pytest.raises(kind, match="first"):
        do_all(work, interrupt=interrupted.set)
    assert len(begun) <= LIMITS.jobs


def lost(*, refused: bool, host: str = "example.com") -> ConnectionLost:
    return ConnectionLost("look up tag v1", f"https://{host}/v2/", ConnectionRefusedError() if refused else TimeoutError())


def attempt(outages: Outages, error: Exception | None, place: str = "https://example.com") -> str:
    try:
        with outages.watch(place):
            if error:
                raise error
    except RegistryError as err:
        return str(err)
    return ""


def test_a_place_that_cannot_be_reached_is_not_tried_again() -> None:
    outages = Outages()
    assert "not tried again" not in attempt(outages, lost(refused=True))
    assert "the connection is refused (not tried again in this run)" in attempt(outages, None)
    assert attempt(outages, None, "https://other.example") == ""


def test_a_host_that_one_response_redirects_to_says_nothing_of_the_place() -> None:
    outages = Outages()
    assert "not tried again" not in attempt(outages, lost(refused=True, host="storage.example"))
    assert attempt(outages, None) == ""
    for _ in range(3):
        attempt(outages, lost(refused=True, host="storage.example"))
    assert "not tried again" in attempt(outages, None)


def test_a_place_that_answers_now_and_then_is_tried_again() -> None:
    outages = Outages()
    for error in (lost(refused=False), lost(refused=False), None, lost(refused=False), lost(refused=False)):
        assert "not tried again" not in attempt(outages, error)
    assert attempt(outages, None) == ""
    for _ in range(3):
        attempt(outages, lost(refused=False))
    assert "not tried again" in attempt(outages, None)


def test_an_error_that_a_place_responds_with_is_a_response() -> None:
    outages = Outages()
    for error in [RegistryError("denied"), lost(refused=False)] * 10:
        assert "not tried again" not in attempt(outages, error)
    assert attempt(outages, None) == ""


def test_what_all_need_is_done_by_one_while_the_others_wait() -> None:
    once, late = Once(), threading.Event()
    done: list[str] = []

    def work() -> None:
        with once.first("a blob") as missing:
            if missing:
                late.wait(0.05)
                done.append("a blob")
            assert done == ["a blob"]

    do_all(Work(place="here", run=work) for _ in range(8))
    assert done == ["a blob"]


def test_what_failed_is_left_to_the_next() -> None:
    once = Once()
    with pytest.raises(RegistryError), once.first("a blob"):
        raise RegistryError("no")
    with once.first("a blob") as missing:
        assert missing
    with once.first("a blob") as missing:
        assert not missing
    with once.first("another") as missing:
        assert missing
