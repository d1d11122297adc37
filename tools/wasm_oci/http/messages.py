"""Requests and responses of HTTP, small ones whole and large ones as streams."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException

import urllib3

from wasm_oci.errors import RegistryError
from wasm_oci.http.body import decoded, encoding_of
from wasm_oci.http.deadline import Deadline
from wasm_oci.http.host import host_of, is_loopback
from wasm_oci.http.network_error import causes_of, describe_network_error
from wasm_oci.http.pace import Pace, RunTime
from wasm_oci.http.response import AnyResponse
from wasm_oci.limits import LIMITS
from wasm_oci.timing import Timing

# RuntimeError: urllib3 refuses to go on with a body that it began to decode.
FAILURES = (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamBody:
    """A request body of known size that can be sent again: `pieces` starts a fresh stream."""

    size: int
    pieces: Callable[[], Iterator[bytes]]

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request. `step` says in words what it is for; it stands in errors."""

    method: str
    url: str
    step: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | StreamBody = field(default=b"", repr=False)
    limit: int = LIMITS.manifest
    """Largest response in bytes."""
    stream: bool = False
    """Whether the body of a 200 or 206 is left for `HttpResponse.pieces`."""
    retry: bool = True
    leave_host: bool = True
    """Whether a redirect may lead to another host; not where the body holds a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A response whose body still has to be read, and how long that may take."""

    response: AnyResponse
    connection: socket.socket | None
    pace: Pace
    run_time: RunTime
    timing: Timing
    piece_time: float
    """Longest time for one chunk, in seconds."""

    def pieces(self, step: str, url: str, pace: Pace) -> Iterator[bytes]:
        """Yields the body as it comes; raises ConnectionLost where it breaks off, RegistryError where it is too slow."""
        chunks = self.response.stream(LIMITS.chunk, decode_content=False)
        while (piece := self._next(chunks, step, url, min(self.piece_time, pace.left))) is not None:
            pace.moved(len(piece))
            yield piece

    def _next(self, chunks: Iterator[bytes], step: str, url: str, allowed: float) -> bytes | None:
        self.run_time.check(step, url)
        started, piece = self.timing.clock(), None
        try:
            with Deadline(allowed) as deadline:
                deadline.watch(self.connection)
                try:
                    piece = next(chunks, None)
                except FAILURES as err:
                    raise ConnectionLost(step, url, TimeoutError() if deadline.expired else err) from err
            if deadline.expired:
                raise ConnectionLost(step, url, TimeoutError())
        finally:
            self.run_time.spend(self.timing.clock() - started, moved=len(piece or b""))
        return piece


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A complete response, or with `HttpRequest.stream` one whose body still has to be read."""

    status: int
    headers: Mapping[str, str]
    """Keys in any case."""
    url: str
    """Where it came from, after redirects."""
    body: bytes = field(default=b"", repr=False)
    wire: Wire | None = field(default=None, repr=False)
    paused: bool | None = None
    """Whether all requests to its host pause because of it; None where it asked for no pause, False where for too long a one."""

    def pieces(self, step: str, pace: Pace | None = None, *, size: int = -1) -> Iterator[bytes]:
        """Yields the body of a streamed response, without its gzip encoding; raises ConnectionLost where it breaks off.

        Raises RegistryError where it is slower than `pace` or than a transfer may be. A body of exactly `size` bytes is
        the content itself, whatever its Content-Encoding says.
        """
        if self.wire is None:
            yield self.body
            return
        encoding = encoding_of(self.headers)
        pieces = self.wire.pieces(step, self.url, pace or self.wire.pace)
        if encoding and self.headers.get("Content-Length", "") != str(size):
            pieces = decoded(pieces, encoding, step=step, url=self.url)
        try:
            yield from pieces
        finally:
            self.close()

    def close(self) -> None:
        if self.wire is not None:
            self.wire.response.close()


_UNREACHABLE = (
    ConnectionRefusedError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ProxyError,
)


class ConnectionLost(RegistryError):
    """There was no response, or only a part of one: what the request did is unknown."""

    def __init__(self, step: str, url: str, cause: Exception) -> None:
        problem = describe_network_error(cause)
        super().__init__(f"{step}: {problem.what}", where=host_of(url), hint=problem.hint, reason=problem.reason)
        self.permanent = problem.permanent or (is_loopback(host_of(url)) and _is_refused(cause))
        """Whether the next attempt would end alike; so it is where nothing listens at a port of this machine."""
        self.unreachable = problem.permanent or any(isinstance(each, _UNREACHABLE) for each in causes_of(cause))
        """Whether not even a connection was made: other requests to this host would end alike."""


def _is_refused(error: BaseException) -> bool:
    return any(isinstance(each, ConnectionRefusedError) for each in causes_of(error))
