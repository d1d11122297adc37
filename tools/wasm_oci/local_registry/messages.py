"""What a request holds and what a response is made of, without any socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wasm_oci.digest import Digest
from wasm_oci.errors import RegistryError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS

JSON = "application/json"
OCTETS = "application/octet-stream"


class Body(Protocol):
    """The content that comes with a request; it is read once."""

    @property
    def length(self) -> int | None:
        """The announced length in bytes; None where the content is sent in chunks."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Raises ConnectionError where the client goes away, Refusal where the framing is wrong."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRequest:
    """One request. `path` is as it was sent (percent-encoded); header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Body = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedResponse:
    """One response: `body`, or `length` bytes of `file` from `offset`. A HEAD request gets the same headers alone."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None
    offset: int = 0
    length: int = 0

    @property
    def size(self) -> int:
        return self.length if self.file else len(self.body)

    def pieces(self) -> Iterator[bytes]:
        """Yields the content, `size` bytes in all; raises OSError where the file cannot be read, or became shorter."""
        if self.file is None:
            yield self.body
            return
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            left = self.length
            while left:
                piece = stream.read(min(left, LIMITS.chunk))
                if not piece:
                    raise ConnectionError("the content was truncated while it was sent")
                left -= len(piece)
                yield piece


class Refusal(RegistryError):
    """The registry says no: `status`, and the specification's error code as `reason`."""

    def __init__(self, status: int, code: str, what: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(what, reason=code, status=status)
        self.headers = dict(headers or {})

    def response(self) -> ServedResponse:
        error = {"code": self.reason, "message": self.what, "detail": None}
        return json_response(self.status, {"errors": [error]}, headers=self.headers)


def json_response(status: int, document: JsonObject, *, headers: Mapping[str, str] | None = None, media_type: str = JSON) -> ServedResponse:
    body = json.dumps(document, ensure_ascii=False).encode()
    return ServedResponse(status=status, headers={"Content-Type": media_type, **(headers or {})}, body=body)


def digest_header(digest: Digest) -> dict[str, str]:
    return {"Docker-Content-Digest": str(digest)}


def read_all(body: Body, limit: int, *, what: str) -> bytes:
    """Returns the content; raises Refusal 413 as soon as it is known to be larger than `limit` bytes."""
    collected = bytearray()
    for piece in bounded(body, limit, what=what):
        collected += piece
    return bytes(collected)


def bounded(body: Body, limit: int, *, what: str) -> Iterator[bytes]:
    """Passes the content on, at most `limit` bytes of it; raises Refusal 413 where it is larger."""
    too_large = Refusal(413, "SIZE_INVALID", f"the {what} may have at most {limit} bytes")
    if body.length is not None and body.length > limit:
        raise too_large
    seen = 0
    for piece in body.pieces():
        seen += len(piece)
        if seen > limit:
            raise too_large
        yield piece
