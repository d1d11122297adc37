"""Manifests, indexes and tags: what is accepted, given back and deleted (distribution specification 1.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instruments.registry import RunningRegistry, start
from local_registry.client import INDEX, MANIFEST, Client, descriptor, digest_of, image, subject

NONE = digest_of(b"never pushed")
CONFIG, LAYER = b"{}", b"\0asm"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(autouse=True)
def blobs(client: Client) -> None:
    for data in (CONFIG, LAYER):
        client.push_blob("a/b", data)


@pytest.mark.parametrize("accept", ["", "*/*", MANIFEST, "text/html"])
def test_put_and_get_by_tag_and_digest(client: Client, accept: str) -> None:
    data = json.dumps(image(CONFIG, [LAYER]), indent=1).encode()
    put = client("PUT", "/v2/a/b/manifests/v1", data, Content_Type=MANIFEST)
    digest = digest_of(data)
    assert (put.status, put.headers["docker-content-digest"]) == (201, digest)
    assert put.headers["location"] == f"/v2/a/b/manifests/{digest}"
    assert "oci-subject" not in put.headers
    for reference in ("v1", digest, digest.replace(":", "%3A")):
        for method in ("GET", "HEAD"):
            got = client(method, f"/v2/a/b/manifests/{reference}", Accept=accept)
            assert (got.status, got.headers["content-type"], got.headers["docker-content-digest"]) == (200, MANIFEST, digest)
            assert got.headers["content-length"] == str(len(data))
            assert got.body == (data if method == "GET" else b"")


def test_put_by_digest_makes_no_tag(client: Client) -> None:
    data = json.dumps(image(CONFIG)).encode()
    assert client("PUT", f"/v2/a/b/manifests/{digest_of(data)}", data, Content_Type=MANIFEST).status == 201
    assert client("GET", f"/v2/a/b/manifests/{digest_of(data)}").body == data
    assert client("GET", "/v2/a/b/tags/list").document == {"name": "a/b", "tags": []}


def test_a_docker_manifest_is_taken(client: Client) -> None:
    assert client.put_manifest("a/b", "v1", {**image(CONFIG), "mediaType": DOCKER}, DOCKER).status == 201
    assert client("HEAD", "/v2/a/b/manifests/v1").headers["content-type"] == DOCKER


def test_layers_elsewhere_need_not_be_there(client: Client) -> None:
    layer = {**descriptor(b"elsewhere", "application/x"), "urls": ["http://192.0.2.1/x"]}
    assert client.put_manifest("a/b", "v1", {**image(CONFIG), "layers": [layer]}).status == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"config": {"mediaType": "a/b", "digest": NONE, "size": 2}}, "MANIFEST_BLOB_UNKNOWN"),
        ({"layers": [descriptor(LAYER, "a/b"), descriptor(b"never pushed", "a/b")]}, "MANIFEST_BLOB_UNKNOWN"),
        ({"layers": [{**descriptor(LAYER, "a/b"), "size": 5}]}, "MANIFEST_INVALID"),
        ({"layers": [{**descriptor(LAYER, "a/b"), "size": "4"}]}, "MANIFEST_INVALID"),
        ({"layers": [{**descriptor(LAYER, "a/b"), "size": True}]}, "MANIFEST_INVALID"),
        ({"layers": [{**descriptor(LAYER, "a/b"), "digest": "sha256:../../etc/passwd"}]}, "MANIFEST_INVALID"),
        ({"layers": [{**descriptor(LAYER, "a/b"), "digest": None}]}, "MANIFEST_INVALID"),
        ({"layers": [{"digest": digest_of(LAYER), "size": 4}]}, "MANIFEST_INVALID"),
        ({"layers": ["x"]}, "MANIFEST_INVALID"),
        ({"layers": None}, "MANIFEST_INVALID"),
        ({"config": None}, "MANIFEST_INVALID"),
        ({"schemaVersion": 1}, "MANIFEST_INVALID"),
        ({"mediaType": INDEX}, "MANIFEST_INVALID"),
        ({"mediaType": 5}, "MANIFEST_INVALID"),
        ({"manifests": []}, "MANIFEST_INVALID"),
        ({"subject": "x"}, "MANIFEST_INVALID"),
        ({"subject": {"mediaType": MANIFEST, "digest": "x", "size": 1}}, "MANIFEST_INVALID"),
        ({"annotations": {"a": 1}}, "MANIFEST_INVALID"),
        ({"annotations": []}, "MANIFEST_INVALID"),
    ],
)
def test_an_invalid_manifest_is_refused(client: Client, change: dict[str, Any], code: str) -> None:
    reply = client.put_manifest("a/b", "v1", {**image(CONFIG, [LAYER]), **change})
    assert (reply.status, reply.code) == (400, code)
    assert client("HEAD", "/v2/a/b/manifests/v1").status == 404


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_object_is_refused(client: Client, data: bytes) -> None:
    reply = client("PUT", "/v2/a/b/manifests/v1", data, Content_Type=MANIFEST)
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize("media_type", ["", "application/json", INDEX, DOCKER, "text/html"])
def test_the_content_type_must_be_that_of_the_content(client: Client, media_type: str) -> None:
    reply = client.put_manifest("a/b", "v1", image(CONFIG), media_type)
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")


def test_parameters_of_the_content_type_do_not_count(client: Client) -> None:
    assert client.put_manifest("a/b", "v1", image(CONFIG), f"{MANIFEST}; charset=utf-8").status == 201


def test_blobs_of_another_repository_do_not_count(client: Client) -> None:
    reply = client.put_manifest("c/d", "v1", image(CONFIG))
    assert (reply.status, reply.code) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_put_by_another_digest_is_refused(client: Client) -> None:
    reply = client.put_manifest("a/b", NONE, image(CONFIG))
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("tag", ["-x", ".x", "a" * 129, "a+b", "a%2Fb", "%2e%2e", "..", "v%00", "a%20b", "sha256:xyz"])
def test_an_invalid_reference_is_refused(client: Client, tag: str, registry: RunningRegistry) -> None:
    before = sorted(registry.state.rglob("*"))
    reply = client.put_manifest("a/b", tag, image(CONFIG))
    assert reply.status == 400
    assert client("GET", f"/v2/a/b/manifests/{tag}").status == 404
    assert sorted(registry.state.rglob("*")) == before


def test_an_index_and_its_children(client: Client) -> None:
    child = json.dumps(image(CONFIG)).encode()
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(child)]}
    early = client.put_manifest("a/b", "multi", index, INDEX)
    assert (early.status, early.code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert client("PUT", f"/v2/a/b/manifests/{digest_of(child)}", child, Content_Type=MANIFEST).status == 201
    assert client.put_manifest("a/b", "multi", index, INDEX).status == 201
    assert client("GET", "/v2/a/b/manifests/multi").document == index


def test_a_blob_is_no_manifest(client: Client) -> None:
    data = json.dumps(image(CONFIG)).encode()
    client.push_blob("a/b", data)
    assert client("GET", f"/v2/a/b/manifests/{digest_of(data)}").status == 404
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(data)]}
    assert client.put_manifest("a/b", "multi", index, INDEX).status == 400


def test_a_tag_moves_and_the_old_manifest_stays(client: Client) -> None:
    old = client.push_image("a/b", "v1", artifactType="a/old")
    new = client.push_image("a/b", "v1", artifactType="a/new")
    assert client("HEAD", "/v2/a/b/manifests/v1").headers["docker-content-digest"] == new
    assert client("HEAD", f"/v2/a/b/manifests/{old}").status == 200
    assert client("GET", "/v2/a/b/tags/list").document["tags"] == ["v1"]


def test_immutable_tags(client: Client, registry: RunningRegistry) -> None:
    registry.behave(immutable_tags=True)
    digest = client.push_image("a/b", "v1")
    moved = client.put_manifest("a/b", "v1", image(CONFIG, artifactType="a/new"))
    assert (moved.status, moved.code) == (409, "DENIED")
    assert client.push_image("a/b", "v1") == digest
    for reference in ("v1", digest):
        assert client("DELETE", f"/v2/a/b/manifests/{reference}").status == 405
    assert client("HEAD", "/v2/a/b/manifests/v1").headers["docker-content-digest"] == digest


def test_delete_by_tag_keeps_the_manifest(client: Client) -> None:
    digest = client.push_image("a/b", "v1")
    assert client("DELETE", "/v2/a/b/manifests/v1").status == 202
    assert client("HEAD", "/v2/a/b/manifests/v1").status == 404
    assert client("HEAD", f"/v2/a/b/manifests/{digest}").status == 200


def test_delete_by_digest_takes_the_tags_with_it(client: Client) -> None:
    digest = client.push_image("a/b", "v1")
    client.push_image("a/b", "v2")
    other = client.push_image("a/b", "v3", artifactType="a/other")
    assert client("DELETE", f"/v2/a/b/manifests/{digest}").status == 202
    assert client("GET", "/v2/a/b/tags/list").document["tags"] == ["v3"]
    assert [client("HEAD", f"/v2/a/b/manifests/{reference}").status for reference in (digest, "v1", other)] == [404, 404, 200]


@pytest.mark.parametrize("reference", ["v1", NONE, "-invalid"])
def test_delete_what_is_not_there(client: Client, reference: str) -> None:
    reply = client("DELETE", f"/v2/a/b/manifests/{reference}")
    assert (reply.status, reply.code) == (404, "MANIFEST_UNKNOWN")


def test_a_manifest_is_not_deleted_as_a_blob(client: Client) -> None:
    digest = client.push_image("a/b", "v1")
    assert client("DELETE", f"/v2/a/b/blobs/{digest}").status == 404
    assert client("HEAD", "/v2/a/b/manifests/v1").status == 200


@pytest.mark.parametrize("exists", [True, False])
def test_the_subject_is_confirmed(client: Client, exists: bool) -> None:
    target = client.push_image("a/b", "v1") if exists else NONE
    reply = client.put_manifest("a/b", "signature", image(CONFIG, subject=subject(target)))
    assert (reply.status, reply.headers["oci-subject"]) == (201, target)


def test_without_the_referrers_api_the_subject_is_not_confirmed(client: Client, registry: RunningRegistry) -> None:
    registry.behave(referrers_api=False)
    reply = client.put_manifest("a/b", "signature", image(CONFIG, subject=subject(NONE)))
    assert reply.status == 201
    assert "oci-subject" not in reply.headers


def test_a_manifest_above_the_limit_is_refused() -> None:
    document = image(CONFIG)
    size = len(json.dumps(document))
    for limit, status in ((size, 201), (size - 1, 413)):
        with start(max_manifest=limit) as registry, Client(registry.host) as client:
            client.push_blob("a/b", CONFIG)
            assert client.put_manifest("a/b", "v1", document).status == status
