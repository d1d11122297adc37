"""Ends a connection whose response does not come in time, however slowly it trickles.

A read timeout counts the silence between two bytes only: endless interim responses, headers or trailers never meet it.
"""

from __future__ import annotations

import heapq
import os
import socket
import ssl
import threading
import time
from contextlib import suppress
from itertools import count
from math import inf
from types import TracebackType

_local = threading.local()


class Deadline:
    """While entered, a connection of this thread that is used longer than `seconds` is shut down; then `expired` is True.

    After the block nothing is shut down any more: the connection may serve somebody else.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._seconds = max(seconds, 0.0)
        self._socket: socket.socket | None = None
        self._entry: _Entry | None = None

    def watch(self, connection: socket.socket | None) -> None:
        """Names the socket that this deadline shuts down; the latest counts."""
        self._socket = connection
        if self.expired:
            self.expire()

    @property
    def watched(self) -> socket.socket | None:
        return self._socket

    def expire(self) -> None:
        self.expired = True
        if self._socket is not None:
            with suppress(OSError):
                # `SSLSocket.shutdown` would first take the encryption away: what another thread sends then goes in plain.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def __enter__(self) -> Deadline:
        _local.deadline = self
        self._entry = _watcher.add(self, time.monotonic() + self._seconds)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._entry is not None:
            _watcher.remove(self._entry)
        _local.deadline = None


_Entry = tuple[float, int, Deadline]
"""When, a number that makes entries differ, and what expires."""


class _Watcher:
    """The one thread of the process that waits for deadlines; it starts with the first of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._entries: list[_Entry] = []
        """A heap of the deadlines that are entered."""
        self._numbers = count()
        self._wakes_at = inf
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline, when: float) -> _Entry:
        entry = (when, next(self._numbers), deadline)
        with self._changed:
            heapq.heappush(self._entries, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="http-deadlines", daemon=True)
                self._thread.start()
            elif when < self._wakes_at:
                self._changed.notify()
        return entry

    def remove(self, entry: _Entry) -> None:
        """Only as many are in it as requests run: looking through them is cheap. One that expired is gone already."""
        with self._changed, suppress(ValueError):
            self._entries.remove(entry)
            heapq.heapify(self._entries)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                while self._entries and self._entries[0][0] <= now:
                    heapq.heappop(self._entries)[2].expire()
                self._wakes_at = self._entries[0][0] if self._entries else inf
                self._changed.wait(None if self._wakes_at == inf else self._wakes_at - now)


_watcher = _Watcher()


def _forget_parent() -> None:
    """A forked child has no thread of its parent's, and perhaps its lock held."""
    global _watcher  # noqa: PLW0603 - the process's own, and this is another process
    _watcher = _Watcher()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


def watch(connection: socket.socket | None) -> None:
    """Names a socket to the deadline of this thread, where there is one."""
    deadline: Deadline | None = getattr(_local, "deadline", None)
    if deadline is not None and connection is not None:
        deadline.watch(connection)


class WatchedTlsSocket(ssl.SSLSocket):
    """Is watched from its handshake on: it takes the place of the socket that was connected, which is no use any more."""

    def do_handshake(self, block: bool = False) -> None:
        watch(self)
        super().do_handshake(block)
