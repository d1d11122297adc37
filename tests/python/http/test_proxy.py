"""Which proxy is taken, from which variable, and for whom none is."""

from __future__ import annotations

import base64
import os
from contextlib import closing

import pytest

from fakes.timing import IMPATIENT, FakeTime
from fakes.web import reply, serve
from wasm_oci import redaction
from wasm_oci.errors import UsageError
from wasm_oci.http.messages import ConnectionLost, HttpRequest
from wasm_oci.http.proxy import proxy_headers, proxy_of
from wasm_oci.http.transport import Transport
from wasm_oci.redaction import redacted

URL, PLAIN = "https://registry.example:5000/v2/", "http://registry.example/v2/"
PROXY, OTHER = "http://proxy.example:3128", "http://other.example:3128"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        (URL, {}, ""),
        (URL, {"HTTPS_PROXY": PROXY, "HTTP_PROXY": OTHER}, PROXY),
        (URL, {"https_proxy": PROXY}, PROXY),
        (PLAIN, {"http_proxy": PROXY}, PROXY),
        (PLAIN, {"HTTPS_PROXY": PROXY}, ""),
        (URL, {"ALL_PROXY": PROXY}, PROXY),
        (URL, {"all_proxy": OTHER, "HTTPS_PROXY": PROXY}, PROXY),
        (URL, {"HTTPS_PROXY": OTHER, "https_proxy": PROXY}, PROXY),
        (URL, {"HTTPS_PROXY": OTHER, "https_proxy": ""}, ""),
        (URL, {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        (PLAIN, {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, ""),
    ],
)
def test_which_variable_counts(monkeypatch: pytest.MonkeyPatch, url: str, environ: dict[str, str], expected: str) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == expected


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    ("url", "exempt", "expected"),
    [
        (URL, "registry.example", ""),
        (URL, ".example", ""),
        (URL, "a.test, example", ""),
        (URL, "registry.example:5000", ""),
        (URL, "registry.example:5001", PROXY),
        (URL, "other.example", PROXY),
        (URL, "try.example", PROXY),
        (URL, "*.example", ""),
        (URL, "*.registry.example", PROXY),
        (URL, "*registry.example", PROXY),
        (URL, ".registry.example", ""),
        (URL, "REGISTRY.Example.", ""),
        (URL, "a.test registry.example", ""),
        (URL, ".example:5000", ""),
        (URL, "*.example:5000", ""),
        (URL, "*.example:443", PROXY),
        (URL, "exam", PROXY),
        (URL, ", ,", PROXY),
        (URL, "*.", PROXY),
        ("https://a.registry.example/", "*.example:443", ""),
        ("https://registry.example/", "registry.example:443", ""),
        ("https://10.1.2.3/", "10.1.2.3:443", ""),
        ("https://10.1.2.3/", "10.1.2.3:80", PROXY),
        ("https://10.1.2.3/", "10.1.2.4/8", ""),
        ("https://10.1.2.3/", "*.2.3", ""),
        ("https://10.1.2.3/", "10.0.0.0/99", PROXY),
        ("https://[2001:db8::1]:5000/", "[2001:DB8:0::1]:5000", ""),
        ("https://[2001:db8::1]/", "[2001:db8::1]", ""),
        ("https://[2001:db8::1]/", "2001:db8::1", ""),
        (URL, "*", ""),
        ("https://10.1.2.3/", "10.0.0.0/8", ""),
        ("https://11.1.2.3/", "10.0.0.0/8", PROXY),
        ("https://10.1.2.3:5000/", "x, 10.1.2.3", ""),
        ("https://[2001:db8::1]:5000/", "2001:db8::/32", ""),
        ("https://[2001:db8::1]/", "2001:db9::/32", PROXY),
    ],
)
def test_for_whom_there_is_none(monkeypatch: pytest.MonkeyPatch, name: str, url: str, exempt: str, expected: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv(name, exempt)
    assert proxy_of(url) == expected


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "LOCALHOST"])
def test_this_machine_is_never_asked_by_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert proxy_of(f"http://{host}/v2/") == ""


