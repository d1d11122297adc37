"""What a registry says in its errors, shown without what it was told in confidence."""

from __future__ import annotations

import json

import pytest

from fakes.clients import client_of, put_blob
from fakes.web import Asked, Script, reply, serve
from wasm_oci import redaction
from wasm_oci.errors import AuthError, RegistryError
from wasm_oci.http.messages import HttpResponse
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE
from wasm_oci.registry.challenge import parse_challenges
from wasm_oci.registry.errors_from_response import words_of

SECRET = "CANARY-of-a-password"


@pytest.mark.parametrize("form", ["{}", '{{"errors":[{{"code":"DENIED","message":"{}"}}]}}'], ids=["text", "json"])
@pytest.mark.parametrize("before", [0, 150, 175, 190, 199])
def test_a_secret_that_is_echoed_is_hidden_before_the_text_is_cut(form: str, before: int) -> None:
    response = HttpResponse(status=403, headers={}, url="http://localhost/v2/", body=form.format("x" * before + SECRET).encode())
    redaction.conceal(SECRET)
    words = words_of(response)
    assert "CAN" not in words
    assert len(words) <= 200


def test_an_endless_challenge_is_cut() -> None:
    assert len(parse_challenges("a," * 1_000_000)) <= 8192


@pytest.mark.parametrize(("status", "remedy"), [("413 Content Too Large", "raise the limit"), ("507 Insufficient Storage", "free space")])
def test_what_is_too_large_for_a_registry_or_its_proxy(status: str, remedy: str) -> None:
    def script(asked: Asked) -> bytes:
        verb = asked.line.split()[0]
        return reply({"POST": "202 Accepted", "PUT": status}.get(verb, "404 Not Found"), Location="/upload")

    with serve(script) as web, client_of(web.host) as client, pytest.raises(RegistryError, match=f"status {status[:3]}.*; {remedy}"):
        put_blob(client, b"blob")


def _error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


def _refusing(status: str, body: bytes) -> Script:
    """A registry that refuses to be written to."""
    return lambda asked: reply(status, body=body) if asked.line.startswith(("POST", "PUT")) else reply("404 Not Found")


FULL, READ_ONLY = "free space in the registry, or raise its quota", "this one is a cache of another, or read-only"
HARBOR = "adding 29.0 MiB of storage resource, which when updated to current usage will exceed the configured upper limit of 10.0 MiB."


@pytest.mark.parametrize(
    ("status", "body", "reason", "remedy"),
    [
        ("403 Forbidden", _error("DENIED", HARBOR), "quota", FULL),
        ("403 Forbidden", _error("DENIED", "Quota exceeded when processing the request of adding 1.3 MiB"), "quota", FULL),
        ("403 Forbidden", _error("DENIED", "Quota has been exceeded on namespace"), "quota", FULL),
        (
            "403 Forbidden",
            _error("DENIED", "rejected because the namespace storage limit has been reached."),
            "quota",
            FULL,
        ),
        ("405 Method Not Allowed", _error("LIMIT_EXCEEDED", "The repository has reached its limit of 10000 images"), "quota", FULL),
        ("400 Bad Request", b"you have exceeded your storage quota", "quota", FULL),
        ("403 Forbidden", _error("DENIED", "can not push artifact to a proxy project: hub"), "read_only", READ_ONLY),
        ("405 Method Not Allowed", _error("READ_ONLY_MODE", "System is currently read-only."), "read_only", READ_ONLY),
        ("400 Bad Request", _error("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry"), "content_missing", "run again"),
        ("404 Not Found", _error("BLOB_UNKNOWN", "blob unknown to registry"), "content_missing", "run again"),
        ("412 Precondition", _error("PROJECTPOLICYVIOLATION", "The image is not signed by cosign."), "registry_rules", "sign or scan it"),
    ],
)
def test_a_refusal_is_understood_by_its_words(status: str, body: bytes, reason: str, remedy: str) -> None:
    """Of a blob and of a manifest, whose media types are not blamed then."""
    for push in (lambda client: put_blob(client, b"blob"), lambda client: client.put_manifest("v1", b"{}", MANIFEST_MEDIA_TYPE)):
        with (
            serve(_refusing(status, body)) as web,
            client_of(web.host) as client,
            pytest.raises(RegistryError, match=f"status {status[:3]}") as caught,
        ):
            push(client)
        assert (caught.value.reason, caught.value.exit_code) == (reason, 6)
        assert remedy in caught.value.hint
        assert "media type" not in str(caught.value)


def test_a_registry_that_takes_no_uploads_may_be_a_cache() -> None:
    script = _refusing("405 Method Not Allowed", _error("UNSUPPORTED", "The operation is unsupported."))
    with serve(script) as web, client_of(web.host) as client, pytest.raises(RegistryError, match=READ_ONLY):
        put_blob(client, b"blob")


@pytest.mark.parametrize(
    "message",
    ["access to library/hello/quota-exceeded was refused", "this token has read-only access here", "storage is busy"],
)
def test_what_only_sounds_alike_is_a_missing_right(message: str) -> None:
    script = _refusing("403 Forbidden", _error("DENIED", message))
    with serve(script) as web, client_of(web.host) as client, pytest.raises(AuthError, match="give this credential the right"):
        put_blob(client, b"blob")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html><h1>400 The plain HTTP request was sent to HTTPS port</h1></html>",
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nYou're speaking plain HTTP to an SSL-enabled server port.",
        b"HTTP/1.1 400 \r\nConnection: close\r\n\r\nBad Request\nThis combination of host and port requires TLS.\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x15\x03\x03\x00\x02\x01\x00",
    ],
)
def test_a_server_that_expects_tls_is_named_as_such(answer: bytes) -> None:
    """A registry with TLS on this machine, as the common servers answer to a client without."""
    for ask in (lambda client: client.fetch_manifest("v1"), lambda client: put_blob(client, b"blob")):
        with serve(lambda asked: answer) as web, client_of(web.host) as client, pytest.raises(RegistryError) as caught:
            ask(client)
        assert "write the name in its certificate in place of localhost or 127.0.0.1" in caught.value.hint
