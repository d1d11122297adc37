"""Answers that never end: what a read timeout alone does not notice."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.certificates import authority
from fakes.web import reply, serve
from wasm_oci.errors import RegistryError
from wasm_oci.http.deadline import Deadline
from wasm_oci.http.messages import ConnectionLost, HttpRequest, StreamBody
from wasm_oci.http.tls import Authorities, tls_context
from wasm_oci.http.transport import Transport
from wasm_oci.limits import Limits

QUICK = Limits(response_time=0.4, connect_timeout=0.2, retries=0)


@contextmanager
def server(talk: Callable[[socket.socket], None], *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that lets `talk` answer each request until the client hangs up."""

    def response(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            stream = tls.wrap_socket(connection, server_side=True) if tls else connection
            with stream:
                stream.recv(65536)
                talk(stream)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _address = listener.accept()
                threading.Thread(target=response, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}/v2/"
        listener.shutdown(socket.SHUT_RDWR)


def repeat(first: bytes, again: bytes) -> Callable[[socket.socket], None]:
    """Sends `first` once and `again` every hundredth of a second, for longer than a test may take."""
    pause = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(2000):
            pause.wait(0.01)
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
    with (
        server(talk) as url,
        closing(Transport(limits=QUICK)) as transport,
        pytest.raises(ConnectionLost, match="no response in time"),
    ):
        response = transport.send(HttpRequest(method="GET", url=url, step="read it", stream=stream))
        for _piece in response.pieces("read it"):
            pass


_RECORD = b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb"
"""The head of a TLS record that promises 16 KiB of handshake."""


def after(first: bytes, talk: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Sends `first`, and lets `talk` answer what the client says then."""

    def both(connection: socket.socket) -> None:
        connection.sendall(first)
        connection.recv(65536)
        talk(connection)

    return both


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(repeat(b"HTTP/1.1 200 OK\r\nX: ", b"a"), id="tunnel-header"),
        pytest.param(repeat(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), id="tunnel-headers"),
        pytest.param(after(b"HTTP/1.1 200 OK\r\n\r\n", repeat(_RECORD, b"a")), id="handshake-in-the-tunnel"),
    ],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_proxy_that_trickles_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, talk: Callable[[socket.socket], None], secure: bool
) -> None:
    certificates, context = authority(tmp_path)
    with server(talk, tls=context if secure else None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        _is_given_up(HttpRequest(method="GET", url="https://registry.example/", step="read it"), certificates)


def test_a_handshake_that_trickles_is_given_up(tmp_path: Path) -> None:
    certificates, _context = authority(tmp_path)
    with server(repeat(_RECORD, b"a")) as url:
        _is_given_up(HttpRequest(method="GET", url=url.replace("http:", "https:"), step="read it"), certificates)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_body_that_is_taken_slowly_is_given_up(tmp_path: Path, secure: bool) -> None:
    """The connection is new: there was no socket yet when the request began."""
    certificates, context = authority(tmp_path)
    pause, size = threading.Event(), 64 << 20

    def talk(connection: socket.socket) -> None:
        while connection.recv(8192):
            pause.wait(0.01)

    body = StreamBody(size=size, pieces=lambda: iter([b"x" * 65536] * (size // 65536)))
    with server(talk, tls=context if secure else None) as url:
        _is_given_up(HttpRequest(method="PUT", url=url, step="write it", body=body), certificates, slowest=float(size))


def _is_given_up(request: HttpRequest, certificates: Path, *, slowest: float = QUICK.slowest) -> None:
    limits = replace(QUICK, slowest=slowest)
    start = time.monotonic()
    with (
        closing(Transport(limits=limits, environ={"SSL_CERT_FILE": str(certificates)})) as transport,
        pytest.raises(RegistryError, match=r"no response in time|slower than"),
    ):
        transport.send(request)
    assert time.monotonic() - start < 10


def test_a_connection_that_is_shut_down_stays_encrypted(tmp_path: Path) -> None:
    """Another thread may be about to send on it."""
    certificates, context = authority(tmp_path)
    one, other = socket.socketpair()

    def answer() -> None:
        with suppress(OSError), context.wrap_socket(other, server_side=True) as stream:
            stream.recv(1)

    thread = threading.Thread(target=answer)
    thread.start()
    with (
        Deadline(30.0) as deadline,
        tls_context(Authorities(file=str(certificates))).wrap_socket(one, server_hostname="127.0.0.1") as secured,
    ):
        assert deadline.watched is secured
        deadline.expire()
        assert secured.version() is not None
    thread.join(10)


def test_the_body_of_a_redirect_is_not_read() -> None:
    sent = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: ftp://elsewhere/\r\nContent-Encoding: gzip\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 65536)
            sent.append(65536)

    with server(talk) as url, closing(Transport(limits=QUICK)) as transport, pytest.raises(Exception, match="not a web address"):
        transport.send(HttpRequest(method="GET", url=url, step="read it"))
    assert sum(sent) < 50_000_000


def test_one_thread_watches_all_requests() -> None:
    ample = Limits(response_time=30.0, retries=0)
    with serve(lambda asked: reply(body=b"x")) as web, closing(Transport(limits=ample, environ={})) as transport:
        request = HttpRequest(method="GET", url=f"http://{web.host}/", step="read it")
        assert transport.send(request).body == b"x"
        seen = set()
        for _ in range(200):
            assert transport.send(request).body == b"x"
            seen |= {thread for thread in threading.enumerate() if thread.name == "http-deadlines" or isinstance(thread, threading.Timer)}
    assert len(seen) == 1


def test_each_deadline_expires_by_itself() -> None:
    """A short one that comes after a long one is not late, and one that was left in time never expires."""
    pairs = [socket.socketpair() for _ in range(3)]
    long, short, left = Deadline(30.0), Deadline(0.1), Deadline(0.05)
    with long:
        long.watch(pairs[0][0])
        with left:
            left.watch(pairs[2][0])
        with short:
            short.watch(pairs[1][0])
            pairs[1][0].settimeout(10)
            start = time.monotonic()
            assert pairs[1][0].recv(1) == b""
            assert time.monotonic() - start < 5
    assert (long.expired, short.expired, left.expired) == (False, True, False)
    for one, other in pairs:
        one.close()
        other.close()


def test_a_socket_named_too_late_is_shut_down_at_once() -> None:
    one, other = socket.socketpair()
    with one, other, Deadline(0.0) as deadline:
        end = time.monotonic() + 10
        while not deadline.expired and time.monotonic() < end:
            time.sleep(0.01)
        deadline.watch(one)
        assert other.recv(1) == b""


def test_many_threads_have_each_its_own() -> None:
    expired = []

    def wait(seconds: float) -> None:
        one, other = socket.socketpair()
        with one, other, Deadline(seconds) as deadline:
            deadline.watch(one)
            one.settimeout(10)
            expired.append((deadline, one.recv(1)))

    threads = [threading.Thread(target=wait, args=(0.02 * (number % 5),)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [(deadline.expired, data) for deadline, data in expired] == [(True, b"")] * 20


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_its_own_deadlines() -> None:
    with Deadline(30.0):
        child = os.fork()
        if child == 0:
            status = 1
            with suppress(Exception):
                one, other = socket.socketpair()
                with one, other, Deadline(0.1) as deadline:
                    one.settimeout(10)
                    deadline.watch(one)
                    status = 0 if one.recv(1) == b"" and deadline.expired else 2
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
