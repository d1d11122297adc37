"""Each fault does what it says, to the requests that it says, and to no other."""

from __future__ import annotations

import http.client
import json
import time

import pytest

from instruments.effects import (
    Corrupt,
    Effect,
    Half,
    Hangup,
    Headers,
    Pretend,
    Redirect,
    Reply,
    Rewrite,
    Stall,
    Status,
    wrong_digest,
)
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from local_registry.client import MANIFEST, Client, digest_of, image

DATA = bytes(range(200)) * 1000
DIGEST = digest_of(DATA)
BLOB = f"/v2/a/b/blobs/{DIGEST}"


@pytest.fixture(autouse=True)
def pushed(client: Client) -> None:
    client.push_blob("a/b", DATA)
    client.push_image("a/b", "v1")


def _inject(registry: RunningRegistry, effect: Effect, *, method: str = "*", path: str = "", nth: int = 1, times: int | None = 1) -> Fault:
    return registry.faults.add(Fault(effect=effect, method=method, path=path, nth=nth, times=times))


@pytest.mark.parametrize(
    ("nth", "times", "expected"),
    [
        (1, 1, [503, 200, 200, 200]),
        (2, 1, [200, 503, 200, 200]),
        (2, 2, [200, 503, 503, 200]),
        (1, None, [503, 503, 503, 503]),
        (3, None, [200, 200, 503, 503]),
    ],
)
def test_which_of_the_requests_are_hit(client: Client, registry: RunningRegistry, nth: int, times: int | None, expected: list[int]) -> None:
    fault = _inject(registry, Reply(status=503), method="GET", path=r"/manifests/v1$", nth=nth, times=times)
    statuses = []
    for _ in expected:
        assert client("HEAD", "/v2/a/b/manifests/v1").status == 200
        assert client("GET", "/v2/a/b/manifests/v10").status == 404
        statuses.append(client("GET", "/v2/a/b/manifests/v1").status)
    assert (statuses, fault.seen, fault.hits) == (expected, len(expected), expected.count(503))


def test_several_methods_and_rules(client: Client, registry: RunningRegistry) -> None:
    first = _inject(registry, Reply(status=501), method="GET|HEAD", times=1)
    second = _inject(registry, Reply(status=502), times=None)
    assert [client(method, BLOB).status for method in ("DELETE", "HEAD", "GET")] == [502, 501, 502]
    assert (first.hits, second.hits) == (1, 2)
    registry.faults.clear()
    assert client("GET", BLOB).body == DATA


def test_a_reply_keeps_the_request_from_the_registry(client: Client, registry: RunningRegistry) -> None:
    html = Reply(status=500, headers={"Content-Type": "text/html"}, body=b"<html>oops</html>")
    _inject(registry, html, method="PUT")
    response = client.put_manifest("a/b", "v2", image())
    assert (response.status, response.headers["content-type"], response.body) == (500, "text/html", b"<html>oops</html>")
    assert client("HEAD", "/v2/a/b/manifests/v2").status == 404


@pytest.mark.parametrize(
    ("status", "headers"),
    [(401, {"WWW-Authenticate": 'Bearer realm="x"'}), (403, {}), (404, {}), (429, {"Retry-After": "7"}), (503, {"Retry-After": "1"})],
)
def test_replies_of_every_status(client: Client, registry: RunningRegistry, status: int, headers: dict[str, str]) -> None:
    _inject(registry, Reply(status=status, headers=headers))
    response = client("GET", BLOB)
    assert response.status == status
    for name, value in headers.items():
        assert response.headers[name.lower()] == value


def test_redirect(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Redirect(url="http://storage.example{path}?sig=1"), method="GET", path="/blobs/")
    response = client("GET", BLOB)
    assert (response.status, response.headers["location"]) == (307, f"http://storage.example{BLOB}?sig=1")


def test_a_hangup_before_the_request(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Hangup(), method="PUT")
    with pytest.raises(http.client.RemoteDisconnected):
        client.put_manifest("a/b", "v2", image())
    assert registry.requests[-1].status == 0
    with Client(registry.host) as again:
        assert again("HEAD", "/v2/a/b/manifests/v2").status == 404


def test_a_hangup_after_the_request_was_carried_out(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Hangup(stored=True), method="PUT")
    with pytest.raises(http.client.RemoteDisconnected):
        client.put_manifest("a/b", "v2", image())
    with Client(registry.host) as again:
        assert again("HEAD", "/v2/a/b/manifests/v2").status == 200


