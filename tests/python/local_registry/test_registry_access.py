"""Basic and bearer authentication, and what is remembered of it."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from fakes.token_server import TokenServer, token_server
from instruments.registry import RunningRegistry, start
from local_registry.client import Client, digest_of
from wasm_oci.local_registry.access import Basic, Bearer

DATA = b"0123456789"
PUSH = f"/v2/a/b/blobs/uploads/?digest={digest_of(DATA)}"
BLOB = f"/v2/a/b/blobs/{digest_of(DATA)}"


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def guarded() -> Iterator[Client]:
    with start(auth=Basic(user="robot", password="pa:ss")) as registry, Client(registry.host) as client:
        yield client


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Bearer x", _basic("robot", "wrong"), _basic("other", "pa:ss"), _basic("robot", ""), "Basic \xe9"],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/v2/"), ("GET", "/v2/_catalog"), ("POST", PUSH), ("PUT", "/v2/a/b/tags/list")])
def test_basic_refuses(guarded: Client, method: str, path: str, authorization: str) -> None:
    reply = guarded(method, path, DATA, Authorization=authorization)
    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
    assert reply.headers["www-authenticate"] == 'Basic realm="local registry"'


@pytest.mark.parametrize("scheme", ["Basic", "basic"])
def test_basic_lets_in(guarded: Client, scheme: str) -> None:
    authorization = _basic("robot", "pa:ss").replace("Basic", scheme)
    assert guarded("GET", "/v2/", Authorization=authorization).status == 200
    assert guarded("POST", PUSH, DATA, Authorization=authorization).status == 201
    assert guarded("GET", BLOB, Authorization=authorization).body == DATA


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with token_server(users={"robot": "s3cret"}, refresh_tokens={"identity": "robot"}) as running:
        yield running


@pytest.fixture
def bearer(tokens: TokenServer) -> Iterator[Client]:
    with start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry, Client(registry.host) as client:
        yield client


def _token(tokens: TokenServer, scope: str, authorization: str = "") -> str:
    request = Request(f"{tokens.realm}?service=local-registry&scope={scope}")
    if authorization:
        request.add_header("Authorization", authorization)
    with urlopen(request, timeout=10) as response:
        return str(json.load(response)["token"])


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", None),
        ("HEAD", BLOB, "repository:a/b:pull"),
        ("GET", "/v2/a/b/tags/list", "repository:a/b:pull"),
        ("POST", PUSH, "repository:a/b:pull,push"),
        ("GET", "/v2/a/b/blobs/uploads/x", "repository:a/b:pull,push"),
        ("PUT", "/v2/a/b/manifests/v1", "repository:a/b:pull,push"),
        ("DELETE", "/v2/a/b/manifests/v1", "repository:a/b:delete"),
    ],
)
def test_the_challenge_names_realm_service_and_scope(
    bearer: Client, tokens: TokenServer, method: str, path: str, scope: str | None
) -> None:
    reply = bearer(method, path, None if method in ("GET", "HEAD") else DATA)
    expected = f'Bearer realm="{tokens.realm}",service="local-registry"' + (f',scope="{scope}"' if scope else "")
    assert (reply.status, reply.headers["www-authenticate"]) == (401, expected)


def test_a_token_allows_what_it_was_asked_for(bearer: Client, tokens: TokenServer) -> None:
    both = "Bearer " + _token(tokens, "repository:a/b:pull,push", _basic("robot", "s3cret"))
    assert bearer("POST", PUSH, DATA, Authorization=both).status == 201
    pull = "Bearer " + _token(tokens, "repository:a/b:pull,push")
    assert bearer("GET", BLOB, Authorization=pull).body == DATA
    reply = bearer("POST", PUSH, DATA, Authorization=pull)
    assert reply.status == 401
    assert reply.headers["www-authenticate"].endswith(',error="insufficient_scope"')
    assert bearer("GET", BLOB.replace("a/b", "c/d"), Authorization=pull).status == 401
    assert [request.user for request in tokens.requests] == ["robot", ""]


def test_a_mount_needs_the_right_to_read_its_source(bearer: Client, tokens: TokenServer) -> None:
    robot = _basic("robot", "s3cret")
    assert bearer("POST", PUSH, DATA, Authorization="Bearer " + _token(tokens, "repository:a/b:push", robot)).status == 201
    mount = f"/v2/c/d/blobs/uploads/?mount={digest_of(DATA)}&from=a/b"
    target_only = "Bearer " + _token(tokens, "repository:c/d:pull,push", robot)
    assert bearer("POST", mount, Authorization=target_only).headers["www-authenticate"].count("repository:a/b:pull") == 1
    both = "Bearer " + _token(tokens, "repository:c/d:pull,push&scope=repository:a/b:pull", robot)
    assert bearer("POST", mount, Authorization=both).status == 201


def test_a_token_that_is_unknown_or_revoked(bearer: Client, tokens: TokenServer) -> None:
    token = "Bearer " + _token(tokens, "repository:a/b:pull", _basic("robot", "s3cret"))
    assert bearer("HEAD", BLOB, Authorization=token).status == 404
    tokens.revoke()
    for authorization in (token, "Bearer guess", _basic("robot", "s3cret")):
        assert bearer("HEAD", BLOB, Authorization=authorization).headers["www-authenticate"].endswith(',error="invalid_token"')


def test_no_secret_is_remembered() -> None:
    auth = Basic(user="robot", password="pa:ss")
    with start(auth=auth) as registry, Client(registry.host) as client:
        authorization = _basic("robot", "pa:ss")
        assert client("GET", "/v2/a/tags/list?n=1&token=s3cret", Authorization=authorization).status == 404
        remembered = repr(registry.requests) + str(registry.requests[0]) + repr(auth) + repr(registry.behaviour)
    assert registry.requests[0].headers["authorization"] == authorization
    assert dict(registry.requests[0].query) == {"n": "1"}
    for secret in ("pa:ss", "s3cret", authorization.removeprefix("Basic ")):
        assert secret not in remembered


def test_records_tell_what_happened(registry: RunningRegistry, client: Client) -> None:
    client("POST", PUSH, DATA, Content_Type="application/octet-stream")
    client("GET", BLOB, Range="bytes=2-4")
    client("HEAD", BLOB)
    push, ranged, head = registry.requests
    assert (push.method, push.path, push.status, push.received, push.sent) == ("POST", "/v2/a/b/blobs/uploads/", 201, 10, 0)
    assert (push.headers["content-type"], push.headers["content-length"]) == ("application/octet-stream", "10")
    assert "authorization" not in push.headers
    assert (ranged.status, ranged.headers["range"], ranged.sent) == (206, "bytes=2-4", 3)
    assert (str(ranged), str(head)) == (f"GET {BLOB} 206 0 3", f"HEAD {BLOB} 200 0 0")


def test_a_line_of_the_log_is_one_line(registry: RunningRegistry, client: Client) -> None:
    client("GET", "/v2/a/tags/list?last=x%0d%0aGET%20/forged")
    with socket.create_connection(("127.0.0.1", registry.port), timeout=10) as connection:
        connection.sendall(b"GET /v2/\x1b[31m/\xe9%0a HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 404 ")
    lines = [str(record) for record in registry.requests]
    assert lines[0].startswith("GET /v2/a/tags/list?last=x%0D%0AGET+/forged 404 ")
    assert all(line.isascii() and line.isprintable() for line in lines)


@pytest.mark.parametrize("host", ["localhost:5000", "LOCALHOST", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"])
def test_a_host_of_this_machine_is_answered(client: Client, host: str) -> None:
    assert client("GET", "/v2/", Host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0:5000", "[::]", ""]
)
def test_a_name_that_was_made_to_lead_here_is_refused(registry: RunningRegistry, client: Client, host: str) -> None:
    response = client("PUT", "/v2/a/manifests/v1", b"{}", Host=host)
    assert (response.status, response.code) == (403, "DENIED")
    assert list(registry.state.rglob("index.json")) == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:5000"])
def test_a_web_site_is_refused(client: Client, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        with Client(f"{client.connection.host}:{client.connection.port}") as other:
            assert other(method, "/v2/a/blobs/uploads/", Origin=origin).status == 403
