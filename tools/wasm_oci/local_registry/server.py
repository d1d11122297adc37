"""The registry as a running server, on the loopback addresses of this machine.

with start() as registry:
    push_to(registry.host)
    assert [record.method for record in registry.requests] == ["HEAD", "PUT"]
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.files import reason_of
from wasm_oci.local_registry.access import Access
from wasm_oci.local_registry.connection import Connection
from wasm_oci.local_registry.faults import Faults
from wasm_oci.local_registry.record import RequestRecord
from wasm_oci.local_registry.registry import Behaviour, Registry
from wasm_oci.local_registry.service import Observer, Service
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


class RunningRegistry:
    """A registry that answers; see `start`."""

    def __init__(self, service: Service, servers: Sequence[_Server], requests: list[RequestRecord]) -> None:
        self._service = service
        self.port = servers[0].server_port
        address = servers[0].server_name
        self.host = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        """What stands before the first slash of a reference."""
        self.addresses = tuple(server.server_name for server in servers)
        self.requests = requests
        """One record for each request so far, where they are kept."""

    @property
    def state(self) -> Path:
        """The folder of the layouts."""
        return self._service.registry.storage.root

    @property
    def faults(self) -> Faults:
        return self._service.faults

    @property
    def behaviour(self) -> Behaviour:
        return self._service.registry.behaviour

    def behave(self, **changes: Any) -> None:
        """Changes fields of `Behaviour` from the next request on, such as `immutable_tags=True`."""
        self._service.registry.behaviour = replace(self.behaviour, **changes)


@contextmanager
def serve(
    state: Path, *, port: int, behaviour: Behaviour, addresses: Sequence[str] = LOOPBACK, observer: Observer, requests: list[RequestRecord]
) -> Iterator[RunningRegistry]:
    """Answers requests until the block ends. Port 0 means a free one. Raises UsageError where it cannot listen."""
    check_loopback(addresses)
    with ExitStack() as stack:
        stack.enter_context(exclusive(state))
        service = Service(Registry(state, behaviour), observer)
        servers = _listen(addresses, port, service)
        for server in servers:
            stack.callback(server.server_close)
        stack.callback(service.end)
        for server in servers:
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield RunningRegistry(service, servers, requests)


@contextmanager
def start(
    state: Path | None = None,
    *,
    port: int = 0,
    referrers_api: bool = True,
    immutable_tags: bool = False,
    auth: Access | None = None,
    addresses: Sequence[str] = LOOPBACK,
    **behaviour: Any,
) -> Iterator[RunningRegistry]:
    """A registry for tests: on a free port, in a temporary folder unless told, every request on record.

    `behaviour` is any further field of `Behaviour`.
    """
    requests: list[RequestRecord] = []
    settings = Behaviour(referrers_api=referrers_api, immutable_tags=immutable_tags, access=auth, **behaviour)
    with ExitStack() as stack:
        folder = state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="local_registry.")))

        def observe(record: RequestRecord, problem: str) -> None:
            del problem
            requests.append(record)

        yield stack.enter_context(serve(folder, port=port, behaviour=settings, addresses=addresses, observer=observe, requests=requests))


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
