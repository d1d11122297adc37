"""Requests, redirects, retries and what is written to the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fakes.timing import IMPATIENT, FakeTime
from fakes.web import Asked, Script, reply, serve
from wasm_oci.errors import RegistryError
from wasm_oci.http.location import location_target
from wasm_oci.http.messages import ConnectionLost, HttpRequest, StreamBody
from wasm_oci.http.transport import Transport
from wasm_oci.limits import Limits

SECRET = "canary-6f1d"


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def transport(time: FakeTime) -> Iterator[Transport]:
    with closing(Transport(limits=IMPATIENT, timing=time.timing, environ={})) as opened:
        yield opened


def get(url: str, **changes: object) -> HttpRequest:
    return HttpRequest(**({"method": "GET", "url": url, "step": "look"} | changes))  # type: ignore[arg-type]  # fields by name


def in_turn(*responses: bytes) -> Script:
    """The answers one after the other, the last again and again."""
    left = list(responses)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("status", ["408 Slow", "429 Many", "500 Oops", "502 Bad", "503 Busy", "504 Late"])
def test_a_busy_answer_is_asked_for_again(transport: Transport, time: FakeTime, status: str) -> None:
    with serve(in_turn(reply(status), reply(body=b"fine"))) as web:
        assert transport.send(get(f"http://{web.host}/")).body == b"fine"
        assert len(web.asked) == 2
    assert time.waits == [IMPATIENT.retry_base]


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors":[{"code":"DENIED","message":"permission_denied: You have exceeded a secondary rate limit. Please wait"}]}',
        b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
        b"You have triggered an abuse detection mechanism.",
    ],
)
def test_too_many_requests_are_known_by_other_words_too(transport: Transport, time: FakeTime, body: bytes) -> None:
    with serve(in_turn(reply("403 Forbidden", body=body), reply(body=b"fine"))) as web:
        assert transport.send(get(f"http://{web.host}/")).body == b"fine"
    assert time.waits == [IMPATIENT.retry_base]
    with serve(in_turn(reply("403 Forbidden", body=body))) as web:
        assert transport.send(get(f"http://{web.host}/")).status == 429


def test_a_limit_of_another_host_is_not_waited_for_so_long(transport: Transport) -> None:
    """As of the web site to which GitHub's container registry redirects who asks for referrers."""
    with serve(in_turn(reply("429 Many"))) as other, serve(in_turn(reply("303 There", Location=f"http://{other.host}/"))) as web:
        assert transport.send(get(f"http://{web.host}/")).status == 429
        assert len(other.asked) == IMPATIENT.retries + 1
        own = transport.send(get(f"http://{other.host}/"))
        assert (own.status, len(other.asked) > 2 * IMPATIENT.retries + 2) == (429, True)


def test_a_missing_right_is_not_asked_for_again(transport: Transport, time: FakeTime) -> None:
    body = b'{"errors":[{"code":"DENIED","message":"no access to team/rate-limit, toomanyrequests"}]}'
    with serve(in_turn(reply("403 Forbidden", body=body))) as web:
        assert transport.send(get(f"http://{web.host}/")).status == 403
    assert time.waits == []


