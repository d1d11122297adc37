"""What fault injection does to one request.

An effect that comes before the request keeps it from the registry; one that comes after changes the response.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from wasm_oci.digest import Digest
from wasm_oci.limits import LIMITS
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse, digest_header, read_all
from wasm_oci.local_registry.service import Responder


class Disconnect(ConnectionError):
    """The connection ends without a further byte, after `stall` seconds of silence."""

    def __init__(self, stall: float = 0.0) -> None:
        super().__init__("fault injection closes this connection")
        self.stall = stall


class Effect(Protocol):
    """What happens to a request; `carry` is what would have happened. Raises Disconnect."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """This response, and the registry never sees the request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        del request, carry
        return ServedResponse(status=self.status, headers=self.headers, body=self.body)


@dataclass(slots=True, kw_only=True)
class Window:
    """Lets `requests` of each `period` (whole seconds, which begin with the first request) through; 429 with Retry-After for the others."""

    requests: int
    period: int
    refused: list[float] = field(default_factory=list)
    """The seconds that each refusal asked for."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = -math.inf
    _seen: int = 0

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        with self._lock:
            if time.monotonic() >= self._began + self.period:
                self._began, self._seen = time.monotonic(), 0
            self._seen += 1
            if self._seen > self.requests:
                self.refused.append(math.ceil(self._began + self.period - time.monotonic()))
                return ServedResponse(status=429, headers={"Retry-After": str(self.refused[-1])})
        return carry(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """A redirect to `url`, in which `{path}` stands for the path of the request."""

    url: str
    status: int = 307

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        del carry
        return ServedResponse(status=self.status, headers={"Location": self.url.replace("{path}", request.path)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup:
    """No response. `stored=True`: what was asked is done all the same, only the response is lost."""

    stored: bool = False

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        if self.stored:
            carry(request)
        raise Disconnect


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Silence for `seconds`, or until the registry ends, and then no response."""

    seconds: float

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        del request, carry
        raise Disconnect(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretend:
    """The response of success to a write, and nothing is stored."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        del carry
        sha = hashlib.sha256()
        for piece in request.body.pieces():
            sha.update(piece)
        if request.method == "DELETE":
            return ServedResponse(status=202)
        if request.method == "PUT" or "digest" in request.query:
            digest = request.query.get("digest", f"sha256:{sha.hexdigest()}")
            return ServedResponse(status=201, headers={"Location": request.path, "Docker-Content-Digest": digest})
        location = request.path.rstrip("/") + "/pretended" if request.method == "POST" else request.path
        return ServedResponse(status=202, headers={"Location": location, "Range": "0-0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The response with other headers, such as a wrong Docker-Content-Digest; None takes a header away."""

    changes: Mapping[str, str | None]

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        names = {name.lower() for name in self.changes}
        kept = {name: value for name, value in response.headers.items() if name.lower() not in names}
        added = {name: value for name, value in self.changes.items() if value is not None}
        return replace(response, headers=kept | added)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The request is carried out; the response has another status."""

    status: int

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        return replace(carry(request), status=self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupt:
    """The content of the response with the lowest bit of its byte at `position` flipped; the length stays."""

    position: int = 0

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        body = bytearray(b"".join(response.pieces()))
        body[self.position] ^= 1
        return replace(response, body=bytes(body), file=None)


class _BrokenOff(ServedResponse):
    """Announces all of its body and sends half of it."""

    def pieces(self) -> Iterator[bytes]:
        yield self.body[: self.size // 2]
        raise Disconnect


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """The first half of the content, under headers that promise all of it; then the connection ends."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        return _BrokenOff(status=response.status, headers=response.headers, body=b"".join(response.pieces()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """Other content: what a write stores and its digest, or what a read gives (under the headers of the old one)."""

    change: Callable[[bytes], bytes]

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        if request.method in ("PUT", "POST", "PATCH"):
            data = read_all(request.body, LIMITS.manifest, what="content to rewrite")
            return carry(replace(request, body=FixedBody(self.change(data))))
        response = carry(request)
        return replace(response, body=self.change(b"".join(response.pieces())), file=None)


@dataclass(frozen=True, slots=True)
class FixedBody:
    """A request's content that is known as a whole."""

    data: bytes = field(repr=False)

    @property
    def length(self) -> int:
        return len(self.data)

    def pieces(self) -> Iterator[bytes]:
        return iter([self.data])


def wrong_digest() -> Headers:
    """A response whose Docker-Content-Digest is that of nothing in the registry."""
    return Headers(changes=digest_header(Digest.of(b"something else")))
