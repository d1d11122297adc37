"""HTTP for registries: one connection pool, own redirects, own retries, bounded answers (FORMATS section 6).

`requests` never decides about credentials here: no netrc, no cookies, no redirects of its own. Proxies
(HTTPS_PROXY, HTTP_PROXY, NO_PROXY) and the certificate file (REQUESTS_CA_BUNDLE, SSL_CERT_FILE) are taken
from the environment on purpose.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies

from wasm_oci.errors import RegistryError, UsageError
from wasm_oci.http.deadline import Deadline, DeadlineAdapter
from wasm_oci.http.host import host_of, is_loopback, origin
from wasm_oci.http.network_error import describe_network_error
from wasm_oci.http.retry import RETRIED_STATUSES, Backoff
from wasm_oci.limits import LIMITS, Limits
from wasm_oci.timing import REAL_TIME, Timing

_log = logging.getLogger(__name__)

_USER_AGENT = "rules_wasm_oci"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_STREAMED = frozenset({200, 206})
# RuntimeError: urllib3 refuses to go on with a body that it began to decode.
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, RuntimeError)


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
class Request:
    """One request. `step` says in words what it is for; it stands in errors."""

    method: str
    url: str
    step: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | StreamBody = field(default=b"", repr=False)
    limit: int = LIMITS.manifest
    """Largest answer in bytes."""
    stream: bool = False
    """Whether a good answer's body is left for `Response.pieces`."""
    retry: bool = True
    leave_host: bool = True
    """Whether a redirect may lead to another host; not where the body holds a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete answer, or with `Request.stream` one whose body still has to be read."""

    status: int
    headers: Mapping[str, str]
    """Keys in any case."""
    url: str
    """Where it came from, after redirects."""
    body: bytes = field(default=b"", repr=False)
    raw: urllib3.BaseHTTPResponse | None = field(default=None, repr=False)
    connection: socket.socket | None = field(default=None, repr=False)
    piece_time: float = LIMITS.response_time
    """Longest time for one chunk of a streamed body, in seconds."""

    def pieces(self, step: str) -> Iterator[bytes]:
        """Yields the body of a streamed answer; raises ConnectionLost where it breaks off."""
        if self.raw is None:
            yield self.body
            return
        try:
            chunks = self.raw.stream(LIMITS.chunk, decode_content=False)
            while (piece := self._next(chunks, step)) is not None:
                yield piece
        finally:
            self.raw.close()

    def _next(self, chunks: Iterator[bytes], step: str) -> bytes | None:
        with Deadline(self.piece_time) as timer:
            timer.watch(self.connection)
            try:
                piece = next(chunks, None)
            except _FAILURES as err:
                raise ConnectionLost(step, self.url, TimeoutError() if timer.expired else err) from err
        if timer.expired:
            raise ConnectionLost(step, self.url, TimeoutError())
        return piece

    def close(self) -> None:
        if self.raw is not None:
            self.raw.close()


class ConnectionLost(RegistryError):
    """There was no answer, or only a part of one: what the request did is unknown."""

    def __init__(self, step: str, url: str, cause: Exception) -> None:
        words, hint = describe_network_error(cause)
        super().__init__(f"{step}: {words}", where=host_of(url), hint=hint, reason="no_answer")


