"""How a host is reached: by which proxy, and with which connections."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import urllib3

from wasm_oci.http.connection import POOLS, Body, Pool
from wasm_oci.http.host import parse_web_address
from wasm_oci.http.host_certificates import CertificateFolders, HostCertificates
from wasm_oci.http.proxy import proxy_headers, proxy_of
from wasm_oci.http.response import AnyResponse
from wasm_oci.http.tls import NO_CERTIFICATES, Authorities, tls_context

_POOL_SIZE = 8
"""Connections to one host that are kept; more may be open at a time."""
_NO_RETRIES = urllib3.Retry(False, redirect=False)
_PLAIN_TARGET = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?-]+")
"""What urllib3 would leave as it is."""
_ORIGIN = re.compile(r"https?://[^/?#@\\]+(?=[/?])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a host is reached."""

    proxy: str
    """The URL of its proxy, empty where there is none."""
    connections: urllib3.PoolManager | Pool

    def send(self, method: str, url: str, *, body: Body, headers: Mapping[str, str], timeout: tuple[float, float]) -> AnyResponse:
        """Sends a request and returns the response, whose body still has to be read; with `timeout` and errors as `Pool.exchange`."""
        target = url if self.proxy else target_of(url)
        if isinstance(self.connections, Pool) and _PLAIN_TARGET.fullmatch(target):
            return self.connections.exchange(method, target, body=body, headers=headers, timeout=timeout)
        return self.connections.urlopen(
            method,
            target,
            body=body,  # type: ignore[arg-type]  # pieces may be of any kind of bytes
            headers=headers,
            redirect=False,
            retries=_NO_RETRIES,
            timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            preload_content=False,
            decode_content=False,
        )


class Routes:
    """The routes of a run, safe to share between threads; what the environment says of a host is read once."""

    def __init__(self, authorities: Authorities, folders: CertificateFolders) -> None:
        self._authorities = authorities
        self._folders = folders
        self._managers: dict[tuple[str, bool, HostCertificates], urllib3.PoolManager] = {}
        self._known: dict[str, Route] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def to(self, url: str) -> Route:
        """Returns how to reach `url`; raises UsageError where its proxy is none or its certificates cannot be used, ValueError for an
        invalid URL.
        """
        start = _ORIGIN.match(url)
        with self._lock:
            route = self._known.get(start[0]) if start else None
            if route is None:
                proxy = proxy_of(url)
                manager = self._manager(url, proxy)
                route = Route(proxy=proxy, connections=manager if proxy else _pool(manager, url))
                if start:
                    self._known[start[0]] = route
            return route

    def _manager(self, url: str, proxy: str) -> urllib3.PoolManager:
        """Certificates are read only where TLS is spoken; those of a host are for its connections only, not for its proxy's."""
        address = parse_web_address(url)
        host = self._folders.of(address) if address.scheme == "https" else NO_CERTIFICATES
        secure = address.scheme == "https" or proxy[:6].lower() == "https:"
        if (proxy, secure, host) not in self._managers:
            context = tls_context(self._authorities, host) if secure else None
            proxy_context = tls_context(self._authorities) if host != NO_CERTIFICATES and proxy else context
            self._managers[proxy, secure, host] = _new_manager(proxy, context, proxy_context)
        return self._managers[proxy, secure, host]


def _pool(manager: urllib3.PoolManager, url: str) -> Pool:
    pool: Pool = manager.connection_from_url(url)  # type: ignore[assignment]  # one of POOLS
    return pool


def _new_manager(proxy: str, context: ssl.SSLContext | None, proxy_context: ssl.SSLContext | None) -> urllib3.PoolManager:
    manager = (
        urllib3.ProxyManager(
            proxy, proxy_headers=proxy_headers(proxy), proxy_ssl_context=proxy_context, ssl_context=context, maxsize=_POOL_SIZE
        )
        if proxy
        else urllib3.PoolManager(ssl_context=context, maxsize=_POOL_SIZE)
    )
    manager.pool_classes_by_scheme = POOLS
    return manager


def target_of(url: str) -> str:
    """Returns what stands for a URL in a request to its own host (RFC 9112, section 3.2.1)."""
    start = _ORIGIN.match(url)
    if start and url[start.end()] == "/" and "#" not in url:
        return url[start.end() :]
    parts = urlsplit(url)
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))
