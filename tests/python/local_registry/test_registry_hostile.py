"""What no client should send: the registry refuses, stores nothing, and goes on."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from instruments.effects import FixedBody
from instruments.registry import RunningRegistry, start
from local_registry.client import Client, digest_of, image, talk
from wasm_oci.local_registry.messages import Body, ServedRequest
from wasm_oci.local_registry.registry import Behaviour, Registry
from wasm_oci.local_registry.routes import respond

DATA = b"0123456789"
DIGEST = digest_of(DATA)


def _raw(registry: RunningRegistry, sent: bytes, *, end: bool = True) -> bytes:
    """Sends bytes, and the end of sending; returns all that comes back."""
    with socket.create_connection(("127.0.0.1", registry.port), timeout=10) as connection:
        return talk(connection, sent, end=end)


@pytest.mark.parametrize("sent", [b"", b"more"])
def test_the_response_of_a_server_that_closes_first_is_read(sent: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname(), timeout=10) as connection:
        connection.sendall(b"a request")
        served, _ = listener.accept()
        with served:
            select.select([served], [], [], 10)
            served.sendall(b"the response")  # the request is never read, so that the end of this connection is a reset
        reset = select.poll()
        reset.register(connection, 0)
        assert reset.poll(10_000)
        assert talk(connection, sent) == b"the response"


def _status(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "a/./b",
        "%2e%2e",
        "%2e%2e%2fx",
        "a%2Fb",
        "a%2f..%2f..%2fx",
        "a//b",
        "/etc",
        "a/",
        "/a",
        "A/b",
        "a\\b",
        "a:b",
        "_incoming",
        "_lock",
        "a_",
        "-a",
        "a..b",
        "a%00",
        "a%0d%0ab",
        "c:",
        "a b",
        "a" * 256,
        "%C3%A9",
    ],
)
def test_no_name_leads_out_of_the_state(tmp_path: Path, name: str) -> None:
    with start(tmp_path / "outer" / "state") as registry, Client(registry.host) as client:
        client.push_image("a", "v1")
        before = _files(tmp_path)
        _try_everything(registry, name)
        assert _files(tmp_path) == before
        assert client("GET", "/v2/_catalog").document == {"repositories": ["a"]}


def _try_everything(registry: RunningRegistry, name: str) -> None:
    requests = [
        f"POST /v2/{name}/blobs/uploads/?digest={DIGEST}",
        f"PUT /v2/{name}/manifests/v1",
        f"GET /v2/{name}/blobs/{DIGEST}",
        f"DELETE /v2/{name}/blobs/{DIGEST}",
        f"GET /v2/{name}/tags/list",
        f"GET /v2/{name}/referrers/{DIGEST}",
    ]
    for request in requests:
        line = request.encode("latin-1")
        status = _status(_raw(registry, line + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n" + DATA))
        assert status in (400, 404), request


@pytest.fixture
def secret(registry: RunningRegistry) -> Path:
    """A file beside the blobs that no request may reach."""
    with Client(registry.host) as client:
        client.push_image("a", "v1")
    return registry.state / "a" / "index.json"


@pytest.mark.parametrize("reference", ["..%2f..%2findex.json", "%2e%2e", "sha256:..%2f..%2findex.json", "sha256%3A%2e%2e", "index.json"])
@pytest.mark.parametrize("kind", ["blobs", "manifests", "blobs/uploads", "referrers"])
def test_no_reference_leads_out_of_the_blobs(registry: RunningRegistry, secret: Path, kind: str, reference: str) -> None:
    for method in ("GET", "DELETE"):
        response = _raw(registry, f"{method} /v2/a/{kind}/{reference} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert _status(response) in (400, 404, 405)
        assert b"schemaVersion" not in response
    assert secret.is_file()


PUSH = f"POST /v2/a/b/blobs/uploads/?digest={DIGEST} HTTP/1.1\r\nHost: localhost\r\n".encode()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v2/ HTTP/1.1 more words\r\n\r\n",
        b"GET /v2/ HTTP/9.9\r\n\r\n",
        b"GET /v2/ HTTP/x\r\n\r\n",
        b"GET /v2/" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n",
        b"BREW /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://example.com/v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v2/?" + b"a=1&" * 100 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        PUSH + b"Content-Length: -10\r\n\r\n" + DATA,
        PUSH + b"Content-Length: ten\r\n\r\n" + DATA,
        PUSH + b"Content-Length: +10\r\n\r\n" + DATA,
        PUSH + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + DATA,
        PUSH + b"Content-Length: 10\r\nContent-Length: 11\r\n\r\n" + DATA,
        PUSH + b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" + DATA + b"\r\n0\r\n\r\n",
        PUSH + b"Transfer-Encoding: gzip\r\n\r\n" + DATA,
        PUSH + b"Content-Length: 5000000000\r\n\r\n" + DATA,
    ],
)
def test_what_is_no_request_is_refused(registry: RunningRegistry, client: Client, sent: bytes) -> None:
    assert 400 <= _status(_raw(registry, sent)) < 600
    assert client("GET", "/v2/").status == 200
    assert client("HEAD", f"/v2/a/b/blobs/{DIGEST}").status == 404


@pytest.mark.parametrize("host", ["registry.localhost", "a.b.LOCALHOST:5000", "localhost.", "[::1]:80", "127.9.9.9"])
def test_names_of_this_machine_are_served(registry: RunningRegistry, host: str) -> None:
    assert _status(_raw(registry, f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())) == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.example", "notlocalhost", "a.localhost@evil.example", "10.0.0.1", "", "."])
def test_names_that_may_lead_elsewhere_are_refused(registry: RunningRegistry, host: str) -> None:
    assert _status(_raw(registry, f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())) == 403


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 10\r\n\r\n" + DATA[:5],
        b"Content-Length: 10\r\n\r\n",
        b"Content-Length: 10\r\n",
        b"Transfer-Encoding: chunked\r\n\r\na\r\n" + DATA[:5],
        b"Transfer-Encoding: chunked\r\n\r\na\r\n" + DATA + b"\r\n",
        b"Transfer-Encoding: chunked\r\n\r\na\r\n" + DATA + b"no end of the chunk",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 16 + b"\r\n" + DATA,
        b"Transfer-Encoding: chunked\r\n\r\nten\r\n" + DATA,
        b"Transfer-Encoding: chunked\r\n\r\n-a\r\n" + DATA,
        b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 10_000,
        b"Transfer-Encoding: chunked\r\n\r\na\r\n" + DATA + b"\r\n0\r\n" + b"X: y\r\n" * 200,
    ],
)
def test_content_that_does_not_come_to_its_end_is_not_stored(registry: RunningRegistry, client: Client, rest: bytes) -> None:
    assert b" 201 " not in _raw(registry, PUSH + rest)
    assert client("HEAD", f"/v2/a/b/blobs/{DIGEST}").status == 404
    assert list((registry.state / "_incoming").iterdir()) == []


def test_trailers_of_chunked_content_are_passed_over(registry: RunningRegistry) -> None:
    response = _raw(registry, PUSH + b"Transfer-Encoding: chunked\r\n\r\na;name=value\r\n" + DATA + b"\r\n0\r\nX: y\r\n\r\n")
    assert _status(response) == 201


def test_half_a_chunk_leaves_the_upload_as_it_was(registry: RunningRegistry, client: Client) -> None:
    location = client("POST", "/v2/a/b/blobs/uploads/").headers["location"]
    location = client("PATCH", location, DATA[:4]).headers["location"]
    _raw(registry, f"PATCH {location} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n".encode() + DATA[4:7])
    assert client("GET", location).headers["range"] == "0-3"
    assert client("PUT", f"{location}&digest={DIGEST}", DATA[4:]).status == 201
    assert client("GET", f"/v2/a/b/blobs/{DIGEST}").body == DATA


def test_of_two_writers_of_one_upload_the_second_is_refused(tmp_path: Path) -> None:
    registry = Registry(tmp_path, Behaviour())
    statuses = []

    def patch(body: Body) -> int:
        return respond(registry, ServedRequest(method="PATCH", path=path, query={}, headers={}, body=body)).status

    class Interrupted(FixedBody):
        def pieces(self) -> Iterator[bytes]:
            statuses.append(patch(FixedBody(b"second")))
            return iter([self.data])

    opened = respond(registry, ServedRequest(method="POST", path="/v2/a/b/blobs/uploads/", query={}, headers={}, body=FixedBody(b"")))
    path = opened.headers["Location"].partition("?")[0]
    assert (patch(Interrupted(b"first")), statuses) == (202, [409])
    assert (patch(FixedBody(b"third")), registry.uploads.find("a/b", path.rpartition("/")[2]).size) == (202, len("firstthird"))


def test_a_silent_client_is_sent_away() -> None:
    with start(read_timeout=0.2) as registry:
        assert _raw(registry, b"GET /v2/ HT", end=False) == b""
        assert _raw(registry, PUSH + b"Content-Length: 10\r\n\r\n" + DATA[:5], end=False) == b""
        with Client(registry.host) as client:
            assert client("HEAD", f"/v2/a/b/blobs/{DIGEST}").status == 404


def test_a_client_that_resets_its_connection(registry: RunningRegistry, client: Client) -> None:
    digest = client.push_blob("a/b", bytes(8 * 1024 * 1024))
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", registry.port), timeout=10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(f"GET /v2/a/b/blobs/{digest} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()
    assert client("HEAD", f"/v2/a/b/blobs/{digest}").status == 200


def test_a_refused_request_leaves_the_connection_usable(client: Client) -> None:
    assert client("PUT", "/v2/UPPER/manifests/v1", bytes(1024 * 1024)).status == 404
    assert client("POST", "/v2/a/b/manifests/v1", iter([DATA, DATA])).status == 405
    assert client("GET", "/v2/").status == 200
    assert client.connection.sock is not None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/search", 404),
        ("GET", "/v2/a/b", 404),
        ("GET", "/v2/a/b/unknown/x", 404),
        ("POST", "/v2/", 405),
        ("PUT", "/v2/a/b/tags/list", 405),
        ("GET", "/v2/a/b/blobs/uploads/", 405),
        ("OPTIONS", "/v2/a/b/manifests/v1", 405),
        ("DELETE", "/v2/_catalog", 405),
        ("PATCH", "/v2/a/b/manifests/v1", 405),
    ],
)
def test_paths_and_methods_that_are_none(client: Client, method: str, path: str, status: int) -> None:
    reply = client(method, path)
    assert (reply.status, reply.code) == (status, "UNSUPPORTED")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"manifests": [5]}', b"\xff"])
def test_a_broken_index_is_an_answer_and_not_overwritten(registry: RunningRegistry, client: Client, content: bytes) -> None:
    client.push_image("a", "v1")
    index = registry.state / "a" / "index.json"
    index.write_bytes(content)
    assert client("GET", "/v2/a/tags/list").status == 500
    assert client.put_manifest("a", "v2", image(b"{}")).status == 500
    assert index.read_bytes() == content
    assert client("GET", "/v2/").status == 200


def test_a_storage_that_fails_is_an_answer(registry: RunningRegistry, client: Client) -> None:
    (registry.state / "_incoming").rmdir()
    reply = client("POST", "/v2/a/b/blobs/uploads/")
    assert (reply.status, reply.code) == (500, "UNKNOWN")
    assert str(registry.state) not in reply.body.decode()


def test_the_end_of_the_registry_ends_its_connections() -> None:
    def idle() -> Iterator[Client]:
        with start() as registry:
            yield Client(registry.host)

    generator = idle()
    with next(generator) as client:
        assert client("GET", "/v2/").status == 200
        finished = threading.Thread(target=lambda: list(generator))
        finished.start()
        finished.join(timeout=5)
        assert not finished.is_alive()
        with pytest.raises(ConnectionError):
            client("GET", "/v2/")