class Transport:
    """Sends requests; safe to share between clients of several registries. Closing it closes its connections."""

    def __init__(
        self,
        *,
        limits: Limits = LIMITS,
        timing: Timing = REAL_TIME,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Raises UsageError where the environment names a certificate file that does not exist."""
        self.limits = limits
        self.timing = timing
        self._certificates = _certificate_file(os.environ if environ is None else environ)
        self._session = requests.Session()
        self._session.trust_env = False
        for prefix in ("https://", "http://"):
            self._session.mount(prefix, DeadlineAdapter(pool_maxsize=8, max_retries=0))
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # it logs whole URLs, signatures in queries included

    def close(self) -> None:
        self._session.close()

    def send(self, request: Request) -> Response:
        """Returns the answer, whatever its status; lost connections and busy answers are tried again.

        Raises RegistryError: ConnectionLost after the last attempt, others for what must not be followed.
        """
        backoff = Backoff(self.timing, self.limits)
        while True:
            try:
                response = self._follow(request)
            except ConnectionLost:
                if not request.retry or not backoff.wait():
                    raise
                continue
            if not request.retry or response.status not in RETRIED_STATUSES or not backoff.wait(response.headers.get("Retry-After")):
                return response

    def _follow(self, request: Request) -> Response:
        url, headers = request.url, dict(request.headers)
        for _ in range(self.limits.redirects + 1):
            response = self._once(request, url, headers)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                return response
            response.close()
            target = resolve(url, location, step=request.step)
            if origin(target) != origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
                if not request.leave_host:
                    raise RegistryError(f"{request.step}: redirected to {host_of(target)}", where=host_of(url), status=response.status)
            if response.status == 303 and request.method not in ("GET", "HEAD"):
                raise RegistryError(f"{request.step}: a redirect would turn {request.method} into GET", where=host_of(url), status=303)
            url = target
        raise RegistryError(f"{request.step}: more than {self.limits.redirects} redirects", where=host_of(request.url))

    def _once(self, request: Request, url: str, headers: Mapping[str, str]) -> Response:
        sent = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **headers}
        sending = len(request.body) / self.limits.slowest if request.body else 0.0
        with Deadline(self.limits.connect_timeout + sending + self.limits.response_time) as timer:
            try:
                prepared = requests.Request(request.method, url, headers=sent, data=cast(bytes, request.body) or None).prepare()
                # The adapter itself: a session would read a redirect's body, whole and decoded, before it hands it on.
                response = self._session.get_adapter(url).send(
                    prepared,
                    stream=True,
                    timeout=(self.limits.connect_timeout, self.limits.read_timeout),
                    verify=self._certificates or True,
                    proxies={} if is_loopback(urlsplit(url).hostname or "") else get_environ_proxies(url),
                )
                streamed = request.stream and response.status_code in _STREAMED
                data = b"" if streamed else self._read(request, response, url)
            except _FAILURES as err:
                raise ConnectionLost(request.step, url, TimeoutError() if timer.expired else err) from err
        if timer.expired:
            response.close()
            raise ConnectionLost(request.step, url, TimeoutError())
        _log.debug("%s %s: %d", request.method, _shown(url), response.status_code)
        return Response(
            status=response.status_code,
            headers=response.headers,
            url=url,
            body=data,
            raw=response.raw if streamed else None,
            connection=timer.watched,
            piece_time=self.limits.response_time,
        )

    def _read(self, request: Request, response: requests.Response, url: str) -> bytes:
        if response.status_code in _REDIRECTS and response.headers.get("Location"):
            response.close()
            return b""
        raw, good = response.raw, response.status_code < 300
        limit = request.limit if good else min(request.limit, self.limits.error_body)
        deadline = self.timing.clock() + self.limits.response_time
        data = bytearray()
        while len(data) <= limit and (piece := raw.read1(self.limits.chunk, decode_content=False)):
            data += piece
            if self.timing.clock() > deadline:
                response.close()
                raise TimeoutError
        if len(data) > limit:
            response.close()
            if good:
                raise RegistryError(f"{request.step}: the answer is larger than {limit} bytes", where=host_of(url), reason="limit")
        else:
            raw.release_conn()
        return bytes(data[:limit])


def resolve(base: str, location: str, *, step: str) -> str:
    """Returns the absolute URL of a Location header; raises RegistryError for one that must not be followed."""
    try:
        target = urljoin(base, location.strip())
        old, new = urlsplit(base), urlsplit(target)
        origin(target)
    except ValueError as err:
        raise RegistryError(f"{step}: the registry names a Location that is not a URL", where=host_of(base)) from err
    if problem := _unsafe(old, new):
        raise RegistryError(
            f"{step}: {problem}", where=host_of(base), reason="unsafe_redirect", hint="check the registry's address and its proxy"
        )
    return target


def _unsafe(old: SplitResult, new: SplitResult) -> str:
    if new.scheme not in ("http", "https") or not new.hostname:
        return "the registry names a Location that is not a web address"
    if "@" in new.netloc:
        return "the registry names a Location with a user name in it"
    if new.scheme == "http" and old.scheme == "https":
        return f"refused to go on from https to plain http at {new.netloc}"
    if new.scheme == "http" and new.hostname != old.hostname and not is_loopback(new.hostname):
        return f"refused to go on to another host by plain http at {new.netloc}"
    return ""


def _certificate_file(environ: Mapping[str, str]) -> str:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := environ.get(name):
            if not Path(path).exists():
                raise UsageError(f"the certificate file of {name} does not exist", where=path, hint=f"correct or unset {name}")
            return path
    return ""


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{host_of(url)}{parts.path}" + ("?…" if parts.query else "")
