"""Why there was no answer, in words."""

from __future__ import annotations

import requests
import urllib3


def describe_network_error(error: BaseException) -> tuple[str, str]:
    """Returns what went wrong and what to do, from the type of an error: its text may hold signed URLs."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    if any(isinstance(e, requests.exceptions.SSLError) for e in chain):
        return "the TLS certificate or connection is not accepted", "for a company's own authority set SSL_CERT_FILE to its certificate"
    if any(isinstance(e, requests.exceptions.ProxyError) for e in chain):
        return "the proxy does not connect", "check HTTPS_PROXY and NO_PROXY"
    if any(isinstance(e, ConnectionRefusedError) for e in chain):
        return "the connection is refused", "check that the registry is running on this host and port"
    if any(isinstance(e, urllib3.exceptions.NameResolutionError) for e in chain):
        return "the host name is not known", "check the registry's name and the network"
    if any(isinstance(e, (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError)) for e in chain):
        return "no answer in time", "check that the registry is up and reachable, then run again"
    if any(isinstance(e, (requests.exceptions.InvalidURL, UnicodeError, urllib3.exceptions.LocationParseError)) for e in chain):
        return "the address is not a valid URL", "check the registry's name"
    return "the connection broke off", "run again; what has arrived is not sent a second time"
