"""A web server whose every answer a test writes itself, byte for byte where it must."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID

Script = Callable[["Asked"], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The head of a request."""

    line: str
    headers: dict[str, str]
    """Names in lower case."""
    client: str = ""
    """Whose certificate the client showed."""


@dataclass(slots=True, kw_only=True)
class Web:
    """What was asked so far; `release` lets answers go on that wait for it."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


def _secured(connection: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
    """The alert with which a handshake fails arrives: a connection that is closed with unread data would take it back."""
    stream = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    try:
        stream.do_handshake()
    except ssl.SSLError:
        with stream:
            socket.socket.shutdown(stream, socket.SHUT_WR)
            while socket.socket.recv(stream, 65536):
                pass
        raise
    return stream


def _client_of(stream: socket.socket) -> str:
    data = stream.getpeercert(binary_form=True) if isinstance(stream, ssl.SSLSocket) else None
    names = x509.load_der_x509_certificate(data).subject.get_attributes_for_oid(NameOID.COMMON_NAME) if data else []
    return "".join(str(name.value) for name in names)


def reply(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """An answer as bytes; underscores in header names stand for hyphens."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def serve(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Answers each connection once, with what `script` returns."""
    listener = socket.create_server(("127.0.0.1", 0))
    web = Web(port=listener.getsockname()[1])

    def response(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(10)
            stream = _secured(connection, tls) if tls else connection
            with stream, stream.makefile("rb") as lines:
                line = lines.readline().decode().strip()
                pairs = (text.decode().strip().partition(":") for text in iter(lines.readline, b"\r\n") if text)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                asked = Asked(line=line, headers=headers, client=_client_of(stream))
                web.asked.append(asked)
                lines.read(int(asked.headers.get("content-length", "0")))
                stream.sendall(script(asked))

    def listen() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                thread = threading.Thread(target=response, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

    threads = [threading.Thread(target=listen, daemon=True)]
    threads[0].start()
    try:
        yield web
    finally:
        web.release.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(timeout=10)
