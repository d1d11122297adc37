"""What all connections of a registry share."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from wasm_oci.files import reason_of
from wasm_oci.local_registry import routes
from wasm_oci.local_registry.access_log import Observer
from wasm_oci.local_registry.messages import Refusal, ServedRequest, ServedResponse
from wasm_oci.local_registry.registry import Registry

Responder = Callable[[ServedRequest], ServedResponse]
Middleware = Callable[[ServedRequest, Responder], ServedResponse]
"""Responds to a request, mostly by the given responder; where it raises OSError the connection ends without a response."""


class Service:
    """What all connections share: the registry, what stands before it, and who watches."""

    def __init__(self, registry: Registry, observer: Observer, middleware: Middleware | None = None) -> None:
        self.registry = registry
        self._middleware = middleware
        self.note = observer
        self._ended = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
        if self._ended.is_set():
            _shut(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def end(self) -> None:
        """Ends every connection, so that nothing is stored from here on."""
        self._ended.set()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _shut(connection)

    def response(self, request: ServedRequest) -> ServedResponse:
        return self._middleware(request, self._respond) if self._middleware else self._respond(request)

    def _respond(self, request: ServedRequest) -> ServedResponse:
        try:
            return routes.respond(self.registry, request)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as err:
            return Refusal(500, "UNKNOWN", f"the storage failed: {reason_of(err)}").response()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
