"""What a request costs on the wire, and heads of responses that are out of the ordinary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from fakes.timing import IMPATIENT, FakeTime
from fakes.web import reply, serve
from wasm_oci.http.messages import HttpRequest, StreamBody
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
