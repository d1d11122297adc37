"""Hosts of URLs: every HTTP client that this package uses must read them alike, or they are refused."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from urllib3.connection import HTTPConnection
from urllib3.util import parse_url

from fakes.timing import IMPATIENT
from wasm_oci.errors import RegistryError, UsageError
from wasm_oci.http.host import check_host, is_internal, origin, parse_web_address
from wasm_oci.http.location import location_target
from wasm_oci.http.messages import ConnectionLost, HttpRequest
from wasm_oci.http.transport import Transport

AMBIGUOUS = [
    "127%2E0%2E0%2E1",
    "127.0x0.0.1",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "127.1",
    "127.0.0.01",
    "1.2.3.4.5",
    "a.256",
    "b\\c",
    "b\\@c",
    "b c",
    "b\u3002c",
    "\u2139.example",
    "[fec0::1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:0:7f00:1]",
    "[::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[fe80::1%eth0]",
    "[fe80::1%25eth0]",
    "[127.0.0.1]",
    "[v1.a]",
    "[::1",
    "::1",
    "a..b",
    ".a",
    "a..",
]


@pytest.mark.parametrize("host", AMBIGUOUS)
def test_a_host_that_can_be_read_in_two_ways_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="no valid host"):
        parse_web_address(f"https://{host}/v2/")
    with pytest.raises(UsageError, match="is not a registry host"):
        check_host(host)
    with pytest.raises(RegistryError, match="a Location that is not a"):
        location_target("https://ghcr.io/v2/", f"https://{host}/upload", step="upload")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ghcr.io/token", ("https", "ghcr.io", 443)),
        ("HTTPS://GHCR.IO", ("https", "ghcr.io", 443)),
        ("https://ghcr.io.:443", ("https", "ghcr.io", 443)),
        ("https://ghcr.io:?x", ("https", "ghcr.io", 443)),
        ("http://127.0.0.1:5000/", ("http", "127.0.0.1", 5000)),
        ("http://[::1]:5000#x", ("http", "::1", 5000)),
        ("https://a_b.s3.example/x@y:1", ("https", "a_b.s3.example", 443)),
        ("https://[2606:4700::1111]/", ("https", "2606:4700::1111", 443)),
    ],
)
def test_origins(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "https://a\tb.example/",
        "file:///etc/passwd",
        "https:a.example",
        "a.example/v2/",
        "https://a.example:70000/",
        "https:///x",
        "",
    ],
)
def test_other_urls_have_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match="no valid host"):
        origin(url)


def test_what_is_accepted_is_read_alike_by_all() -> None:
    dice, accepted = random.Random(11), 0
    pieces = [*"aB1.:@\\/?#%[]-_é ", "0x1", "127", "10.0.0.1", "80", "%2E", "::1"]
    for _ in range(40_000):
        url = "https://" + "".join(dice.choice(pieces) for _ in range(dice.randrange(1, 7)))
        try:
            found = parse_web_address(url)
        except ValueError:
            continue
        accepted += 1
        sent = parse_url(url)
        assert (sent.host or "").strip("[]").removesuffix(".") == found.host, url
        assert (sent.port or 443, urlsplit(url).port or 443) == (found.port, found.port), url
        assert (urlsplit(url).hostname or "").removesuffix(".") == found.host, url
        assert found.has_user == ("@" in urlsplit(url).netloc), url
    assert accepted > 1000


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("ghcr.io", False),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("localhost", True),
        ("a.localhost", True),
        ("ip6-localhost", True),
        ("10.0.0.1", True),
        ("169.254.169.254", True),
        ("fd00:ec2::254", True),
        ("::", True),
        ("ff0e::1", True),
        ("239.1.1.1", True),
    ],
)
def test_what_an_address_says_of_itself(host: str, expected: bool) -> None:
    assert is_internal(host) == expected


@pytest.mark.parametrize("name", ["registry.localhost", "localhost"])
def test_a_loopback_name_that_leads_to_another_machine_gets_no_request(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    ours, theirs = socket.socketpair()

    class Foreign(socket.socket):
        def getpeername(self) -> tuple[str, int]:
            return "192.0.2.1", 5000

    foreign = Foreign(fileno=ours.detach())
    monkeypatch.setattr(HTTPConnection, "_new_conn", lambda self: foreign)
    with theirs, closing(Transport(limits=IMPATIENT, environ={})) as transport:
        with pytest.raises(ConnectionLost, match="this name of the local machine leads to another one; correct its address"):
            transport.send(HttpRequest(method="GET", url=f"http://{name}:5000/v2/", step="look"))
        assert foreign.fileno() == -1
        assert theirs.recv(1) == b""
