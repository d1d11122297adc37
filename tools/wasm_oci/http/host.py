"""Hosts: `host[:port]` as in RFC 3986 (IPv6 in square brackets), this machine's own names, and the hosts of URLs."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from wasm_oci.errors import UsageError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?")

NAME_LENGTH = 255
"""Longest host and repository together that the common clients accept."""


def check_host(host: str, *, where: str = "") -> str:
    """Returns `host` (with its port, if any); raises UsageError for anything that is not `host[:port]`."""
    match = _HOST.fullmatch(host)
    valid = bool(match) and len(host) <= NAME_LENGTH
    if match and host.startswith("["):
        valid = valid and _is_ipv6(match[1][1:-1])
    if match and match[2]:
        valid = valid and 0 < int(match[2]) < 65536
    if not valid:
        raise UsageError(
            f"{host[:100]!r} is not a registry host",
            where=where,
            hint="write a host name or address with an optional port, such as ghcr.io or localhost:5000, without a scheme",
        )
    return host


def split_host(host: str) -> tuple[str, int | None]:
    """Returns the host without brackets and the port, if there is one. `host` is as `check_host` returns it."""
    match = _HOST.fullmatch(host)
    if not match:
        return host, None
    return match[1].strip("[]"), int(match[2]) if match[2] else None


def is_loopback(host: str) -> bool:
    """Says whether `host` (with or without a port) can only be this machine."""
    name, _ = split_host(host)
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Returns host and port of a URL for messages; never its user, path or query."""
    return urlsplit(url).netloc.rpartition("@")[2]


def origin(url: str) -> tuple[str, str, int | None]:
    """Returns what must be equal for credentials to be sent on: scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
