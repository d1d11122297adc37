"""Blobs: each way of pushing, pulling and deleting (distribution specification 1.1)."""

from __future__ import annotations

import http.client
import os
import random
from dataclasses import dataclass

import pytest

from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from local_registry.client import Client, digest_of
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder

DATA = random.Random(1).randbytes(3 * 1024 * 1024 + 17)
DIGEST = digest_of(DATA)
NONE = digest_of(b"never pushed")


def _open(client: Client, name: str = "a/b") -> str:
    reply = client("POST", f"/v2/{name}/blobs/uploads/")
    assert (reply.status, reply.headers["range"], reply.headers["content-length"]) == (202, "0-0", "0")
    return reply.headers["location"]


def _stored(client: Client, digest: str = DIGEST, name: str = "a/b") -> bytes:
    return client("GET", f"/v2/{name}/blobs/{digest}").body


def test_the_base_path_tells_the_version(client: Client) -> None:
    reply = client("GET", "/v2/")
    assert (reply.status, reply.headers["docker-distribution-api-version"]) == (200, "registry/2.0")


def test_exists(client: Client) -> None:
    client.push_blob("a/b", DATA)
    there = client("HEAD", f"/v2/a/b/blobs/{DIGEST}")
    assert (there.status, there.headers["content-length"], there.headers["docker-content-digest"]) == (200, str(len(DATA)), DIGEST)
    missing = client("HEAD", f"/v2/a/b/blobs/{NONE}")
    assert (missing.status, missing.body) == (404, b"")


@pytest.mark.parametrize("colon", [":", "%3A"])
def test_monolithic_push_after_an_opened_upload(client: Client, colon: str) -> None:
    location = _open(client)
    reply = client("PUT", f"{location}&digest={DIGEST.replace(':', colon)}", DATA, Content_Type="application/octet-stream")
    assert (reply.status, reply.headers["docker-content-digest"]) == (201, DIGEST)
    assert client("GET", reply.headers["location"]).body == DATA


def test_push_in_one_post(client: Client) -> None:
    reply = client("POST", f"/v2/a/b/blobs/uploads/?digest={DIGEST}", DATA)
    assert (reply.status, reply.headers["location"]) == (201, f"/v2/a/b/blobs/{DIGEST}")
    assert _stored(client) == DATA


def test_one_post_with_another_digest_stores_nothing(client: Client, registry: RunningRegistry) -> None:
    reply = client("POST", f"/v2/a/b/blobs/uploads/?digest={NONE}", DATA)
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert client("HEAD", f"/v2/a/b/blobs/{NONE}").status == 404
    assert list((registry.state / "_incoming").iterdir()) == []


@pytest.mark.parametrize("framing", ["Content-Range", "none", "Transfer-Encoding"])
def test_push_in_chunks(client: Client, framing: str) -> None:
    location = _open(client)
    for start_at in range(0, len(DATA), 1024 * 1024):
        piece = DATA[start_at : start_at + 1024 * 1024]
        end = start_at + len(piece) - 1
        headers = {"Content_Range": f"{start_at}-{end}"} if framing == "Content-Range" else {}
        reply = client("PATCH", location, iter([piece]) if framing == "Transfer-Encoding" else piece, **headers)
        assert (reply.status, reply.headers["range"]) == (202, f"0-{end}")
        assert reply.headers["location"] != location
        location = reply.headers["location"]
    assert client("PUT", f"{location}&digest={DIGEST}").status == 201
    assert _stored(client) == DATA


def test_the_last_chunk_may_come_with_the_end(client: Client) -> None:
    location = client("PATCH", _open(client), DATA[:1000], Content_Range="0-999").headers["location"]
    last = client("PUT", f"{location}&digest={DIGEST}", DATA[1000:], Content_Range=f"1000-{len(DATA) - 1}")
    assert last.status == 201
    assert _stored(client) == DATA


