"""HTTP for registries: pooled connections, own redirects, own retries, bounded responses.

urllib3 moves the bytes and decides nothing: no netrc, no cookies, no redirects and no retries of its own. Proxies
(HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) and certificate authorities (SSL_CERT_FILE, SSL_CERT_DIR) are taken
from the environment on purpose.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3

from wasm_oci.errors import RegistryError
from wasm_oci.http.body import decoded_body, encoding_of, ending, paced, too_large
from wasm_oci.http.deadline import Deadline
from wasm_oci.http.host import host_of, origin
from wasm_oci.http.host_certificates import CertificateFolders
from wasm_oci.http.location import location_target
from wasm_oci.http.messages import FAILURES, ConnectionLost, HttpRequest, HttpResponse, StreamBody, Wire
from wasm_oci.http.network_error import ProxyAuthenticationRequired
from wasm_oci.http.pace import Pace, RunTime
from wasm_oci.http.pause import HostPause
from wasm_oci.http.response import AnyResponse
from wasm_oci.http.retry import RETRIED_STATUSES, Backoff, meant_status
from wasm_oci.http.routes import Routes
from wasm_oci.http.tls import authorities_of
from wasm_oci.limits import LIMITS, Limits
from wasm_oci.timing import REAL_TIME, Timing

_log = logging.getLogger(__name__)

_USER_AGENT = "rules_wasm_oci"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_STREAMED = frozenset({200, 206})
_LENGTH = re.compile(r"\s*[0-9]+\s*(?:,\s*[0-9]+\s*)*")
_T = TypeVar("_T")
INTERRUPTED = "interrupted"
"""The reason of the error with which requests of a run end that is stopped."""


class Transport:
    """Sends requests; safe to share between clients of several registries. Closing it closes its connections."""

    def __init__(
        self,
        *,
        limits: Limits = LIMITS,
        timing: Timing = REAL_TIME,
        environ: Mapping[str, str] | None = None,
        plain_http: Collection[str] = (),
        ca_files: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`plain_http` names the hosts that may be reached without TLS, beside this machine; `ca_files` names for a `host[:port]` the
        file of authorities that are trusted there in place of all others.

        Raises UsageError where the environment names a certificate file that does not exist.
        """
        self.plain_http = frozenset(plain_http)
        self.limits = limits
        self._stopped = threading.Event()
        self._under_way: set[Deadline] = set()
        self._shared: dict[Hashable, Any] = {}
        self._shared_lock = threading.Lock()
        self.timing = replace(timing, sleep=self._pause) if timing.sleep is time.sleep else timing
        self.run_time = RunTime(limits)
        self._pauses: dict[str, HostPause] = {}
        self._timeout = limits.connect_timeout, limits.read_timeout
        environ = os.environ if environ is None else environ
        self._routes = Routes(authorities_of(environ), CertificateFolders(environ, ca_files))
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # it logs whole URLs, signatures in queries included

    def close(self) -> None:
        self._routes.close()

    def shared(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Returns what all clients of this run have in common under `key`; the first that asks makes it."""
        with self._shared_lock:
            if key not in self._shared:
                self._shared[key] = make()
            value: _T = self._shared[key]
            return value

    def stop(self) -> None:
        """Ends what other threads wait for, and refuses whatever they would send: their run is interrupted."""
        self._stopped.set()
        for deadline in tuple(self._under_way):
            deadline.expire()

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _check_stopped(self, request: HttpRequest) -> None:
        if self._stopped.is_set():
            raise RegistryError(f"{request.step}: interrupted", where=host_of(request.url), hint="run again", reason=INTERRUPTED)

    def send(self, request: HttpRequest) -> HttpResponse:
        """Returns the response, whatever its status; lost connections and busy registries are tried again.

        Where the host asked this request or another one for a pause, it is waited for first. Raises RegistryError: ConnectionLost after
        the last attempt, others for what must not be followed and for a run that takes too long.
        """
        self.run_time.check(request.step, request.url)
        pause, backoff = self._pause_of(request.url), Backoff(self.timing, self.limits)
        started, paused, response = self.timing.clock(), 0.0, None
        try:
            while response is None:
                while (left := pause.left) > 0:
                    self._check_stopped(request)
                    self.timing.sleep(left)
                    paused += left
                    backoff.exclude(left)
                response = self._attempt(request, pause, backoff)
            return response
        finally:
            self.run_time.spend(self.timing.clock() - started - paused, requests=1, moved=len(request.body))

    def _pause_of(self, url: str) -> HostPause:
        base = url[: url.find("/", len("https://"))]
        return self._pauses.get(base) or self._pauses.setdefault(base, HostPause(self.timing, self.limits, self.run_time))

    def _attempt(self, request: HttpRequest, pause: HostPause, backoff: Backoff) -> HttpResponse | None:
        """Returns the response, None where another attempt is due; raises as `send`."""
        try:
            response = self._follow(request)
        except ConnectionLost as err:
            if err.permanent or not request.retry or not backoff.wait():
                raise
            return None
        if response.status not in RETRIED_STATUSES:
            pause.note(response.status, response.headers)
            return response
        if origin(response.url) == origin(request.url):
            response = replace(response, paused=pause.note(response.status, response.headers))
        return None if request.retry and backoff.after(response) else response

    def pace(self, step: str, url: str) -> Pace:
        """Returns the minimum rate of a transfer that begins now."""
        return Pace(self.timing, self.limits, step=step, url=url)

    def _follow(self, request: HttpRequest) -> HttpResponse:
        url, headers = request.url, dict(request.headers)
        for _ in range(self.limits.redirects + 1):
            response = self._once(request, url, headers)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                return response
            response.close()
            target = location_target(url, location, step=request.step, plain_http=self.plain_http)
            if origin(target) != origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
                if not request.leave_host:
                    raise RegistryError(f"{request.step}: redirected to {host_of(target)}", where=host_of(url), status=response.status)
            if response.status == 303 and request.method not in ("GET", "HEAD"):
                raise RegistryError(f"{request.step}: a redirect would turn {request.method} into GET", where=host_of(url), status=303)
            url = target
        raise RegistryError(f"{request.step}: more than {self.limits.redirects} redirects", where=host_of(request.url))

    @contextmanager
    def _stoppable(self, request: HttpRequest, deadline: Deadline) -> Iterator[None]:
        """Raises RegistryError where the run is interrupted before the block or in it."""
        self._under_way.add(deadline)
        try:
            self._check_stopped(request)
            yield
        except RegistryError:
            self._check_stopped(request)
            raise
        finally:
            self._under_way.discard(deadline)

    def _once(self, request: HttpRequest, url: str, headers: Mapping[str, str]) -> HttpResponse:
        sent = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **headers}
        if isinstance(request.body, StreamBody):
            sent["Content-Length"] = str(request.body.size)
        sending = len(request.body) / self.limits.slowest if request.body else 0.0
        body: Any = paced(request.body, self.pace(request.step, url)) if isinstance(request.body, StreamBody) else request.body
        allowed = min(self.limits.connect_timeout + sending + self.limits.response_time, self.run_time.left)
        with Deadline(allowed) as deadline, self._stoppable(request, deadline), ending(body):
            try:
                route = self._routes.to(url)
                response = route.send(request.method, url, body=body or None, headers=sent, timeout=self._timeout)
                _check_length(response)
                streamed = request.stream and response.status in _STREAMED
                data = b"" if streamed else self._read(request, response, url)
            except FAILURES as err:
                raise ConnectionLost(request.step, url, TimeoutError() if deadline.expired else err) from err
        if deadline.expired:
            response.close()
            raise ConnectionLost(request.step, url, TimeoutError())
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s %s: %d", request.method, _shown(url), response.status)
        if response.status == 407 and route.proxy:
            response.close()
            raise ConnectionLost(request.step, url, ProxyAuthenticationRequired())
        return HttpResponse(
            status=meant_status(response.status, data),
            headers=response.headers,
            url=url,
            body=data,
            wire=Wire(
                response=response,
                connection=deadline.watched,
                pace=self.pace(request.step, url),
                run_time=self.run_time,
                timing=self.timing,
                piece_time=self.limits.response_time,
            )
            if streamed
            else None,
        )

    def _read_some(self, response: AnyResponse) -> bytes:
        return response.read1(self.limits.chunk, decode_content=False)

    def _read(self, request: HttpRequest, response: AnyResponse, url: str) -> bytes:
        if response.status in _REDIRECTS and response.headers.get("Location"):
            response.close()
            return b""
        good = response.status < 300
        limit = request.limit if good else min(request.limit, self.limits.error_body)
        deadline = self.timing.clock() + self.limits.response_time
        data = bytearray()
        chunked = "Transfer-Encoding" in response.headers  # read1 cannot tell a malformed chunk from one that is cut off
        chunks = response.stream(self.limits.chunk, decode_content=False) if chunked else iter(partial(self._read_some, response), b"")
        for piece in chunks:
            data += piece
            if len(data) > limit:
                break
            if self.timing.clock() > deadline:
                response.close()
                raise TimeoutError
        complete = len(data) <= limit
        (response.release_conn if complete else response.close)()
        if not good:
            return b"" if encoding_of(response.headers) else bytes(data[:limit])
        if not complete:
            raise too_large(limit, step=request.step, url=url)
        return decoded_body(bytes(data), response.headers, limit=limit, step=request.step, url=url)


def _check_length(response: AnyResponse) -> None:
    """Raises InvalidHeader for a Content-Length that is not a number (RFC 9110, section 8.6); urllib3 reads on until the end then."""
    if not _LENGTH.fullmatch(response.headers.get("Content-Length", "0")):
        response.close()
        raise urllib3.exceptions.InvalidHeader


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{host_of(url)}{parts.path}" + ("?…" if parts.query else "")
