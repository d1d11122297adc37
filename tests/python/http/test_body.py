"""Encodings that nobody asked for."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from fakes.timing import IMPATIENT, FakeTime
from fakes.web import reply, serve
from wasm_oci.errors import RegistryError
from wasm_oci.http.body import decoded, decoded_body
from wasm_oci.http.messages import HttpRequest
from wasm_oci.http.transport import Transport
from wasm_oci.limits import LIMITS

TEXT = b'{"a": 1}' * 500
ZIPPED = gzip.compress(TEXT, mtime=0)


@pytest.fixture
def transport() -> Iterator[Transport]:
    with closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as opened:
        yield opened


def read(transport: Transport, response: bytes, *, stream: bool, limit: int = 10_000, size: int = -1) -> bytes:
    with serve(lambda asked: response) as web:
        request = HttpRequest(method="GET", url=f"http://{web.host}/", step="read it", stream=stream, limit=limit)
        return b"".join(transport.send(request).pieces("read it", size=size))


@pytest.mark.parametrize("stream", [False, True], ids=["small", "streamed"])
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_decoded(transport: Transport, stream: bool, encoding: str) -> None:
    assert read(transport, reply(body=ZIPPED, Content_Encoding=encoding), stream=stream) == TEXT
    assert read(transport, reply(body=ZIPPED + ZIPPED, Content_Encoding=encoding), stream=stream) == TEXT * 2


@pytest.mark.parametrize("stream", [False, True], ids=["small", "streamed"])
def test_identity_and_nothing_are_left_alone(transport: Transport, stream: bool) -> None:
    assert read(transport, reply(body=ZIPPED, Content_Encoding="identity"), stream=stream) == ZIPPED
    assert read(transport, reply(Content_Encoding="gzip"), stream=stream) == b""


@pytest.mark.parametrize("stream", [False, True], ids=["small", "streamed"])
@pytest.mark.parametrize(
    ("body", "encoding", "problem"),
    [
        (ZIPPED[:-9], "gzip", "is cut off"),
        (ZIPPED[:10] + b"\xff" * 20, "gzip", "not valid gzip"),
        (ZIPPED, "br", "an encoding other than gzip"),
        (ZIPPED, "gzip, gzip", "an encoding other than gzip"),
    ],
    ids=["cut-off", "damaged", "brotli", "twice"],
)
def test_an_encoding_that_cannot_be_read_is_an_error(transport: Transport, stream: bool, body: bytes, encoding: str, problem: str) -> None:
    with pytest.raises(RegistryError, match=f"read it: .*{problem}") as caught:
        read(transport, reply(body=body, Content_Encoding=encoding), stream=stream)
    assert caught.value.reason == "encoding"


def test_what_is_only_labelled_as_gzip_is_the_content(transport: Transport) -> None:
    assert read(transport, reply(body=TEXT, Content_Encoding="gzip"), stream=False) == TEXT
    assert read(transport, reply(body=ZIPPED, Content_Encoding="gzip"), stream=True, size=len(ZIPPED)) == ZIPPED


def test_a_small_body_that_grows_is_refused(transport: Transport) -> None:
    bomb = reply(body=gzip.compress(bytes(5_000_000)), Content_Encoding="gzip")
    with pytest.raises(RegistryError, match="larger than 10000 bytes") as caught:
        read(transport, bomb, stream=False)
    assert caught.value.reason == "limit"


def test_a_streamed_body_grows_in_pieces(transport: Transport) -> None:
    with serve(lambda asked: reply(body=gzip.compress(bytes(5 << 20)), Content_Encoding="gzip")) as web:
        response = transport.send(HttpRequest(method="GET", url=f"http://{web.host}/", step="read it", stream=True))
        assert max(len(piece) for piece in response.pieces("read it")) <= 1 << 20


def test_the_body_of_an_error_is_left_out_where_it_is_encoded(transport: Transport) -> None:
    assert read(transport, reply("404 None", body=ZIPPED, Content_Encoding="gzip"), stream=False) == b""


@pytest.mark.parametrize("padding", [gzip.compress(b"", mtime=0), b"name"], ids=["members", "name"])
def test_gzip_that_encodes_almost_nothing_ends_early(padding: bytes) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b"\x1f\x8b\x08\x08" + b"\0" * 5 + b"\x03" if padding == b"name" else ZIPPED
        while True:
            taken += 1
            yield padding * (LIMITS.chunk // len(padding))

    with pytest.raises(RegistryError, match="longer than its content") as caught:
        for _ in decoded(endless(), "gzip", step="read it", url="http://h/"):
            pass
    assert caught.value.reason == "encoding"
    assert taken <= 2


def test_many_small_gzip_members_are_decoded_in_linear_time() -> None:
    members = [gzip.compress(b"x" * 20, mtime=0)] * (4 * LIMITS.chunk // 23)
    started = time.process_time()
    assert decoded_body(b"".join(members), {"Content-Encoding": "gzip"}, limit=LIMITS.manifest, step="read it", url="http://h/") == b"x" * (
        20 * len(members)
    )
    assert time.process_time() - started < 5
