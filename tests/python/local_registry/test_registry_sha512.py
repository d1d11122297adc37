"""SHA-512 digests: stored, given back, referred to and deleted like others, each under its own name."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from instruments.registry import RunningRegistry
from local_registry.client import MANIFEST, Client, digest_of, image

DATA = b"content"


def sha512(data: bytes) -> str:
    return "sha512:" + hashlib.sha512(data).hexdigest()


BLOB = f"/v2/a/b/blobs/{sha512(DATA)}"


def _described(data: bytes, media_type: str = MANIFEST) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha512(data), "size": len(data)}


@pytest.mark.parametrize("query", ["", "?digest-algorithm=sha512", "?digest-algorithm=sha256", "?digest-algorithm=md5"])
def test_a_blob_in_chunks(client: Client, registry: RunningRegistry, query: str) -> None:
    location = client("POST", f"/v2/a/b/blobs/uploads/{query}").headers["location"]
    location = client("PATCH", location, DATA[:3]).headers["location"]
    wrong = client("PUT", f"{location}&digest={sha512(b'other')}", DATA[3:])
    assert (wrong.status, wrong.code, sha512(DATA) in wrong.document["errors"][0]["message"]) == (400, "DIGEST_INVALID", True)
    made = client("PUT", f"{location}&digest={sha512(DATA)}", DATA[3:])
    assert (made.status, made.headers["location"], made.headers["docker-content-digest"]) == (201, BLOB, sha512(DATA))
    assert client("GET", BLOB).body == DATA
    assert client("GET", BLOB, Range="bytes=1-3").body == DATA[1:4]
    assert (registry.state / "a/b/blobs/sha512" / hashlib.sha512(DATA).hexdigest()).read_bytes() == DATA
    assert client("HEAD", f"/v2/a/b/blobs/{digest_of(DATA)}").status == 404
    assert [client(method, BLOB).status for method in ("DELETE", "GET")] == [202, 404]


def test_a_blob_at_once_and_its_mount(client: Client) -> None:
    assert client("POST", f"/v2/a/b/blobs/uploads/?digest={sha512(DATA)}", DATA).status == 201
    assert client("POST", f"/v2/a/b/blobs/uploads/?digest={sha512(DATA)}", DATA.upper()).code == "DIGEST_INVALID"
    assert client("POST", f"/v2/c/d/blobs/uploads/?mount={sha512(DATA)}&from=a/b").status == 201
    assert client("GET", BLOB.replace("a/b", "c/d")).body == DATA


def test_a_manifest_and_its_referrers(client: Client) -> None:
    client("POST", f"/v2/a/b/blobs/uploads/?digest={sha512(DATA)}", DATA)
    document = image() | {"config": _described(DATA, "a/b")}
    data = json.dumps(document).encode()
    pushed = client.put_manifest("a/b", sha512(data), document)
    assert (pushed.status, pushed.headers["docker-content-digest"]) == (201, sha512(data))
    assert client.put_manifest("a/b", sha512(b"other"), document).code == "DIGEST_INVALID"
    missing = client.put_manifest("a/b", "v1", document | {"config": _described(b"absent", "a/b")})
    assert missing.code == "MANIFEST_BLOB_UNKNOWN"
    found = client("GET", f"/v2/a/b/manifests/{sha512(data)}")
    assert (found.body, found.headers["docker-content-digest"]) == (data, sha512(data))
    assert client("GET", f"/v2/a/b/manifests/{digest_of(data)}").status == 404
    referrer = document | {"subject": _described(data), "artifactType": "a/signature"}
    attached = client.put_manifest("a/b", sha512(json.dumps(referrer).encode()), referrer)
    assert attached.headers["oci-subject"] == sha512(data)
    (entry,) = client("GET", f"/v2/a/b/referrers/{sha512(data)}").document["manifests"]
    assert (entry["digest"], entry["artifactType"]) == (attached.headers["docker-content-digest"], "a/signature")
    listed = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [_described(data)]}
    assert client.put_manifest("a/b", "all", listed, str(listed["mediaType"])).status == 201
    assert client("DELETE", f"/v2/a/b/manifests/{sha512(data)}").status == 202
    assert client("GET", f"/v2/a/b/manifests/{sha512(data)}").status == 404


@pytest.mark.parametrize("path", ["blobs", "manifests", "referrers"])
@pytest.mark.parametrize("digest", ["sha512:" + "a" * 64, "sha512:" + "A" * 128, "sha384:" + "a" * 96, "sha512:"])
def test_what_is_not_a_digest(client: Client, path: str, digest: str) -> None:
    assert client("GET", f"/v2/a/b/{path}/{digest}").status in (400, 404)
