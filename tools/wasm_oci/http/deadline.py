"""Ends a connection whose answer does not come in time, however slowly it trickles.

A read timeout counts the silence between two bytes only: endless interim answers, headers or trailers never meet it.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_local = threading.local()


class Deadline:
    """While entered, a connection of this thread that is used longer than `seconds` is shut down; then `expired` is True."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(max(seconds, 0.0), self._bite)
        self._timer.daemon = True

    def watch(self, connection: socket.socket | None) -> None:
        """Names the socket that this deadline shuts down; the latest counts."""
        self._socket = connection
        if self.expired:
            self._bite()

    @property
    def watched(self) -> socket.socket | None:
        return self._socket

    def _bite(self) -> None:
        self.expired = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Deadline:
        _local.timer = self
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        _local.timer = None


class _WatchedConnection(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        timer: Deadline | None = getattr(_local, "timer", None)
        if timer is not None and self.sock is not None:
            timer.watch(self.sock)
        super().request(*args, **kwargs)
        if timer is not None:
            timer.watch(self.sock)


class _WatchedTlsConnection(_WatchedConnection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections name their sockets to the thread's deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
