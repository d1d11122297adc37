"""TLS in front of a server that speaks plain HTTP, as a company's load balancer does it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress


@contextmanager
def tls_front(port: int, tls: ssl.SSLContext) -> Iterator[str]:
    """Yields the `host:port` where `port` of this machine is reached by TLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            stream = stack.enter_context(tls.wrap_socket(connection, server_side=True))
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            back = threading.Thread(target=_copy, args=(plain, stream), daemon=True)
            back.start()
            _copy(stream, plain)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
