"""The registry as a running server, on the loopback addresses of this machine."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.files import reason_of
from wasm_oci.local_registry.access_log import Observer
from wasm_oci.local_registry.connection import Connection
from wasm_oci.local_registry.registry import Behaviour, Registry
from wasm_oci.local_registry.service import Middleware, Service
from wasm_oci.local_registry.state import exclusive

LOOPBACK = ("127.0.0.1", "::1")
_ATTEMPTS = 20
"""How many free ports are tried until one is free on every address."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
    allow_reuse_address = os.name != "nt"

    def __init__(self, address: str, port: int, service: Service) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        handler = type("ServiceConnection", (Connection,), {"service": service})
        super().__init__((address, port), handler)

    def server_bind(self) -> None:
        """Binds without looking up the machine's name, as the base class does."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no event; anything else is a bug, which is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRegistry:
    """A registry that answers; see `serve`."""

    registry: Registry
    addresses: tuple[str, ...]
    port: int

    @property
    def host(self) -> str:
        """What stands before the first slash of a reference."""
        address = self.addresses[0]
        return f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"


@contextmanager
def serve(
    state: Path,
    *,
    port: int,
    behaviour: Behaviour,
    addresses: Sequence[str] = LOOPBACK,
    observer: Observer,
    middleware: Middleware | None = None,
) -> Iterator[ServedRegistry]:
    """Answers requests until the block ends. Port 0 means a free one. Raises UsageError where it cannot listen."""
    check_loopback(addresses)
    with ExitStack() as stack:
        stack.enter_context(exclusive(state))
        service = Service(Registry(state, behaviour), observer, middleware)
        servers = _listen(addresses, port, service)
        for server in servers:
            stack.callback(server.server_close)
        stack.callback(service.end)
        for server in servers:
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield ServedRegistry(
            registry=service.registry, addresses=tuple(server.server_name for server in servers), port=servers[0].server_port
        )


def check_loopback(addresses: Sequence[str]) -> None:
    """Raises UsageError for an address that other machines could reach."""
    for address in addresses:
        try:
            loopback = ipaddress.ip_address(address).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise UsageError(
                f"{address!r} is not a loopback address",
                hint="this registry has no access control: use 127.0.0.1 or ::1, and a real registry for other machines",
            )


def _listen(addresses: Sequence[str], port: int, service: Service) -> list[_Server]:
    """Listens on every address that this machine has, on one port."""
    for attempt in range(_ATTEMPTS):
        servers: list[_Server] = []
        try:
            for address in addresses:
                try:
                    servers.append(_Server(address, port or (servers[0].server_port if servers else 0), service))
                except OSError as err:
                    if not (servers and err.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)):
                        raise
        except OSError as err:
            for server in servers:
                server.server_close()
            if port or attempt == _ATTEMPTS - 1 or err.errno != errno.EADDRINUSE:
                raise _cannot_listen(port, err) from err
        else:
            return servers
    raise AssertionError("unreachable")


def _cannot_listen(port: int, err: OSError) -> WasmOciError:
    if err.errno in (errno.EADDRINUSE, errno.EACCES):
        return UsageError(f"port {port} cannot be used: {reason_of(err)}", hint="choose another with --port, or --port 0 for a free one")
    return UsageError(f"cannot listen on this machine's loopback address: {reason_of(err)}")