MALFORMED = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "length with a sign": b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    "length that is a word": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 101 + b"\r\n",
    "long line": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("response", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_response_that_is_not_http_is_not_asked_for_again(transport: Transport, time: FakeTime, response: bytes, stream: bool) -> None:
    with serve(in_turn(response)) as web, pytest.raises(ConnectionLost, match="the response is not valid HTTP") as caught:
        for _ in transport.send(get(f"http://{web.host}/", stream=stream)).pieces("look"):
            pass
    assert (caught.value.permanent, caught.value.reason) == (True, "malformed_response")
    assert (len(web.asked), time.waits) == (1, [])


@pytest.mark.parametrize("length", ["5", "5, 5", " 5 "])
def test_a_length_may_be_repeated(transport: Transport, length: str) -> None:
    with serve(in_turn(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello".encode())) as web:
        assert transport.send(get(f"http://{web.host}/")).body == b"hello"


@pytest.mark.parametrize("chunks", [b"", b"5\r\nhel", b"5\r\nhello\r\n"])
def test_chunks_that_end_too_early_are_asked_for_again(transport: Transport, chunks: bytes) -> None:
    broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    with serve(in_turn(broken, reply(body=b"fine"))) as web:
        assert transport.send(get(f"http://{web.host}/")).body == b"fine"


@pytest.mark.parametrize("status", ["400 Bad", "401 Who", "403 No", "404 None", "409 Conflict", "501 Never"])
def test_a_refusal_is_not_asked_for_again(transport: Transport, status: str) -> None:
    with serve(in_turn(reply(status))) as web:
        assert transport.send(get(f"http://{web.host}/")).status == int(status[:3])
        assert len(web.asked) == 1


def test_retries_end_with_the_last_answer(transport: Transport) -> None:
    with serve(in_turn(reply("503 Busy"))) as web:
        assert transport.send(get(f"http://{web.host}/")).status == 503
        assert len(web.asked) == 1 + IMPATIENT.retries


def test_retry_after_is_waited(transport: Transport, time: FakeTime) -> None:
    with serve(in_turn(reply("429 Many", Retry_After="9"), reply())) as web:
        assert transport.send(get(f"http://{web.host}/")).status == 200
    assert time.waits == [9.0]


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"])
def test_a_broken_connection_is_tried_again_and_then_named(transport: Transport, response: bytes) -> None:
    with serve(in_turn(response)) as web:
        with pytest.raises(ConnectionLost, match="look: the connection was closed") as caught:
            transport.send(get(f"http://{web.host}/"))
        assert len(web.asked) == 1 + IMPATIENT.retries
        assert caught.value.where == web.host
    assert (caught.value.status, caught.value.exit_code) == (0, 6)


def test_a_request_that_must_not_be_repeated_is_not(transport: Transport) -> None:
    with serve(in_turn(b"")) as web:
        with pytest.raises(ConnectionLost):
            transport.send(get(f"http://{web.host}/", retry=False))
        assert len(web.asked) == 1


def test_a_silent_registry_ends_within_the_limit(transport: Transport) -> None:
    def silent(asked: Asked) -> bytes:
        web.release.wait(20)
        return b""

    with serve(silent) as web, pytest.raises(ConnectionLost, match="no response in time"):
        transport.send(get(f"http://{web.host}/", retry=False))


def test_an_answer_that_trickles_in_ends_within_the_limit(time: FakeTime) -> None:
    slow = Limits(response_time=-1.0, retries=0)
    with (
        closing(Transport(limits=slow, timing=time.timing, environ={})) as transport,
        serve(in_turn(reply(body=b"x" * 10))) as web,
        pytest.raises(ConnectionLost, match="no response in time"),
    ):
        transport.send(get(f"http://{web.host}/"))


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_closed_port_of_this_machine_is_named_at_once(transport: Transport, time: FakeTime, name: str) -> None:
    with serve(in_turn(b"")) as web:
        port = web.port
    with pytest.raises(ConnectionLost, match="the connection is refused; check that the registry is running"):
        transport.send(get(f"http://{name}:{port}/"))
    assert time.waits == []


def test_an_answer_above_its_limit_is_refused(transport: Transport) -> None:
    with serve(in_turn(reply(body=b"x" * 101))) as web:
        assert len(transport.send(get(f"http://{web.host}/", limit=101)).body) == 101
        with pytest.raises(RegistryError, match="larger than 100 bytes"):
            transport.send(get(f"http://{web.host}/", limit=100))


def test_of_an_error_page_only_the_beginning_is_read(transport: Transport) -> None:
    with serve(in_turn(reply("404 None", body=b"x" * 500_000))) as web:
        assert len(transport.send(get(f"http://{web.host}/")).body) == IMPATIENT.error_body


def test_a_redirect_on_the_same_host_keeps_authorization(transport: Transport) -> None:
    def script(asked: Asked) -> bytes:
        return reply("307 There", Location="/b") if "/a" in asked.line else reply(body=b"b")

    with serve(script) as web:
        response = transport.send(get(f"http://{web.host}/a", headers={"Authorization": f"Bearer {SECRET}"}))
        assert (response.body, response.url) == (b"b", f"http://{web.host}/b")
        assert [asked.headers.get("authorization") for asked in web.asked] == [f"Bearer {SECRET}"] * 2


def test_a_redirect_to_another_host_drops_authorization_for_good(transport: Transport) -> None:
    with serve(lambda asked: reply("302 Back", Location=f"http://{home.host}/end")) as other:

        def script(asked: Asked) -> bytes:
            return reply(body=b"end") if "/end" in asked.line else reply("307 There", Location=f"http://{other.host}/x")

        with serve(script) as home:
            assert transport.send(get(f"http://{home.host}/", headers={"authorization": SECRET})).body == b"end"
            assert [asked.headers.get("authorization") for asked in (*home.asked, *other.asked)] == [SECRET, None, None]


@pytest.mark.parametrize("status", ["301 A", "302 B", "307 C", "308 D"])
def test_a_redirected_upload_stays_an_upload(transport: Transport, status: str) -> None:
    def script(asked: Asked) -> bytes:
        return reply("201 Made") if "/b" in asked.line else reply(status, Location="/b")

    body = StreamBody(size=6, pieces=lambda: iter([b"abc", b"def"]))
    with serve(script) as web:
        assert transport.send(get(f"http://{web.host}/a", method="PUT", body=body)).status == 201
        assert [asked.line.split()[0] for asked in web.asked] == ["PUT", "PUT"]
        assert [asked.headers["content-length"] for asked in web.asked] == ["6", "6"]


def test_an_upload_is_never_turned_into_a_get(transport: Transport) -> None:
    with serve(in_turn(reply("303 See", Location="/b"))) as web:
        with pytest.raises(RegistryError, match="would turn POST into GET"):
            transport.send(get(f"http://{web.host}/a", method="POST"))
        assert len(web.asked) == 1


def test_a_body_with_a_secret_never_leaves_its_host(transport: Transport) -> None:
    with serve(in_turn(reply())) as other, serve(in_turn(reply("307 There", Location=f"http://{other.host}/"))) as web:
        with pytest.raises(RegistryError, match=f"redirected to {other.host}"):
            transport.send(get(f"http://{web.host}/", method="POST", body=SECRET.encode(), leave_host=False))
        assert not other.asked


def test_redirects_end(transport: Transport) -> None:
    with serve(in_turn(reply("307 Round", Location="/"))) as web:
        with pytest.raises(RegistryError, match="more than 5 redirects"):
            transport.send(get(f"http://{web.host}/"))
        assert len(web.asked) == IMPATIENT.redirects + 1


@pytest.mark.parametrize(
    ("base", "location", "problem"),
    [
        ("https://ghcr.io/v2/", "http://ghcr.io/v2/x", "from https to plain http"),
        ("https://ghcr.io/v2/", "http://127.0.0.1/x", "from https to plain http"),
        ("http://localhost:5000/", "http://example.com/x", "another host by plain http"),
        ("https://ghcr.io/v2/", "ftp://ghcr.io/x", "not a web address"),
        ("https://ghcr.io/v2/", "file:///etc/passwd", "not a web address"),
        ("https://ghcr.io/v2/", "https://user:pw@ghcr.io/x", "user name"),
        ("https://ghcr.io/v2/", "https://[::1/x", "not a URL"),
        ("https://ghcr.io/v2/", "https://ghcr.io:99999/x", "not a URL"),
    ],
)
def test_a_location_that_must_not_be_followed(base: str, location: str, problem: str) -> None:
    with pytest.raises(RegistryError, match=problem):
        location_target(base, location, step="look")


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        (
            "http://localhost:5000/v2/a/blobs/uploads/",
            "/v2/a/blobs/uploads/1?_state=x",
            "http://localhost:5000/v2/a/blobs/uploads/1?_state=x",
        ),
        ("https://ghcr.io/v2/", "https://storage.example.com/blob?sig=1", "https://storage.example.com/blob?sig=1"),
        ("http://registry.lan/v2/", "http://registry.lan:81/x", "http://registry.lan:81/x"),
        ("http://localhost:5000/", "http://127.0.0.1:5000/x", "http://127.0.0.1:5000/x"),
        ("https://ghcr.io/v2/", "/up?a=1#part", "https://ghcr.io/up?a=1"),
        ("https://ghcr.io/v2/", "/up#?a=1", "https://ghcr.io/up"),
    ],
)
def test_a_location_that_may_be_followed(base: str, location: str, expected: str) -> None:
    assert location_target(base, location, step="look") == expected


@pytest.mark.parametrize("named", ["storage.lan", "STORAGE.lan", "storage.lan:8080"])
def test_plain_http_goes_on_to_a_host_that_is_named(named: str) -> None:
    target = "http://storage.lan:8080/blob"
    assert location_target("http://registry.lan/v2/", target, step="look", plain_http={"registry.lan", named}) == target


@pytest.mark.parametrize(
    ("base", "location"),
    [
        ("https://registry.lan/v2/", "http://storage.lan/blob"),
        ("http://registry.lan/v2/", "http://storage.lan:81/blob"),
        ("http://registry.lan/v2/", "http://other.storage.lan/blob"),
        ("http://registry.lan/v2/", "http://storage.lan.example.com/blob"),
        ("http://registry.lan/v2/", "http://registry.lan@storage.lan:8080/blob"),
    ],
)
def test_plain_http_goes_on_to_no_other_host(base: str, location: str) -> None:
    with pytest.raises(RegistryError):
        location_target(base, location, step="look", plain_http={"registry.lan", "storage.lan:8080"})


@pytest.mark.parametrize(
    ("named", "location"),
    [
        ("storage.lan:80", "http://storage.lan/blob"),
        ("storage.lan", "http://storage.lan:80/blob"),
        ("storage.lan:80", "http://STORAGE.lan.:/b"),
    ],
)
def test_the_port_of_http_may_be_written_or_not(named: str, location: str) -> None:
    assert location_target("http://registry.lan/v2/", location, step="look", plain_http={named}) == location


def test_a_redirect_to_a_host_that_is_named_drops_authorization(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda asked: reply(body=b"blob")) as storage:
        monkeypatch.setenv("http_proxy", f"http://{storage.host}")
        with serve(lambda asked: reply("307 Temporary Redirect", Location="http://storage.lan/blob")) as web:
            with closing(Transport(limits=IMPATIENT, timing=time.timing, environ={}, plain_http={"storage.lan"})) as transport:
                response = transport.send(get(f"http://{web.host}/v2/", headers={"Authorization": f"Basic {SECRET}"}))
            assert response.body == b"blob"
        assert ["authorization" in asked.headers for asked in (*web.asked, *storage.asked)] == [True, False]


def test_no_netrc_and_no_cookie_is_used(transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serve(in_turn(reply(Set_Cookie="a=b"))) as web:
        for _ in range(2):
            transport.send(get(f"http://{web.host}/"))
        assert not any({"authorization", "cookie"} & set(asked.headers) for asked in web.asked)


def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(in_turn(reply(body=b"by proxy"))) as proxy, serve(in_turn(reply(body=b"direct"))) as web:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert transport.send(get("http://registry.invalid/v2/")).body == b"by proxy"
        assert transport.send(get(f"http://{web.host}/")).body == b"direct"
        assert [asked.line for asked in proxy.asked] == ["GET http://registry.invalid/v2/ HTTP/1.1"]
        monkeypatch.setenv("NO_PROXY", "registry.invalid")
        with closing(Transport(timing=transport.timing)) as another, pytest.raises(ConnectionLost):
            another.send(get("http://registry.invalid/v2/", retry=False))
        assert len(proxy.asked) == 1


def test_the_log_shows_neither_authorization_nor_signed_urls(transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serve(in_turn(reply())) as web:
        transport.send(get(f"http://{web.host}/blob?X-Signature={SECRET}", headers={"Authorization": f"Bearer {SECRET}"}))
        assert f"GET http://{web.host}/blob?…: 200" in caplog.text
    assert SECRET not in caplog.text


def test_an_error_shows_no_signed_url(transport: Transport) -> None:
    with serve(in_turn(b"")) as web, pytest.raises(ConnectionLost) as caught:
        transport.send(get(f"http://{web.host}/blob?X-Signature={SECRET}"))
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(get("http://h/", headers={"Authorization": SECRET}, body=SECRET.encode()))
