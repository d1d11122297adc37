"""Where a Location or Link header leads, and whether it may be followed."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from wasm_oci.errors import RegistryError
from wasm_oci.http.host import allows_plain_http, host_of, origin, parse_web_address


def location_target(base: str, location: str, *, step: str, plain_http: Collection[str] = ()) -> str:
    """Returns the absolute URL of a Location or Link header's target; raises RegistryError for one that must not be followed.

    Plain http goes on to plain http on the same host, on this machine, and on a host of `plain_http`. A fragment, which is not
    sent (RFC 9110, section 4.2.5), is left out.
    """
    try:
        target, _ = urldefrag(urljoin(base, location.strip()))
        old, new = urlsplit(base), urlsplit(target)
        if new.scheme in ("http", "https"):
            origin(target)
    except ValueError as err:
        raise RegistryError(f"{step}: the registry names a Location that is not a URL", where=host_of(base)) from err
    if problem := _unsafe(old, new, plain_http):
        raise RegistryError(
            f"{step}: {problem}", where=host_of(base), reason="unsafe_redirect", hint="check the registry's address and its proxy"
        )
    return target


def _unsafe(old: SplitResult, new: SplitResult, plain_http: Collection[str]) -> str:
    if new.scheme not in ("http", "https") or not new.hostname:
        return "the registry names a Location that is not a web address"
    if "@" in new.netloc:
        return "the registry names a Location with a user name in it"
    if new.scheme == "http" and old.scheme == "https":
        return f"refused to go on from https to plain http at {new.netloc}"
    if new.scheme == "http" and new.hostname != old.hostname and not allows_plain_http(parse_web_address(new.geturl()).netloc, plain_http):
        return f"refused to go on to another host by plain http at {new.netloc}"
    return ""