@pytest.mark.parametrize(
    ("written", "sent"), [("me:p%40ss", "me:p@ss"), ("me:p%E2%82%ACss", "me:p€ss"), ("m%C3%A9:%ffp", b"m\xc3\xa9:\xffp"), ("me", "me:")]
)
def test_a_proxy_that_wants_a_password(monkeypatch: pytest.MonkeyPatch, written: str, sent: str | bytes) -> None:
    expected = "Basic " + base64.b64encode(sent.encode() if isinstance(sent, str) else sent).decode()
    assert proxy_headers(PROXY) == {}
    with serve(lambda asked: reply(body=b"by proxy")) as proxy, closing(Transport(limits=IMPATIENT, environ={})) as transport:
        monkeypatch.setenv("HTTP_PROXY", f"http://{written}@{proxy.host}")
        assert transport.send(HttpRequest(method="GET", url=PLAIN, step="look")).body == b"by proxy"
        assert [asked.headers.get("proxy-authorization") for asked in proxy.asked] == [expected]


@pytest.mark.parametrize("url", [URL, PLAIN])
def test_a_proxy_that_does_not_connect_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with (
        closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as transport,
        pytest.raises(ConnectionLost, match="the proxy does not connect; check HTTPS_PROXY and NO_PROXY"),
    ):
        transport.send(HttpRequest(method="GET", url=url, step="look"))


@pytest.mark.parametrize(
    ("variable", "proxy", "problem"),
    [
        ("ALL_PROXY", "socks5://me:s3cret@127.0.0.1:1080", "SOCKS is not supported"),
        ("https_proxy", "socks5h://127.0.0.1:1080", "SOCKS is not supported"),
        ("HTTPS_PROXY", "socks4a://127.0.0.1", "SOCKS is not supported"),
        ("HTTPS_PROXY", "ftp://me:s3cret@proxy.example", "not an HTTP proxy"),
        ("HTTPS_PROXY", "http://me:s3cret@proxy.example:port", "not a valid URL"),
        ("HTTPS_PROXY", "http://me:s3cret@", "not a valid URL"),
        ("HTTPS_PROXY", "http://me:s3/cret@proxy.example", "not a valid URL"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str, problem: str) -> None:
    monkeypatch.setenv(variable, proxy)
    time = FakeTime()
    with closing(Transport(limits=IMPATIENT, timing=time.timing, environ={})) as transport, pytest.raises(UsageError) as caught:
        transport.send(HttpRequest(method="GET", url=URL, step="look"))
    assert time.waits == []
    assert str(caught.value).startswith(f"{variable}: ")
    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert proxy_of("http://localhost:5000/") == ""


@pytest.mark.parametrize("url", [URL, PLAIN])
def test_a_proxy_that_refuses_the_password_says_so_once(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    time = FakeTime()
    with (
        serve(lambda asked: reply("407 Proxy Authentication Required", Proxy_Authenticate="Basic")) as proxy,
        closing(Transport(limits=IMPATIENT, timing=time.timing, environ={})) as transport,
    ):
        for name in ("HTTPS_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://me:s3cret@{proxy.host}")
        with pytest.raises(ConnectionLost, match=r"the proxy requires a valid user name and password \(status 407\)") as caught:
            transport.send(HttpRequest(method="GET", url=url, step="look"))
        assert len(proxy.asked) == 1
    assert time.waits == []
    assert caught.value.reason == "proxy_authentication"
    assert "s3cret" not in str(caught.value)


def test_what_a_proxy_echoes_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_sent", set())
    encoded = base64.b64encode(b"me:s3cr@t-of-proxy").decode()
    with serve(lambda asked: reply("403 Forbidden")) as proxy, closing(Transport(limits=IMPATIENT, environ={})) as transport:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:s3cr%40t-of-proxy@{proxy.host}")
        transport.send(HttpRequest(method="GET", url=PLAIN, step="look"))
    assert redacted(f"me:s3cr%40t-of-proxy, s3cr@t-of-proxy, Basic {encoded}") == "me:***, ***, Basic ***"


def test_407_of_a_registry_is_no_proxy() -> None:
    with serve(lambda asked: reply("407 What")) as web, closing(Transport(limits=IMPATIENT, environ={})) as transport:
        assert transport.send(HttpRequest(method="GET", url=f"http://{web.host}/", step="look")).status == 407


def test_tls_is_asked_for_through_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serve(lambda asked: reply("403 Forbidden")) as proxy,
        closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as transport,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.host}")
        with pytest.raises(ConnectionLost, match=r"the proxy does not connect \(status 403\)"):
            transport.send(HttpRequest(method="GET", url=URL, step="look", headers={"Authorization": "secret"}, retry=False))
        assert [asked.line.rpartition(" ")[0] for asked in proxy.asked] == ["CONNECT registry.example:5000"]
        assert not any("authorization" in asked.headers for asked in proxy.asked)
