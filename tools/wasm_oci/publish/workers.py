"""Does the work of a run at several places side by side, a bounded number of things at each."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from wasm_oci.limits import LIMITS

_ENDING = 1.0
"""Seconds that threads have to end after an interruption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing to do, and the place (a registry, or a folder) where it is done."""

    place: str
    run: Callable[[], None]


class Once:
    """Lets one of several threads do a thing that all of them need, while the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._done: set[Hashable] = set()

    @contextmanager
    def first(self, thing: Hashable) -> Iterator[bool]:
        """Yields whether the thing is still to be done; an exception leaves it to the next."""
        with self._lock:
            own = self._locks.setdefault(thing, threading.Lock())
        with own:
            yield thing not in self._done
            self._done.add(thing)


def do_all(work: Iterable[Work], *, interrupt: Callable[[], None] = lambda: None) -> None:
    """Runs everything; what is of one place begins in the order in which it comes.

    One thing is done in this thread, several by `LIMITS.jobs` threads for each place, so that a place that does not respond holds up
    no other. The first exception of any of them, and one that reaches this thread, such as KeyboardInterrupt, ends everything: what is not
    begun is left, `interrupt` is called to end what waits for the network, and the exception is raised.
    """
    queues: dict[str, deque[Work]] = {}
    for each in work:
        queues.setdefault(each.place, deque()).append(each)
    if sum(map(len, queues.values())) == 1:
        (((single,)),) = queues.values()
        single.run()
    elif queues:
        _Crew(queues=queues, interrupt=interrupt).run()


@dataclass(slots=True, kw_only=True)
class _Crew:
    queues: dict[str, deque[Work]]
    interrupt: Callable[[], None]
    errors: list[BaseException] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        jobs = max(1, min(LIMITS.jobs, LIMITS.threads // len(self.queues)))
        threads = [
            threading.Thread(target=self._work, args=(queue,), name=f"publish-{place}-{number}", daemon=True)
            for place, queue in self.queues.items()
            for number in range(min(jobs, len(queue)))
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self._end(threads)
            raise
        if self.errors:
            raise self.errors[0]

    def _work(self, queue: deque[Work]) -> None:
        while not self.stopped.is_set():
            try:
                work = queue.popleft()
            except IndexError:
                return
            try:
                work.run()
            except BaseException as err:  # noqa: BLE001 - raised by the thread that waits
                self.errors.append(err)
                self.stopped.set()
                self.interrupt()

    def _end(self, threads: list[threading.Thread]) -> None:
        self.stopped.set()
        self.interrupt()
        ends = time.monotonic() + _ENDING
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))
