"""Connections of urllib3 that a `Deadline` watches, and that spend few system calls and little parsing on a request."""

from __future__ import annotations

import http.client
import re
import socket
from email.parser import Parser
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssltransport import SSLTransport

from wasm_oci.http.deadline import watch
from wasm_oci.http.host import is_loopback
from wasm_oci.http.network_error import NotThisMachine

_JOINED = 128 * 1024
"""Up to this size, the head of a request and the first piece of its body are sent together."""
_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
"""Both as `http.client` has them."""
_FIELD = re.compile(rb"([!-9;-~]+):[ \t]*([^\r\n]*)\r?\n")
_END = (b"\r\n", b"\n", b"")
_WITHOUT_BODY = frozenset({http.client.NO_CONTENT, http.client.NOT_MODIFIED})


class _Response(http.client.HTTPResponse):
    """Reads the head of a response with a regular expression, and only what is unusual with the parser of e-mail."""

    def begin(self: Any, **_options: Any) -> None:
        if self.headers is not None:
            return
        version, status, reason = self._read_status()
        while status == http.client.CONTINUE:
            self._header_lines()
            version, status, reason = self._read_status()
        if not version.startswith(("HTTP/1.", "HTTP/0.9")):
            raise http.client.UnknownProtocol(version)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.headers = self.msg = _message(self._header_lines())
        self.chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.will_close = self._check_close()
        length = self.headers.get("Content-Length", "").strip()
        self.length = int(length) if length.isascii() and length.isdigit() and not self.chunked else None
        if status in _WITHOUT_BODY or 100 <= status < 200 or self._method == "HEAD":
            self.length = 0
        self.will_close |= not self.chunked and self.length is None

    def _header_lines(self) -> list[bytes]:
        lines: list[bytes] = []
        while True:
            line = self.fp.readline(_LONGEST_LINE + 1)
            if len(line) > _LONGEST_LINE:
                raise http.client.LineTooLong("header line")
            lines.append(line)
            if len(lines) > _MOST_HEADERS:
                raise http.client.HTTPException(f"got more than {_MOST_HEADERS} headers")
            if line in _END:
                return lines


def _message(lines: list[bytes]) -> http.client.HTTPMessage:
    message = http.client.HTTPMessage()
    for line in lines[:-1]:
        field = _FIELD.fullmatch(line)
        if field is None:
            return Parser(_class=http.client.HTTPMessage).parsestr(b"".join(lines).decode("iso-8859-1"))
        message.set_raw(field[1].decode("ascii"), field[2].decode("iso-8859-1"))
    return message


class _Connection(HTTPConnection):
    """Names its socket as soon as it is connected, before a proxy is asked for a tunnel, and once more for each request."""

    response_class = _Response
    _head: bytes | None = None
    """The head of a request that is not sent yet."""
    _keeps_head = False

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        if is_loopback(self.host) and not is_loopback(str(connection.getpeername()[0])):
            connection.close()
            raise NotThisMachine
        watch(connection)
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        watch(_socket_of(self.sock))
        self._head, self._keeps_head = None, True
        try:
            super().request(*args, **kwargs)
            self._send_head()
        finally:
            self._head, self._keeps_head = None, False

    def putheader(self, header: str | bytes, *values: Any) -> None:
        http.client.HTTPConnection.putheader(self, header, *values)

    def send(self, data: Any) -> None:
        if self._keeps_head:
            self._keeps_head, self._head = False, data
            return
        head = self._head
        if head is not None and len(head) + len(data) <= _JOINED:
            self._head, data = None, b"".join((head, data))
        self._send_head()
        super().send(data)

    def _send_head(self) -> None:
        head, self._head = self._head, None
        if head is not None:
            super().send(head)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS, with contexts whose sockets are `WatchedTlsSocket`."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
"""The pools of urllib3 by scheme, whose connections name their sockets to the thread's deadline."""


def _socket_of(connection: Any) -> socket.socket | None:
    """The socket itself: TLS inside a proxy's TLS is an object that cannot be shut down."""
    found: socket.socket | None = connection.socket if isinstance(connection, SSLTransport) else connection
    return found
