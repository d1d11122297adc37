"""The public OpenSSH keys that a GitHub account, or one of another server of its kind, shows to everybody."""

from __future__ import annotations

import os
from urllib.parse import quote, urlsplit

from wasm_oci.errors import WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign2.help import GITHUB, GITHUB_VARIABLE
from wasm_oci.wasmsign2.texts import Refusal

_FAILED = "Usage error: Keys couldn't be retrieved from GitHub"
_NOT_TEXT = "Usage error: Unexpected characters in the public keys retrieved from GitHub"
_UNRESERVED = "!*'()"
"""What stays as it is in the account's name, besides letters, digits and `-_.~`."""


def fetch_keys(account: str) -> str:
    """Returns the lines of `<address>/<account>.keys`; raises Refusal, whose cause says why.

    Only https is spoken, or http to a loopback address, and no redirect leads to another host.
    """
    address = os.environ.get(GITHUB_VARIABLE) or GITHUB
    url = f"{address.rstrip('/')}/{quote(account, safe=_UNRESERVED, errors='surrogateescape')}.keys"
    from wasm_oci.http.host import is_loopback
    from wasm_oci.http.messages import HttpRequest
    from wasm_oci.http.transport import Transport

    if not _usable(address, is_loopback(_host(address))):
        raise Refusal(f"Usage error: {GITHUB_VARIABLE} is not an https address (http is for loopback only)")
    try:
        transport = Transport()
        try:
            request = HttpRequest(method="GET", url=url, step="fetching the keys", limit=LIMITS.github_keys, retry=False, leave_host=False)
            response = transport.send(request)
        finally:
            transport.close()
    except WasmOciError as err:
        raise Refusal(_FAILED) from err
    if response.status != 200:
        raise Refusal(_FAILED) from WasmOciError(f"the response has status {response.status}", where=_host(url))
    try:
        return response.body.decode()
    except UnicodeDecodeError as err:
        raise Refusal(_NOT_TEXT) from err


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _usable(address: str, loopback: bool) -> bool:
    if not _host(address) or not address.isascii() or not address.isprintable():
        return False
    parts = urlsplit(address)
    plain = not (parts.username or parts.password or parts.query or parts.fragment or "@" in parts.netloc)
    return plain and (parts.scheme == "https" or (parts.scheme == "http" and loopback))
