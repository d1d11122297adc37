"""Hosts: `host[:port]` as in RFC 3986 (IPv6 in square brackets), the hosts of URLs, and what an address says of itself.

A URL's host is parsed here only. Forms that two programs may read differently are refused, not interpreted.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from wasm_oci.errors import UsageError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?")
_USER = r"[!\"$-.0->@-Z^-~]*@"
_URL = re.compile(rf"(https?)://({_USER})?([^/?#@]*)(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
_URL_HOST = re.compile(r"([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_PORTS = {"http": 80, "https": 443}

_LOCAL_NAMES = ("localdomain", "ip6-localhost", "ip6-loopback")
_LOCAL_DOMAIN = ".localdomain"
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_EMBEDDING = tuple(
    ipaddress.IPv6Network(text)
    for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")
)
"""IPv4-compatible, -mapped and -translated (RFC 4291, RFC 7915), NAT64 (RFC 6052, RFC 8215), Teredo, 6to4, site-local (RFC 3879)."""
_NOT_EMBEDDING = frozenset({ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1")})
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The second-last 32 bits of an ISATAP address (RFC 5214)."""

NAME_LENGTH = 255
"""Longest host and repository together that the common clients accept."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """Where a URL leads, as every HTTP client reads it."""

    scheme: str
    """http or https."""
    host: str
    """In lower case, without brackets and without a final dot."""
    port: int
    has_user: bool

    @property
    def netloc(self) -> str:
        """Host and port as in a URL, without a user."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_web_address(url: str) -> WebAddress:
    """Returns scheme, host and port of an http or https URL.

    Raises ValueError, without the URL, for a host with percent-encoding, a backslash, a space or a character outside
    ASCII, for a number that is not an IPv4 address of four decimal parts (127.1, 0x7f.0.0.1, 2130706433), and for an
    IPv6 address with a zone or one that stands for another address (NAT64, IPv4-mapped, 6to4, Teredo, site-local).
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("the URL has no valid host")
    return _parse_authority(match[1].lower(), match[3], has_user=match[2] is not None)


@lru_cache(maxsize=64)
def _parse_authority(scheme: str, authority: str, *, has_user: bool) -> WebAddress:
    """A run speaks to a few hosts, and asks for each request where it leads."""
    match = _URL_HOST.fullmatch(authority)
    if match is None:
        raise ValueError("the URL has no valid host")
    host, digits = match[1].removesuffix(".").lower(), match[2]
    port = int(digits) if digits else _PORTS[scheme]
    if not _is_unambiguous(host) or len(host) > NAME_LENGTH or not 0 < port < 65536:
        raise ValueError("the URL has no valid host")
    return WebAddress(scheme=scheme, host=host.strip("[]"), port=port, has_user=has_user)


def check_host(host: str, *, where: str = "") -> str:
    """Returns `host` (with its port, if any); raises UsageError for anything that is not `host[:port]`."""
    match = _HOST.fullmatch(host)
    if not match or len(host) > NAME_LENGTH or not _is_unambiguous(match[1]) or (match[2] and not 0 < int(match[2]) < 65536):
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


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Says whether `host` (with or without a port) is this machine: localhost, *.localhost (RFC 6761), 127.0.0.0/8 or ::1."""
    name = split_host(host)[0].lower()
    address = _address(name)
    if isinstance(address, ipaddress.IPv6Address):
        return address == ipaddress.IPv6Address("::1")
    if address is not None:
        return address.is_loopback
    return name == "localhost" or (name.endswith(".localhost") and _HOST.fullmatch(name) is not None)


def allows_plain_http(host: str, allowed: Collection[str]) -> bool:
    """Says whether `host[:port]` may be reached without TLS: this machine, and what `allowed` names, all ports where it names none."""
    name, _ = split_host(host.lower())
    return is_loopback(host) or any(each.lower() == host.lower() or split_host(each.lower()) == (name, None) for each in allowed)


def is_internal(host: str) -> bool:
    """Says whether the host of a `WebAddress` shows that it is this machine or in a private network."""
    if is_loopback(host) or host in _LOCAL_NAMES or host.endswith(_LOCAL_DOMAIN):
        return True
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address):
        return address not in _GLOBAL_UNICAST or not address.is_global
    return address is not None and (not address.is_global or address.is_multicast)


def host_of(url: str) -> str:
    """Returns host and port of a URL for messages; never its user, path or query."""
    return urlsplit(url).netloc.rpartition("@")[2]


def origin(url: str) -> tuple[str, str, int]:
    """Returns what must be equal for credentials to be sent on: scheme, host and port; raises as `parse_web_address`."""
    address = parse_web_address(url)
    return address.scheme, address.host, address.port


def _is_unambiguous(host: str) -> bool:
    """Whether every program reads `host`, which has brackets around IPv6, as the same name or address."""
    if host.startswith("["):
        address = _address(host[1:-1])
        return isinstance(address, ipaddress.IPv6Address) and not _embeds_another(address)
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is None or _address(host) is not None


def _embeds_another(address: ipaddress.IPv6Address) -> bool:
    if address in _NOT_EMBEDDING:
        return False
    return any(address in network for network in _EMBEDDING) or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