def test_a_stall_outlasts_the_client(registry: RunningRegistry) -> None:
    _inject(registry, Stall(seconds=60))
    with Client(registry.host, timeout=0.1) as client, pytest.raises(TimeoutError):
        client("GET", BLOB)


def test_a_stall_ends_by_itself_without_an_answer(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Stall(seconds=0.05))
    with pytest.raises(http.client.RemoteDisconnected):
        client("GET", BLOB)


def test_a_stall_does_not_hold_up_the_end_of_the_registry() -> None:
    begin = time.monotonic()
    with start() as registry:
        registry.faults.add(Fault(effect=Stall(seconds=60)))
        with Client(registry.host, timeout=0.1) as client, pytest.raises(TimeoutError):
            client("GET", BLOB)
    assert time.monotonic() - begin < 30


def test_a_pretended_push_stores_nothing(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Pretend(), times=None)
    blob = b"new blob"
    location = client("POST", "/v2/a/b/blobs/uploads/").headers["location"]
    patched = client("PATCH", location, blob)
    assert patched.status == 202
    done = client("PUT", f"{patched.headers['location']}?digest={digest_of(blob)}")
    assert (done.status, done.headers["docker-content-digest"]) == (201, digest_of(blob))
    data = json.dumps(image()).encode()
    put = client("PUT", "/v2/a/b/manifests/v2", data, Content_Type=MANIFEST)
    assert (put.status, put.headers["docker-content-digest"]) == (201, digest_of(data))
    assert client("DELETE", BLOB).status == 202
    registry.faults.clear()
    assert client("HEAD", f"/v2/a/b/blobs/{digest_of(blob)}").status == 404
    assert client("HEAD", "/v2/a/b/manifests/v2").status == 404
    assert client("HEAD", BLOB).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_wrong_digest_header(client: Client, registry: RunningRegistry, method: str) -> None:
    _inject(registry, wrong_digest())
    response = client(method, BLOB)
    assert response.status == 200
    assert response.headers["docker-content-digest"] not in (DIGEST, "")


def test_a_missing_header(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Headers(changes={"docker-content-digest": None, "Extra": "1"}))
    response = client("GET", BLOB)
    assert "docker-content-digest" not in response.headers
    assert (response.headers["extra"], response.body) == ("1", DATA)


def test_another_status_for_what_was_carried_out(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Status(status=202), method="PUT")
    assert client.put_manifest("a/b", "v2", image()).status == 202
    assert client("HEAD", "/v2/a/b/manifests/v2").status == 200


@pytest.mark.parametrize("path", [BLOB, "/v2/a/b/manifests/v1"])
@pytest.mark.parametrize("position", [0, 5, -1])
def test_a_corrupted_body(client: Client, registry: RunningRegistry, path: str, position: int) -> None:
    before = client("GET", path).body
    _inject(registry, Corrupt(position=position))
    after = client("GET", path).body
    assert len(after) == len(before)
    assert [index for index in range(len(before)) if before[index] != after[index]] == [position % len(before)]
    assert client("GET", path).body == before


@pytest.mark.parametrize("path", [BLOB, "/v2/a/b/manifests/v1"])
def test_half_a_body(client: Client, registry: RunningRegistry, path: str) -> None:
    size = int(client("HEAD", path).headers["content-length"])
    _inject(registry, Half(), method="GET")
    with pytest.raises(http.client.IncompleteRead) as caught:
        client("GET", path)
    assert (len(caught.value.partial), caught.value.expected) == (size // 2, size - size // 2)


def test_a_rewritten_manifest_on_its_way_in(client: Client, registry: RunningRegistry) -> None:
    _inject(registry, Rewrite(change=lambda data: data.replace(b" ", b"")), method="PUT")
    data = json.dumps(image()).encode()
    put = client("PUT", "/v2/a/b/manifests/v2", data, Content_Type=MANIFEST)
    assert put.status == 201
    assert put.headers["docker-content-digest"] == digest_of(data.replace(b" ", b"")) != digest_of(data)
    assert client("GET", "/v2/a/b/manifests/v2").body == data.replace(b" ", b"")


def test_a_rewritten_manifest_on_its_way_out(client: Client, registry: RunningRegistry) -> None:
    before = client("GET", "/v2/a/b/manifests/v1")
    _inject(registry, Rewrite(change=lambda data: data + b"\n"), method="GET")
    after = client("GET", "/v2/a/b/manifests/v1")
    assert after.body == before.body + b"\n"
    assert after.headers["docker-content-digest"] == before.headers["docker-content-digest"]
