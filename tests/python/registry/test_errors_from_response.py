"""What a registry says in its errors, shown without what it was told in confidence."""

from __future__ import annotations

import pytest

from fakes.clients import client_of, put_blob
from fakes.web import Asked, reply, serve
from wasm_oci import redaction
from wasm_oci.errors import RegistryError
from wasm_oci.http.messages import HttpResponse
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
