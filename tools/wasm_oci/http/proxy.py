"""Which proxy the environment names for a URL, by the variables that curl and Python's own clients read."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from urllib.parse import unquote, unquote_to_bytes, urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from wasm_oci.errors import UsageError
from wasm_oci.http.host import is_loopback, parse_web_address
from wasm_oci.redaction import conceal

_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):([0-9]+)")
_HINT = "set it to an HTTP proxy, such as http://proxy.example:3128, or add the registry to NO_PROXY"


def proxy_of(url: str) -> str:
    """Returns the URL of the proxy for `url`, empty where there is none, as never for this machine.

    HTTPS_PROXY or HTTP_PROXY by the URL's scheme, else ALL_PROXY, in upper or lower case. NO_PROXY holds, separated by
    commas or spaces, hosts (with their subdomains), `.domain` (the same), `*.domain` (subdomains only), addresses and
    networks (10.0.0.0/8), each but a network with a port or without, or `*`. Without them the settings of macOS and Windows count.
    Raises UsageError for a proxy that is not one of http or https.
    """
    address = parse_web_address(url)
    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all", "")
    if not proxy or is_loopback(address.host) or _is_exempt(address.host, address.port):
        return ""
    if not getproxies_environment() and proxy_bypass(urlsplit(url).netloc):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    variable = _variable(address.scheme)
    if proxy.partition("://")[0].lower() not in ("http", "https"):
        raise UsageError("the proxy is not an HTTP proxy (SOCKS is not supported)", where=variable, hint=_HINT, reason="proxy")
    try:
        parse_web_address(proxy)
    except ValueError as err:
        raise UsageError("the address of the proxy is not a valid URL", where=variable, hint=_HINT, reason="proxy") from err
    return proxy


def proxy_headers(proxy: str) -> dict[str, str]:
    """Returns the headers that show a proxy the user name and password of its URL, and conceals the password."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    password = parts.password or ""
    encoded = base64.b64encode(b":".join((unquote_to_bytes(parts.username), unquote_to_bytes(password)))).decode("ascii")
    conceal(password, unquote(password), encoded)
    return {"proxy-authorization": f"Basic {encoded}"}


def _variable(scheme: str) -> str:
    """The variable that names the proxy, for messages."""
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name)), "system settings")


def _is_exempt(host: str, port: int) -> bool:
    entries = re.split(r"[,\s]+", getproxies_environment().get("no", "").lower())
    return any(_fits(entry, host, port) for entry in entries if entry)


def _fits(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if match := _PORT.fullmatch(entry):
        entry = match[1]
        if match[2] != str(port):
            return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass  # one of them is a name
    domain = entry.removeprefix("*").strip(".")
    return bool(domain) and (host.endswith(f".{domain}") or (host == domain and not entry.startswith("*")))
