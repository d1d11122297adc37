"""Answers that never end: what a read timeout alone does not notice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from wasm_oci.http.transport import ConnectionLost, Request, Transport
from wasm_oci.limits import Limits

QUICK = Limits(response_time=0.4, connect_timeout=0.2, retries=0)


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that lets `talk` answer each request until the client hangs up."""

    def response(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            talk(connection)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _address = listener.accept()
                threading.Thread(target=response, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2/"
        listener.shutdown(socket.SHUT_RDWR)


def repeat(first: bytes, again: bytes) -> Callable[[socket.socket], None]:
    """Sends `first` once and `again` every hundredth of a second."""
    pause = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        while not pause.wait(0.01):
            connection.sendall(again)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(repeat(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim-answers"),
        pytest.param(repeat(b"", b"H"), id="status-line"),
        pytest.param(repeat(b"HTTP/1.1 200 OK\r\nX: ", b"x"), id="headers"),
        pytest.param(repeat(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"), id="body"),
        pytest.param(repeat(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"), id="trailers"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["small", "streamed"])
def test_an_answer_that_trickles_is_given_up(talk: Callable[[socket.socket], None], stream: bool) -> None:
    with server(talk) as url, pytest.raises(ConnectionLost, match="no answer in time"):
        response = Transport(limits=QUICK).send(Request(method="GET", url=url, step="read it", stream=stream))
        for _piece in response.pieces("read it"):
            pass


def test_the_body_of_a_redirect_is_not_read() -> None:
    sent = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: ftp://elsewhere/\r\nContent-Encoding: gzip\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 65536)
            sent.append(65536)

    with server(talk) as url, pytest.raises(Exception, match="not a web address"):
        Transport(limits=QUICK).send(Request(method="GET", url=url, step="read it"))
    assert sum(sent) < 50_000_000