def test_upload_status(client: Client) -> None:
    location = _open(client)
    empty = client("GET", location)
    assert (empty.status, empty.headers["range"], empty.headers["location"]) == (204, "0-0", location)
    client("PATCH", location, b"12345")
    status = client("GET", location)
    assert (status.status, status.headers["range"]) == (204, "0-4")
    done = client("PUT", f"{status.headers['location']}&digest={digest_of(b'12345')}")
    assert done.status == 201


@pytest.mark.parametrize(
    ("content_range", "status", "code"),
    [
        ("6-10", 416, "BLOB_UPLOAD_INVALID"),
        ("4-8", 416, "BLOB_UPLOAD_INVALID"),
        ("0-4", 416, "BLOB_UPLOAD_INVALID"),
        ("5-8", 400, "SIZE_INVALID"),
        ("9-5", 416, "BLOB_UPLOAD_INVALID"),
        ("5", 400, "BLOB_UPLOAD_INVALID"),
        ("five-ten", 400, "BLOB_UPLOAD_INVALID"),
        ("-5-9", 400, "BLOB_UPLOAD_INVALID"),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_chunk_out_of_order_is_refused_and_changes_nothing(
    client: Client, method: str, content_range: str, status: int, code: str
) -> None:
    location = client("PATCH", _open(client), b"12345").headers["location"]
    reply = client(method, f"{location}&digest={digest_of(b'1234567890')}", b"67890", Content_Range=content_range)
    assert (reply.status, reply.code) == (status, code)
    if status == 416:
        assert reply.headers["range"] == "0-4"
        assert reply.headers["location"] == location
    assert client("PUT", f"{location}&digest={digest_of(b'1234567890')}", b"67890", Content_Range="5-9").status == 201


def test_an_old_location_is_refused(client: Client) -> None:
    first = _open(client)
    second = client("PATCH", first, b"12345").headers["location"]
    reply = client("PATCH", first, b"12345")
    assert (reply.status, reply.headers["location"]) == (416, second)


def test_after_a_wrong_digest_the_upload_goes_on(client: Client) -> None:
    location = client("PATCH", _open(client), b"12345").headers["location"]
    wrong = client("PUT", f"{location}&digest={NONE}", b"67890")
    assert (wrong.status, wrong.code) == (400, "DIGEST_INVALID")
    assert client("PUT", f"{location}&digest={digest_of(b'1234567890')}", b"67890").status == 201


@pytest.mark.parametrize(
    "digest",
    ["", "sha256:12", "sha384:" + "a" * 96, "sha512:" + "a" * 64, "sha512:" + "a" * 128, "sha256:" + "A" * 64, "..", "sha256:%2e%2e"],
)
def test_what_is_no_digest_ends_no_upload(client: Client, digest: str) -> None:
    reply = client("PUT", f"{_open(client)}&digest={digest}", b"12345")
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


def test_cancel(client: Client, registry: RunningRegistry) -> None:
    location = _open(client)
    assert client("DELETE", location).status == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        reply = client(method, location + f"&digest={DIGEST}", None if method == "GET" else b"1")
        assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert list((registry.state / "_incoming").iterdir()) == []


def test_an_upload_belongs_to_its_repository(client: Client) -> None:
    location = _open(client, "a/b").replace("/v2/a/b/", "/v2/c/")
    assert client("PATCH", location, b"1").status == 404


def test_mount(client: Client) -> None:
    client.push_blob("from/here", DATA)
    reply = client("POST", f"/v2/to/there/blobs/uploads/?mount={DIGEST}&from=from/here")
    assert (reply.status, reply.headers["location"]) == (201, f"/v2/to/there/blobs/{DIGEST}")
    assert client("DELETE", f"/v2/from/here/blobs/{DIGEST}").status == 202
    assert _stored(client, name="to/there") == DATA


@pytest.mark.parametrize(
    "query", [f"mount={NONE}&from=from/here", f"mount={DIGEST}", f"mount={DIGEST}&from=../x", "mount=x&from=from/here"]
)
def test_where_a_mount_is_not_possible_an_upload_begins(client: Client, query: str) -> None:
    client.push_blob("from/here", DATA)
    reply = client("POST", f"/v2/to/there/blobs/uploads/?{query}")
    assert reply.status == 202
    assert client("PUT", f"{reply.headers['location']}&digest={DIGEST}", DATA).status == 201


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=5-9", 5, 9), ("bytes=7-", 7, 99), ("bytes=-3", 97, 99), ("bytes=-500", 0, 99), ("bytes=90-500", 90, 99)],
)
def test_ranges(client: Client, wanted: str, first: int, last: int) -> None:
    data = DATA[:100]
    reply = client("GET", f"/v2/a/b/blobs/{client.push_blob('a/b', data)}", Range=wanted)
    assert (reply.status, reply.headers["content-range"]) == (206, f"bytes {first}-{last}/100")
    assert reply.body == data[first : last + 1]


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=500-600", "bytes=-0"])
def test_a_range_outside_the_blob(client: Client, wanted: str) -> None:
    reply = client("GET", f"/v2/a/b/blobs/{client.push_blob('a/b', DATA[:100])}", Range=wanted)
    assert (reply.status, reply.headers["content-range"]) == (416, "bytes */100")


@pytest.mark.parametrize("wanted", ["bytes=-", "bytes=9-5", "bytes=1-2,4-5", "lines=1-2", "bytes=x-"])
def test_a_range_that_is_none_is_passed_over(client: Client, wanted: str) -> None:
    reply = client("GET", f"/v2/a/b/blobs/{client.push_blob('a/b', DATA[:100])}", Range=wanted)
    assert (reply.status, reply.body) == (200, DATA[:100])


def test_delete(client: Client) -> None:
    client.push_blob("a/b", DATA)
    assert client("DELETE", f"/v2/a/b/blobs/{DIGEST}").status == 202
    for method in ("GET", "DELETE"):
        reply = client(method, f"/v2/a/b/blobs/{DIGEST}")
        assert (reply.status, reply.code) == (404, "BLOB_UNKNOWN")


def test_the_empty_blob(client: Client) -> None:
    client.push_blob("a/b", b"")
    reply = client("GET", f"/v2/a/b/blobs/{digest_of(b'')}")
    assert (reply.status, reply.headers["content-length"], reply.body) == (200, "0", b"")


def test_a_blob_above_the_limit_is_refused_and_leaves_nothing() -> None:
    with start(max_blob=1000) as registry, Client(registry.host) as client:
        data = DATA[:1001]
        for body in (data, iter([data[:600], data[600:]])):
            reply = client("PUT", f"{_open(client)}&digest={digest_of(data)}", body)
            assert (reply.status, reply.code) == (413, "SIZE_INVALID")
        location = client("PATCH", _open(client), DATA[:600]).headers["location"]
        assert client("PATCH", location, DATA[:401]).status == 413
        assert client("PUT", f"{location}&digest={digest_of(DATA[:600])}").status == 201
        assert client("HEAD", f"/v2/a/b/blobs/{digest_of(data)}").status == 404


def test_of_too_many_uploads_the_first_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasm_oci.local_registry.uploads.MAX_UPLOADS", 2)
    first, second, third = (_open(client) for _ in range(3))
    assert client("PATCH", first, b"1").status == 404
    assert [client("PATCH", location, b"1").status for location in (second, third)] == [202, 202]


def test_a_blob_that_becomes_shorter_ends_the_connection(client: Client, registry: RunningRegistry) -> None:
    """Else the client would wait for the rest until it times out."""
    digest = client.push_blob("a/b", DATA)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Cut:
        def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
            response = carry(request)
            assert response.file
            os.truncate(response.file, 1_000_000)
            return response

    registry.faults.add(Fault(method="GET", effect=Cut()))
    with pytest.raises(http.client.IncompleteRead) as caught:
        client("GET", f"/v2/a/b/blobs/{digest}")
    assert len(caught.value.partial) == 1_000_000
