"""A web server whose every answer a test writes itself, byte for byte where it must."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[["Asked"], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The head of a request."""

    line: str
    headers: dict[str, str]
    """Names in lower case."""


@dataclass(slots=True, kw_only=True)
class Web:
    """What was asked so far; `release` lets answers go on that wait for it."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


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
            stream = tls.wrap_socket(connection, server_side=True) if tls else connection
            with stream, stream.makefile("rb") as lines:
                line = lines.readline().decode().strip()
                pairs = (text.decode().strip().partition(":") for text in iter(lines.readline, b"\r\n") if text)
                asked = Asked(line=line, headers={name.lower(): value.strip() for name, _, value in pairs})
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
