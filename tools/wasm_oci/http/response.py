"""Reads responses of HTTP/1.1 (RFC 9112): usual ones with few calls, all others with `http.client` and urllib3."""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

if TYPE_CHECKING:
    import socket

_RECEIVED = 64 * 1024
"""How much is received at once of a head, with what follows it."""
_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
"""Both as `http.client` has them."""
_WITHOUT_BODY = frozenset({http.client.NO_CONTENT, http.client.NOT_MODIFIED})
_VERSION = b"HTTP/1."
_HEAD_END = re.compile(rb"\n\r?\n")
_USUAL_HEAD = re.compile(r"HTTP/1\.1 ([2-5][0-9]{2})(?: [^\r\n\0]*+)?+(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]++:[^\r\n\0]*+)*+\r?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_FOLD = re.compile(r"[ \t]*+\r\n[ \t]+")


class Headers(dict[str, str]):
    """The headers of a response by their names in lower case, which are found in any case; values of one name are joined by commas."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class KeepingPool(HTTPConnectionPool):
    """Connections to one host."""

    def put_back(self, connection: HTTPConnection) -> None:
        """Keeps a connection for the next request."""
        self._put_conn(connection)


class Response:
    """A response whose length is known, with the interface of urllib3's as far as `Transport` uses it.

    Once its body is read, its connection serves the next request; until then it is nobody else's.
    """

    def __init__(self, connection: HTTPConnection, pool: KeepingPool, *, status: int, headers: Headers, body: bytes, length: int) -> None:
        """`body` is what came with the head."""
        self.status, self.headers = status, headers
        self._connection: HTTPConnection | None = connection
        self._pool = pool
        self._begun, self._left = body[:length], length
        self._last = len(body) > length or "close" in headers.get("connection", "").lower()

    def read1(self, amount: int, *, decode_content: bool = False) -> bytes:
        """Returns what has come of the body, `amount` bytes at most, and nothing at its end; raises IncompleteRead where it is cut off."""
        del decode_content
        if not self._left:
            self.release_conn()
            return b""
        if self._begun:
            piece, self._begun = self._begun[:amount], self._begun[amount:]
        else:
            with self._closed_by_errors():
                piece = self._socket.recv(min(amount, self._left))
            self._check(len(piece))
        self._left -= len(piece)
        if not self._left:
            self.release_conn()
        return piece

    def stream(self, amount: int, *, decode_content: bool = False) -> Iterator[bytes]:
        """Yields the body in pieces of `amount` bytes, of which the last is what is left; raises as `read1`, behind what has come."""
        del decode_content
        while self._left:
            piece = bytearray(min(amount, self._left))
            view, filled = memoryview(piece), min(len(piece), len(self._begun))
            view[:filled], self._begun = self._begun[:filled], self._begun[filled:]
            received = 1
            with self._closed_by_errors():
                while filled < len(piece) and (received := self._socket.recv_into(view[filled:])):
                    filled += received
            self._left -= filled
            if not self._left:
                self.release_conn()
            if filled:
                yield bytes(view[:filled])
            self._check(received)
        self.release_conn()

    def release_conn(self) -> None:
        """Gives the connection back; one on which more would come is closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._left or self._last:
                connection.close()
            self._pool.put_back(connection)

    def close(self) -> None:
        """Closes the connection, unless it was given back."""
        self._last = True
        self.release_conn()

    @contextmanager
    def _closed_by_errors(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @property
    def _socket(self) -> socket.socket:
        if self._connection is None:
            raise http.client.IncompleteRead(b"", self._left)
        found: socket.socket = self._connection.sock
        return found

    def _check(self, received: int) -> None:
        if not received:
            self.close()
            raise http.client.IncompleteRead(b"", self._left)


AnyResponse = Response | urllib3.BaseHTTPResponse


def read_response(connection: HTTPConnection, pool: KeepingPool, method: str) -> AnyResponse:
    """Returns the response to a request, whose body still has to be read.

    Raises what `http.client` and the socket raise where there is none.
    """
    received = connection.sock.recv(_RECEIVED)
    while (end := _HEAD_END.search(received)) is None and _may_go_on(received) and (more := connection.sock.recv(_RECEIVED)):
        received += more
    usual = _usual(received[: end.start()].decode("iso-8859-1"), method) if end else None
    if end is None or usual is None:
        return _unusual(connection, pool, method, received)
    status, headers, length = usual
    return Response(connection, pool, status=status, headers=headers, body=received[end.end() :], length=length)


def _may_go_on(received: bytes) -> bool:
    """Whether this may be the beginning of a head: more of anything else is not waited for."""
    return 0 < len(received) < _LONGEST_LINE and received[: len(_VERSION)] == _VERSION[: len(received)]


def _usual(head: str, method: str) -> tuple[int, Headers, int] | None:
    """Returns status, headers and length of the body, None where anything is out of the ordinary."""
    line = _USUAL_HEAD.fullmatch(head)
    if line is None:
        return None
    status, fields = int(line[1]), head.removesuffix("\r").split("\r\n")[1:]
    if len(fields) > _MOST_HEADERS:
        return None
    found: dict[str, str] = {}
    for field in fields:
        name, _, value = field.partition(":")
        name, value = name.lower(), value.lstrip(" \t")
        found[name] = f"{found[name]}, {value}" if name in found else value
    headers = Headers(found)
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length")
    if length is not None and not _LENGTH.fullmatch(length):
        return None
    if method == "HEAD" or status in _WITHOUT_BODY:
        return status, headers, 0
    return None if length is None else (status, headers, int(length))


def _unusual(connection: HTTPConnection, pool: KeepingPool, method: str, received: bytes) -> urllib3.BaseHTTPResponse:
    begun = http.client.HTTPResponse(connection.sock, method=method)
    begun.fp = io.BufferedReader(_Received(received, begun.fp.detach()))
    try:
        begun.begin()
        response = urllib3.HTTPResponse(
            body=begun,
            headers=urllib3.HTTPHeaderDict((name, _FOLD.sub(" ", value)) for name, value in begun.headers.items()),
            status=begun.status,
            version=begun.version,
            reason=begun.reason,
            preload_content=False,
            decode_content=False,
            original_response=begun,
            pool=pool,
            connection=connection,
            request_method=method,
        )
    except BaseException:
        begun.close()
        raise
    if begun.will_close:
        connection.close()
    return response


class _Received(io.RawIOBase):
    """A stream of which some bytes have been received already."""

    def __init__(self, received: bytes, rest: io.RawIOBase) -> None:
        self._received, self._rest = received, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._received:
            return self._rest.readinto(buffer)
        piece, self._received = self._received[: len(buffer)], self._received[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._rest.close()
        super().close()
