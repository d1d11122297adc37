"""What a request costs on the wire, and heads of responses that are out of the ordinary."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from urllib3.connection import HTTPConnection

from fakes.timing import IMPATIENT, FakeTime
from fakes.web import reply, serve
from wasm_oci.http.messages import ConnectionLost, HttpRequest, StreamBody
from wasm_oci.http.transport import Transport

KIB = 1024


@pytest.fixture
def transport() -> Iterator[Transport]:
    with closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as opened:
        yield opened


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what was handed to the system, in the order."""
    sizes: list[int] = []
    plain = HTTPConnection.send

    def send(self: HTTPConnection, data: Any) -> None:
        sizes.append(len(data))
        plain(self, data)

    monkeypatch.setattr(HTTPConnection, "send", send)
    return sizes


def streamed(*pieces: bytes) -> StreamBody:
    return StreamBody(size=sum(map(len, pieces)), pieces=lambda: iter(pieces))


@pytest.mark.parametrize(
    ("body", "writes"),
    [
        pytest.param(b"", 1, id="none"),
        pytest.param(b"x" * 500, 1, id="bytes"),
        pytest.param(streamed(b"x" * 64 * KIB), 1, id="one piece"),
        pytest.param(streamed(b"x" * 64 * KIB, b"y" * 300), 2, id="two pieces"),
        pytest.param(b"x" * 200 * KIB, 2, id="large"),
        pytest.param(streamed(b""), 1, id="empty stream"),
    ],
)
def test_head_and_body_are_sent_together(transport: Transport, sent: list[int], body: bytes | StreamBody, writes: int) -> None:
    with serve(lambda asked: reply(body=asked.headers.get("content-length", "0").encode())) as web:
        response = transport.send(HttpRequest(method="PUT", url=f"http://{web.host}/", step="store it", body=body))
    assert response.body == str(len(body)).encode()
    assert len(sent) == writes


@pytest.mark.parametrize(
    ("head", "value"),
    [
        pytest.param(b"X-A: one\r\n", "one", id="plain"),
        pytest.param(b"x-a:one\r\n", "one", id="no space"),
        pytest.param(b"X-A: one\n", "one", id="line feed only"),
        pytest.param(b"X-A: one\r\n two\r\n", "one two", id="folded"),
        pytest.param(b"X-A: \r\n", "", id="empty"),
        pytest.param(b"X-A: caf\xe9\r\n", "caf\xe9", id="latin-1"),
        pytest.param(b"X-B: two\r\nX-A: one: and two\r\n", "one: and two", id="colon"),
        pytest.param(b"X-A: one\r\nx-a: two\r\n", "one, two", id="twice"),
        pytest.param(b"X-A: one\r\nTransfer-Encoding: identity\r\nX-A: two\r\n", "one, two", id="twice, unusual"),
    ],
)
def test_header_lines(transport: Transport, head: bytes, value: str) -> None:
    with serve(lambda asked: b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 2\r\n\r\nok") as web:
        response = transport.send(HttpRequest(method="GET", url=f"http://{web.host}/", step="look"))
    assert (response.headers["X-A"], response.body) == (value, b"ok")


def test_interim_responses_are_passed_over(transport: Transport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\nX-A: one\r\n\r\n"
    with serve(lambda asked: 2 * interim + reply(body=b"fine")) as web:
        response = transport.send(HttpRequest(method="GET", url=f"http://{web.host}/", step="look"))
    assert (response.body, response.headers.get("X-A")) == (b"fine", None)


@contextmanager
def listening(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives one answer after the other on each of its connections, and closes none; yields its host and what it was sent."""
    sent: list[bytes] = []
    left = iter(answers)

    def talk(stream: socket.socket) -> None:
        with suppress(OSError), stream:
            while asked := stream.recv(65536):
                sent.append(asked)
                stream.sendall(next(left))

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", sent
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def get(host: str) -> HttpRequest:
    return HttpRequest(method="GET", url=f"http://{host}/", step="look")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", id="line feeds only"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", id="line feed before the end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok", id="line feed at the end"),
        pytest.param(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", id="no reason"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", id="chunked"),
    ],
)
def test_the_end_of_a_response_is_not_waited_for(transport: Transport, answer: bytes) -> None:
    with listening(answer, answer) as (host, _):
        assert [transport.send(get(host)).body for _ in range(2)] == [b"ok", b"ok"]


def test_of_another_protocol_only_a_line_is_waited_for() -> None:
    with (
        listening(b"SSH-2.0-OpenSSH_9.2\r\n") as (host, _),
        closing(Transport(environ={})) as patient,
        pytest.raises(ConnectionLost, match="not valid HTTP"),
    ):
        patient.send(get(host))


def test_what_follows_a_response_is_not_taken_for_the_next_one(transport: Transport) -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with listening(first + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", reply(body=b"good")) as (host, _):
        assert [transport.send(get(host)).body for _ in range(2)] == [b"ok", b"good"]


@pytest.mark.parametrize("value", ["one\r\nX-B: two", "one\n two", "one\0", "\u20ac"])
def test_no_header_is_more_than_one_line(transport: Transport, value: str) -> None:
    with listening() as (host, sent), pytest.raises(ConnectionLost):
        transport.send(HttpRequest(method="GET", url=f"http://{host}/", step="look", headers={"X-A": value}))
    assert sent == []


@pytest.mark.parametrize("path", ["/v2/a%2fb", "/v2/a?from=caf\xe9", '/v2/"a"'])
def test_an_unusual_target_is_asked_for(transport: Transport, path: str) -> None:
    with listening(reply(body=b"ok")) as (host, sent):
        assert transport.send(HttpRequest(method="GET", url=f"http://{host}{path}", step="look")).body == b"ok"
    assert sent[0].split()[1] == quote(path, safe="/?=%").replace("%2f", "%2F").encode()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_connection_that_fails_in_the_body_is_closed(stream: bool) -> None:
    """A socket that is left open would be a warning, which is an error here."""
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok"
    limits = replace(IMPATIENT, read_timeout=0.1, retries=0)
    with listening(begun, begun) as (host, _), closing(Transport(limits=limits, environ={})) as transport:
        with pytest.raises(ConnectionLost, match="no response in time"):
            list(transport.send(replace(get(host), stream=stream)).pieces("look"))
        gc.collect()
