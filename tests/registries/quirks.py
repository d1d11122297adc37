"""How one request of a registry is answered in another way than the local registry does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from instruments.effects import Disconnect, FixedBody
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE


def error(code: str, message: str, detail: object = None) -> bytes:
    """A list of one error, as registries write it."""
    return json.dumps({"errors": [{"code": code, "message": message, "detail": detail}]}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The response, changed."""

    change: Callable[[ServedResponse], ServedResponse]

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        return self.change(carry(request))


def without_header(name: str) -> Changed:
    """The response without a header."""
    return Changed(
        change=lambda response: replace(response, headers={key: value for key, value in response.headers.items() if key != name})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesSubject:
    """A manifest with a subject is accepted with OCI-Subject, though there is no referrers API."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        data = b"".join(request.body.pieces())
        response = carry(replace(request, body=FixedBody(data)))
        subject = json.loads(data).get("subject")
        return replace(response, headers={**response.headers, "OCI-Subject": subject["digest"]}) if subject else response


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepsTags:
    """A tag that exists is not written, whatever it names."""

    status: int
    body: bytes

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        there = carry(replace(request, method="HEAD", body=FixedBody(b"")))
        return ServedResponse(status=self.status, body=self.body) if there.status == 200 else carry(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectForItsTag:
    """The manifest `sha256:HEX` is found under the tag `sha256-HEX` where that does not exist."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        return response if response.status != 404 else carry(replace(request, path=request.path.replace("/sha256-", "/sha256:")))


@dataclass(frozen=True, slots=True, kw_only=True)
class WantsTypes:
    """A manifest is found only by who accepts its type by name."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        accepted = request.headers.get("accept", "")
        if MANIFEST_MEDIA_TYPE in accepted and INDEX_MEDIA_TYPE in accepted:
            return carry(request)
        return ServedResponse(status=404, body=error("MANIFEST_UNKNOWN", "manifest unknown"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WantsLogin:
    """The challenge of a registry with user names, in the words it uses."""

    challenge: str

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        if request.headers.get("authorization"):
            return carry(request)
        return ServedResponse(status=401, headers={"WWW-Authenticate": self.challenge})


@dataclass(slots=True, kw_only=True)
class LosesSessions:
    """The connection breaks in the first upload, and its session is over."""

    lost: set[str] = field(default_factory=set)

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        if not self.lost and request.method in ("PUT", "PATCH"):
            self.lost.add(request.path)
            raise Disconnect
        if request.path in self.lost:
            return ServedResponse(status=404, body=error("BLOB_UPLOAD_INVALID", "blob upload invalid"))
        return carry(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredByAnother:
    """Another program stores the same blob at the same time: the upload is refused, and the blob is there."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        carry(request)
        digest = request.query.get("digest", "")
        return ServedResponse(
            status=400, body=error("BLOB_UPLOAD_INVALID", "blob upload invalid", f"v2/-/blobs/{digest} cannot be updated")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuses:
    """A manifest whose configuration has another type than images have is refused."""

    body: bytes

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        data = b"".join(request.body.pieces())
        if "oci.image.config" in json.loads(data).get("config", {}).get("mediaType", "oci.image.config"):
            return carry(replace(request, body=FixedBody(data)))
        return ServedResponse(status=400, body=self.body)
