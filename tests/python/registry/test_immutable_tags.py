"""A registry that does not move tags says so in many ways; only that is a tag conflict."""

from __future__ import annotations

import json

import pytest

from fakes.clients import client_of
from fakes.web import reply, serve
from wasm_oci.digest import Digest
from wasm_oci.errors import AuthError, RegistryError, TagConflictError
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE

MANIFEST = b"{}"


def _error(code: str, message: str, **more: object) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message, **more}]}).encode()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("400 Bad Request", _error("TAG_INVALID", "tag v1 is there already in library/hello and cannot be overwritten")),
        ("400 Bad Request", _error("MANIFEST_INVALID", "cannot update tag v1", detail="tag immutability is on")),
        ("400 Bad Request", b"Repository does not allow updating assets: hello"),
        ("403 Forbidden", _error("DENIED", "v1 is an Immutable tag")),
        ("403 Forbidden", _error("MANIFEST_INVALID", "manifest invalid", detail={"description": "not allowed to overwrite v1"})),
        ("405 Method Not Allowed", _error("UNSUPPORTED", "the tag may not be overwritten")),
        ("409 Conflict", _error("TAG_IMMUTABLE", "refused")),
        ("409 Conflict", _error("DENIED", "v1 has another digest and cannot be moved")),
        ("409 Conflict", b""),
        ("412 Precondition Failed", _error("PRECONDITION", "v1 is configured as immutable")),
        ("412 Precondition Failed", b""),
    ],
)
def test_a_tag_that_is_not_moved_is_a_conflict(status: str, body: bytes) -> None:
    with serve(lambda asked: reply(status, body)) as web, client_of(web.host) as client:
        with pytest.raises(TagConflictError, match=f"refuses to move tag v1: status {status[:3]}") as caught:
            client.put_manifest("v1", MANIFEST, MANIFEST_MEDIA_TYPE)
        assert (caught.value.exit_code, caught.value.where) == (7, client.where)
        assert "new tag" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("400 Bad Request", _error("TAG_INVALID", "the tag did not match the URI"), RegistryError),
        ("400 Bad Request", _error("MANIFEST_INVALID", "the config cannot be empty"), RegistryError),
        ("403 Forbidden", _error("DENIED", "access to library/hello was refused"), AuthError),
        ("403 Forbidden", _error("DENIED", "no access to repository immutable in library/hello/immutable"), AuthError),
        ("403 Forbidden", b"", AuthError),
        ("403 Forbidden", b"<html>immutable</html>", AuthError),
        ("409 Conflict", _error("CONFLICT", "another write is in progress"), RegistryError),
        ("412 Precondition Failed", _error("PRECONDITION", "the policy of this project asks for a scan"), RegistryError),
        ("404 Not Found", _error("NAME_UNKNOWN", "immutable"), RegistryError),
    ],
)
def test_another_refusal_is_not_a_conflict(status: str, body: bytes, kind: type[Exception]) -> None:
    with serve(lambda asked: reply(status, body)) as web, client_of(web.host) as client, pytest.raises(kind):
        client.put_manifest("immutable", MANIFEST, MANIFEST_MEDIA_TYPE)


def test_a_manifest_under_its_digest_meets_no_tag() -> None:
    with serve(lambda asked: reply("409 Conflict")) as web, client_of(web.host) as client, pytest.raises(RegistryError):
        client.put_manifest(Digest.of(MANIFEST), MANIFEST, MANIFEST_MEDIA_TYPE)


def test_a_list_of_referrers_that_cannot_grow_is_told_what_to_exempt() -> None:
    with serve(lambda asked: reply("409 Conflict")) as web, client_of(web.host) as client:
        with pytest.raises(TagConflictError) as caught:
            client.put_manifest(f"sha256-{'0' * 64}", MANIFEST, MANIFEST_MEDIA_TYPE)
        assert "exempt tags that begin with sha256-" in caught.value.hint
        assert "new tag" not in caught.value.hint
