"""Tags, referrers and the catalogue (distribution specification 1.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instruments.registry import RunningRegistry
from local_registry.client import INDEX, MANIFEST, SIGNATURE, Client, Reply, digest_of, image, subject

NONE = digest_of(b"never pushed")


def _pages(client: Client, path: str, key: str) -> list[list[str]]:
    """Follows Link to the end."""
    pages = []
    while path:
        reply = client("GET", path)
        assert reply.status == 200
        pages.append([entry["digest"] if isinstance(entry, dict) else entry for entry in reply.document[key]])
        path = reply.headers.get("link", "").partition(">")[0].removeprefix("<")
    return pages


@pytest.fixture
def tags(client: Client) -> list[str]:
    for tag in ("v2", "latest", "V1", "v10", "_x"):
        client.push_image("a/b", tag)
    return ["V1", "_x", "latest", "v10", "v2"]


def test_all_tags_in_order(client: Client, tags: list[str]) -> None:
    reply = client("GET", "/v2/a/b/tags/list")
    assert (reply.headers["content-type"], reply.document) == ("application/json", {"name": "a/b", "tags": tags})
    assert "link" not in reply.headers


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_pages_of_tags(client: Client, tags: list[str], size: int) -> None:
    expected = [tags[begin : begin + size] for begin in range(0, len(tags), size)]
    assert _pages(client, f"/v2/a/b/tags/list?n={size}", "tags") == expected


@pytest.mark.parametrize(("query", "expected"), [("last=latest", ["v10", "v2"]), ("last=m", ["v10", "v2"]), ("last=v2", []), ("n=0", [])])
def test_tags_after_one(client: Client, tags: list[str], query: str, expected: list[str]) -> None:
    reply = client("GET", f"/v2/a/b/tags/list?{query}")
    assert (reply.document["tags"], reply.headers.get("link")) == (expected, None)


@pytest.mark.parametrize("number", ["-1", "x", "1.5", "%D9%A1", "9999999999"])
def test_a_number_that_is_none_is_refused(client: Client, tags: list[str], number: str) -> None:
    assert client("GET", f"/v2/a/b/tags/list?n={number}").status == 400


def test_tags_of_a_repository_that_does_not_exist(client: Client) -> None:
    reply = client("GET", "/v2/no/such/tags/list")
    assert (reply.status, reply.code) == (404, "NAME_UNKNOWN")


def test_the_catalogue(client: Client, registry: RunningRegistry) -> None:
    names = ["a", "a/b", "a/blobs/sha256", "a/index.json", "blobs", "con", "oci-layout/x"]
    for name in reversed(names):
        client.push_image(name, "v1")
    assert client("GET", "/v2/_catalog").document == {"repositories": names}
    assert _pages(client, "/v2/_catalog?n=3", "repositories") == [names[:3], names[3:6], names[6:]]
    assert not (registry.state / "con").exists()


def _refer(client: Client, target: str, **members: Any) -> Reply:
    """Pushes a referrer by its digest."""
    document = image(b"{}", subject=subject(target), **members)
    return client.put_manifest("a/b", digest_of(json.dumps(document).encode()), document)


def test_referrers(client: Client) -> None:
    target = client.push_image("a/b", "v1")
    annotated = _refer(client, target, artifactType=SIGNATURE, annotations={"k": "v"})
    plain = _refer(client, target)
    _refer(client, NONE, artifactType=SIGNATURE)
    client.push_blob("c/d", b"{}")
    assert client.put_manifest("c/d", "x", image(b"{}", subject=subject(target))).status == 201

    reply = client("GET", f"/v2/a/b/referrers/{target}")
    assert (reply.status, reply.headers["content-type"]) == (200, INDEX)
    assert "oci-filters-applied" not in reply.headers
    document = reply.document
    assert (document["schemaVersion"], document["mediaType"]) == (2, INDEX)
    entries = {entry.pop("digest"): entry for entry in document["manifests"]}
    first, second = (put.headers["docker-content-digest"] for put in (annotated, plain))
    assert entries[first] == {"mediaType": MANIFEST, "size": entries[first]["size"], "artifactType": SIGNATURE, "annotations": {"k": "v"}}
    assert entries[second]["artifactType"] == "application/x"
    assert len(entries) == 2


def test_referrers_of_one_type(client: Client) -> None:
    target = client.push_image("a/b", "v1")
    wanted = _refer(client, target, artifactType=SIGNATURE).headers["docker-content-digest"]
    _refer(client, target, artifactType="application/other")
    reply = client("GET", f"/v2/a/b/referrers/{target}?artifactType={SIGNATURE}")
    assert reply.headers["oci-filters-applied"] == "artifactType"
    assert [entry["digest"] for entry in reply.document["manifests"]] == [wanted]


def test_a_tagged_referrer_is_listed_without_its_tag(client: Client) -> None:
    target = client.push_image("a/b", "v1")
    assert client.put_manifest("a/b", "sig", image(b"{}", subject=subject(target))).status == 201
    (entry,) = client("GET", f"/v2/a/b/referrers/{target}").document["manifests"]
    assert "annotations" not in entry


def test_a_deleted_referrer_is_listed_no_more(client: Client) -> None:
    target = client.push_image("a/b", "v1")
    digest = _refer(client, target).headers["docker-content-digest"]
    assert client("DELETE", f"/v2/a/b/manifests/{digest}").status == 202
    assert client("GET", f"/v2/a/b/referrers/{target}").document["manifests"] == []


def test_pages_of_referrers(client: Client) -> None:
    target = client.push_image("a/b", "v1")
    for number in range(5):
        _refer(client, target, artifactType=SIGNATURE, annotations={"number": str(number)})
    pages = _pages(client, f"/v2/a/b/referrers/{target}?artifactType={SIGNATURE}&n=2", "manifests")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({digest for page in pages for digest in page}) == 5


@pytest.mark.parametrize("name", ["a/b", "no/such"])
def test_no_referrers_is_an_empty_list(client: Client, name: str) -> None:
    client.push_image("a/b", "v1")
    reply = client("GET", f"/v2/{name}/referrers/{NONE}")
    assert (reply.status, reply.document["manifests"]) == (200, [])


def test_referrers_of_what_is_no_digest(client: Client) -> None:
    assert client("GET", "/v2/a/b/referrers/v1").status == 400


def test_without_the_referrers_api_the_answer_is_plain_text(client: Client, registry: RunningRegistry) -> None:
    registry.behave(referrers_api=False)
    reply = client("GET", f"/v2/a/b/referrers/{NONE}")
    assert (reply.status, reply.headers["content-type"], reply.body) == (404, "text/plain; charset=utf-8", b"404 page not found\n")
