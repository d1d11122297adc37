"""Why there was no response, in words."""

from __future__ import annotations

import http.client

from urllib3 import exceptions

_INVALID_URL = (exceptions.LocationValueError, UnicodeError, http.client.InvalidURL)


def describe_network_error(error: BaseException) -> tuple[str, str]:
    """Returns what went wrong and what to do, from the type of an error: its text may hold signed URLs."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)

    def is_any(*types: type[BaseException]) -> bool:
        return any(isinstance(each, types) for each in chain)

    if is_any(exceptions.ProxyError, exceptions.ProxySchemeUnknown):
        return "the proxy does not connect", "check HTTPS_PROXY and NO_PROXY"
    if is_any(exceptions.SSLError):
        return "the TLS certificate or connection is not accepted", "for a company's own authority set SSL_CERT_FILE to its certificate"
    if is_any(ConnectionRefusedError):
        return "the connection is refused", "check that the registry is running on this host and port"
    if is_any(exceptions.NameResolutionError):
        return "the host name is not known", "check the registry's name and the network"
    if is_any(TimeoutError, exceptions.TimeoutError):
        return "no response in time", "check that the registry is up and reachable, then run again"
    if is_any(*_INVALID_URL):
        return "the address is not a valid URL", "check the registry's name"
    return "the connection broke off", "run again; what has arrived is not sent a second time"
