"""A proxy that opens tunnels (RFC 9110, section 9.3.6): all of them to one server, whatever host they are for."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Proxy:
    """What was asked for so far."""

    port: int
    tunnels: list[str] = field(default_factory=list)
    """The hosts that tunnels were opened to."""
    refused: int = 0
    """How many requests had no valid login."""


@contextmanager
def tunnel_proxy(port: int, *, login: str = "", tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Opens tunnels to `port` of this machine; `login` is the `user:password` that it wants, with `tls` it speaks TLS itself."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(port=listener.getsockname()[1])
    wanted = f"Basic {base64.b64encode(login.encode()).decode()}"

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            stream = stack.enter_context(tls.wrap_socket(connection, server_side=True) if tls else connection)
            head = b""
            while b"\r\n\r\n" not in head:
                head += stream.recv(1)
            line, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines if text)}
            if login and headers.get("proxy-authorization") != wanted:
                proxy.refused += 1
                stream.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            proxy.tunnels.append(line.split()[1])
            server = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            stream.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            thread = threading.Thread(target=_copy, args=(server, stream), daemon=True)
            thread.start()
            _copy(stream, server)
            thread.join(timeout=10)

    def listen() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
