"""Connections of urllib3 that a `Deadline` watches, and that spend few system calls and little parsing on a request."""

from __future__ import annotations

import errno
import re
import select
import socket
from collections.abc import Iterable, Mapping
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.util.ssltransport import SSLTransport

from wasm_oci.http.deadline import watch
from wasm_oci.http.host import is_loopback
from wasm_oci.http.network_error import NotThisMachine
from wasm_oci.http.response import AnyResponse, KeepingPool, read_response

_JOINED = 128 * 1024
"""Up to this size, the head of a request and the first piece of its body are sent together."""
_HEAD = re.compile(rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*\r\n)+\r\n")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""The methods of which a server expects to be told that there is no body (RFC 9110, section 8.6)."""
_RESPONDED = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})
"""What sending may end with where the server did not wait for all of a request, and responded."""


Body = bytes | Iterable[bytes | memoryview] | None


class Connection(HTTPConnection):
    """Names its socket as soon as it is connected, before a proxy is asked for a tunnel, and once more for each request."""

    _poll: Any = None
    """Tells whether the socket can be read, at the cost of one system call; None where the system has no such object."""

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        if is_loopback(self.host) and not is_loopback(str(connection.getpeername()[0])):
            connection.close()
            raise NotThisMachine
        watch(connection)
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        watch(_socket_of(self.sock))
        super().request(*args, **kwargs)

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open and nothing has come on it that was not asked for."""
        if self.sock is None or self._poll is None:
            return super().is_connected
        return not self._poll.poll(0)

    def connect(self) -> None:
        super().connect()
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(self.sock, select.POLLIN)

    def close(self) -> None:
        self._poll = None
        super().close()

    def exchange(
        self, pool: Pool, *, method: str, target: str, body: Body, headers: Mapping[str, str], timeout: tuple[float, float]
    ) -> AnyResponse:
        """Sends a request and returns the response to it; see `Pool.exchange`."""
        to_send, to_read = timeout
        if self.sock is None:
            self.timeout = to_send
            self.connect()
        watch(_socket_of(self.sock))
        try:
            self.sock.settimeout(to_send)
            self._write(self._head_of(method, target, body, headers), body)
        except OSError as err:
            if err.errno not in _RESPONDED:
                raise
        self.sock.settimeout(to_read)
        return read_response(self, pool, method)

    def _head_of(self, method: str, target: str, body: Body, headers: Mapping[str, str]) -> bytes:
        """Returns the head of a request; raises ValueError where that would be more, or another one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}" if self.port == self.default_port else f"Host: {host}:{self.port}"]
        if isinstance(body, bytes) or (body is None and method in _WITH_BODY):
            lines.append(f"Content-Length: {len(body or b'')}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join((*lines, "", "")).encode("iso-8859-1")
        if not _HEAD.fullmatch(head) or head.count(b"\n") != len(lines) + 1:
            raise ValueError("the request has an invalid header")
        return head

    def _write(self, head: bytes, body: Body) -> None:
        pieces = iter(() if body is None else (body,) if isinstance(body, bytes) else body)
        first = next(pieces, b"")
        if len(head) + len(first) <= _JOINED:
            first = b"".join((head, first))
        else:
            self.send(head)
        self.send(first)
        for piece in pieces:
            self.send(piece)


class _TlsConnection(Connection, HTTPSConnection):
    """The same over TLS, with contexts whose sockets are `WatchedTlsSocket`."""


class Pool(KeepingPool):
    """Sends requests without what urllib3 does for others: no redirects, no retries, no encodings."""

    def exchange(self, method: str, target: str, *, body: Body, headers: Mapping[str, str], timeout: tuple[float, float]) -> AnyResponse:
        """Returns the response to a request of this pool's host, which is not reached by a proxy.

        `target` has printable characters of ASCII only, and `headers` the Content-Length of a body of several pieces. `timeout` is the
        longest wait to connect and to send, and to receive. The body of the response still has to be read.

        Raises errors of the socket, `http.client` and urllib3, ValueError for a header that is none, and what `body` raises.
        """
        connection: Connection = self._get_conn()  # type: ignore[assignment]  # of ConnectionCls
        try:
            return connection.exchange(self, method=method, target=target, body=body, headers=headers, timeout=timeout)
        except BaseException:
            connection.close()
            self.put_back(connection)
            raise


class _PlainPool(Pool):
    ConnectionCls = Connection


class _TlsPool(Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _PlainPool, "https": _TlsPool}
"""The pools of urllib3 by scheme, whose connections name their sockets to the thread's deadline."""


def _socket_of(connection: Any) -> socket.socket | None:
    """The socket itself: TLS inside a proxy's TLS is an object that cannot be shut down."""
    found: socket.socket | None = connection.socket if isinstance(connection, SSLTransport) else connection
    return found
