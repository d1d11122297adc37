"""One client's connection: HTTP/1.1 with bounded reads (RFC 9112)."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from urllib.parse import parse_qsl

from wasm_oci.limits import KIB, LIMITS, MIB
from wasm_oci.local_registry.access_log import Exchange, known_query
from wasm_oci.local_registry.messages import Refusal, ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Service

_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[0-9A-Za-z.-]+))(?::[0-9]{1,5})?")
_MAX_LINE = 4 * KIB
_MAX_TRAILERS = 100
_DRAIN = 64 * MIB
"""Unread content of a refused request that is still taken in, so that the client gets to read the response."""


def _is_loopback(host: str) -> bool:
    """Whether `host` names this machine wherever it is looked up: `*.localhost` too (RFC 6761, section 6.3)."""
    found = _HOST.fullmatch(host)
    name = (found["six"] or found["name"]).lower().removesuffix(".") if found else ""
    try:
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class StreamBody:
    """A request's content on the wire, of a known length or in chunks (RFC 9112, section 7.1)."""

    def __init__(self, stream: BufferedIOBase, length: int | None) -> None:
        self.length = length
        self.received = 0
        self.complete = length == 0
        self._stream = stream
        self._pieces = self._read()

    def pieces(self) -> Iterator[bytes]:
        """Returns what is still unread."""
        return self._pieces

    def _read(self) -> Iterator[bytes]:
        if self.length is None:
            yield from self._chunked()
        else:
            yield from self._exactly(self.length)
        self.complete = True

    def _exactly(self, count: int) -> Iterator[bytes]:
        while count:
            piece = self._stream.read(min(count, LIMITS.chunk))
            if not piece:
                raise ConnectionError("the client closed the connection inside its content")
            self.received += len(piece)
            count -= len(piece)
            yield piece

    def _chunked(self) -> Iterator[bytes]:
        while True:
            found = _CHUNK_SIZE.fullmatch(self._stream.readline(_MAX_LINE))
            if found is None:
                raise ConnectionError("the chunks of the content are malformed")
            size = int(found[1], 16)
            if size == 0:
                break
            yield from self._exactly(size)
            if self._stream.readline(_MAX_LINE) not in (b"\r\n", b"\n"):
                raise ConnectionError("the chunks of the content are malformed")
        for _ in range(_MAX_TRAILERS):
            if self._stream.readline(_MAX_LINE) in (b"\r\n", b"\n"):
                return
        raise ConnectionError("the content has too many trailers")


class Connection(BaseHTTPRequestHandler):
    """Reads requests, has the service respond, and sends the responses."""

    protocol_version = "HTTP/1.1"
    server_version = "wasm_oci_local_registry"
    sys_version = ""
    disable_nagle_algorithm = True
    service: Service
    """Set by the subclass that a server makes for itself."""

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.service.registry.behaviour.read_timeout)
        self.service.opened(self.connection)

    def finish(self) -> None:
        self.service.closed(self.connection)
        super().finish()

    def respond_to_request(self) -> None:
        """Responds to one request, which the base class has read up to its content."""
        body = StreamBody(self.rfile, 0)
        self._noted = False
        try:
            try:
                body = StreamBody(self.rfile, self._content_length())
                self._check_is_local()
                response = self.service.response(self._request(body))
            except Refusal as refusal:
                self.close_connection = True
                response = refusal.response()
            self._finish_content(body)
            self._send(response, body.received)
        except OSError as err:
            if not self._noted:
                self._note(0, body.received, 0, problem=str(err))
            self._abandon()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = respond_to_request

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers what the base class cannot read as a request, in the specification's form."""
        del explain
        self.close_connection = True
        response = Refusal(int(code), "UNSUPPORTED", message or "the request cannot be read").response()
        self.path = getattr(self, "path", "")
        self.command = self.command or ""
        self.request_version = self.protocol_version
        self._send(response, 0)

    def log_message(self, format: str, *args: object) -> None:
        """The access log is the service's; what the base class would say is no part of it."""

    def _request(self, body: StreamBody) -> ServedRequest:
        path, _, text = self.path.partition("?")
        if not path.startswith("/"):
            raise Refusal(400, "UNSUPPORTED", "the target of a request must be a path")
        try:
            query = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=64))
        except ValueError as err:
            raise Refusal(400, "UNSUPPORTED", "the query has too many fields") from err
        headers = {name.lower(): value for name, value in self.headers.items()}
        return ServedRequest(method=self.command, path=path, query=query, headers=headers, body=body)

    def _check_is_local(self) -> None:
        """Keeps web sites out: those that a browser shows (Origin), and names that lead here (Host, DNS rebinding)."""
        if "Origin" in self.headers:
            raise Refusal(403, "DENIED", "requests from web sites are refused")
        if not all(_is_loopback(host.strip()) for host in self.headers.get_all("Host", [])):
            raise Refusal(403, "DENIED", "the Host of a request must be localhost or a loopback address")

    def _content_length(self) -> int | None:
        lengths = self.headers.get_all("Content-Length", [])
        encodings = self.headers.get_all("Transfer-Encoding", [])
        if encodings:
            if lengths or [value.strip().lower() for value in encodings] != ["chunked"]:
                raise Refusal(400, "SIZE_INVALID", "Transfer-Encoding must be chunked, without Content-Length")
            return None
        if not lengths:
            return 0
        if len(set(lengths)) != 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0].strip()):
            raise Refusal(400, "SIZE_INVALID", "Content-Length is not a number of bytes")
        return int(lengths[0])

    def _finish_content(self, body: StreamBody) -> None:
        """Takes in what the response left unread, up to a bound; beyond it the connection ends after the response."""
        budget = _DRAIN
        try:
            for piece in body.pieces() if not body.complete else ():
                budget -= len(piece)
                if budget < 0:
                    break
        except OSError:
            budget = -1
        self.close_connection |= budget < 0

    def _send(self, response: ServedResponse, received: int) -> None:
        pieces = response.pieces() if self.command != "HEAD" else iter(())
        first = next(pieces, b"")
        self._note(response.status, received, response.size if self.command != "HEAD" else 0)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(response.size))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(first)
        for piece in pieces:
            self.wfile.write(piece)

    def _note(self, status: int, received: int, sent: int, *, problem: str = "") -> None:
        path, _, query = self.path.partition("?")
        self.service.note(
            Exchange(
                method=self.command or "",
                path=path,
                query=known_query(query),
                headers={name.lower(): value for name, value in self.headers.items()} if hasattr(self, "headers") else {},
                status=status,
                received=received,
                sent=sent,
                problem=problem,
            )
        )
        self._noted = True

    def _abandon(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
