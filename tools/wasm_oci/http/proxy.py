"""Which proxy the environment names for a URL, by the variables that curl and Python's own clients read."""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from urllib3 import make_headers

from wasm_oci.http.host import is_loopback


def proxy_of(url: str) -> str:
    """Returns the URL of the proxy for `url`, empty where there is none, as never for this machine.

    HTTPS_PROXY or HTTP_PROXY by the URL's scheme, else ALL_PROXY; NO_PROXY holds hosts, with their subdomains, and
    networks (10.0.0.0/8). All may be written in lower case. Without them the settings of macOS and Windows count.
    """
    parts = urlsplit(url)
    proxies, host = getproxies(), parts.hostname or ""
    proxy = proxies.get(parts.scheme) or proxies.get("all", "")
    if not proxy or is_loopback(host) or proxy_bypass(parts.netloc.rpartition("@")[2]) or _in_networks(host):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def proxy_headers(proxy: str) -> dict[str, str]:
    """Returns the headers that show a proxy the user name and password of its URL."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    return dict(make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"))


def _in_networks(host: str) -> bool:
    """Whether NO_PROXY names a network that holds the address `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in getproxies_environment().get("no", "").split(","):
        try:
            if address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False
