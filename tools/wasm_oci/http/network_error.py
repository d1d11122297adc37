"""Why there was no response, in words."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from urllib3 import exceptions

_INVALID_URL = (exceptions.LocationValueError, UnicodeError, http.client.InvalidURL)
_INVALID_RESPONSE = (exceptions.InvalidHeader, exceptions.InvalidChunkLength, http.client.BadStatusLine, http.client.LineTooLong)
"""What the next attempt would not change. A response that ends too early is not among them: that connection was lost."""
WITH_TLS = "omit plain_http and --plain-http for this host, and write the name in its certificate in place of localhost or 127.0.0.1"
"""The remedy where a server that expects TLS was spoken to without."""
_TLS_RECORD = re.compile("[\x14-\x17]\x03")
"""How a server that expects TLS begins its answer to anything else (RFC 8446, section 5.1): an alert."""
_ISSUER = (
    "set SSL_CERT_FILE to the PEM file of your company's certificate authority (for one host only: --ca-file HOST=FILE, or ca_file of "
    "the registry_config; a host with such a file trusts nothing else), or check the registry's name"
)
_CLIENT = "put it into ~/.docker/certs.d/HOST:PORT as client.cert and client.key"
_OTHER_CLIENT = ("the server does not accept the client certificate", "replace client.cert and client.key in certs.d/HOST:PORT")
_CLOCK = "check this machine's clock, or have the server's certificate renewed"
_CERTIFICATES = {
    2: ("its issuer is unknown", _ISSUER),
    7: ("its issuer has another key than the trusted authority of that name", _ISSUER),
    9: ("it is not valid yet", _CLOCK),
    10: ("it is expired", _CLOCK),
    18: ("it is self-signed and not trusted", _ISSUER),
    19: ("its chain ends at an authority that is not trusted", _ISSUER),
    20: ("its issuer is unknown", _ISSUER),
    21: ("its issuer is unknown", _ISSUER),
    23: ("it is revoked", "have the server's certificate replaced"),
    62: ("it is for another host name", "check the registry's name, and that no proxy or captive portal answers in its place"),
    64: ("it is for another IP address", "use the host name that the certificate has"),
    66: ("its key is too weak", "have the server's certificate replaced"),
    67: ("the key of its authority is too weak", "have the authority's certificate replaced"),
    68: ("its signature uses a weak hash", "have the server's certificate replaced"),
}
"""Verification errors of OpenSSL (X509_V_ERR_…, X509_STORE_CTX_get_error(3)): what is wrong with the certificate, and what to do."""
_HANDSHAKES = {
    "WRONG_VERSION_NUMBER": ("the server does not speak TLS", "check the port; for a plain HTTP registry give --plain-http HOST:PORT"),
    "HTTP_REQUEST": ("the server does not speak TLS", "check the port; for a plain HTTP registry give --plain-http HOST:PORT"),
    "UNSUPPORTED_PROTOCOL": ("the server does not support TLS 1.2 or newer", "update the server"),
    "TLSV1_ALERT_PROTOCOL_VERSION": ("the server does not support TLS 1.2 or newer", "update the server"),
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": ("the server or a proxy uses unsafe TLS renegotiation", "update the server or the proxy"),
    "DH_KEY_TOO_SMALL": ("the server's Diffie-Hellman key is too small", "update the server"),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": ("the server requires a client certificate", _CLIENT),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": ("the server refused the TLS handshake", f"if it requires a client certificate, {_CLIENT}"),
    "SSLV3_ALERT_BAD_CERTIFICATE": _OTHER_CLIENT,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _OTHER_CLIENT,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _OTHER_CLIENT,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _OTHER_CLIENT,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _OTHER_CLIENT,
    "TLSV1_ALERT_UNKNOWN_CA": _OTHER_CLIENT,
    "TLSV1_ALERT_DECRYPT_ERROR": _OTHER_CLIENT,
    "TLSV1_ALERT_ACCESS_DENIED": _OTHER_CLIENT,
}
"""Failures of a TLS handshake by OpenSSL's name of the reason."""


_TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3})")
"""What http.client says of a proxy's refusal; nothing else of that text is used."""


class ProxyAuthenticationRequired(Exception):
    """A proxy answered a request with 407 (RFC 9110, section 15.5.8)."""


class NotThisMachine(OSError):
    """A name of the loopback interface (RFC 6761, section 6.3) led to another address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkProblem:
    """What went wrong and what to do; from the type of an error, for its text may hold signed URLs."""

    what: str
    hint: str
    reason: str = "no_answer"
    """For programs."""
    permanent: bool = False
    """Whether the next attempt would end alike."""


def causes_of(error: BaseException) -> list[BaseException]:
    """Returns an error and, one after the other, what it came from."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__ or _wrapped(chain[-1])) and cause not in chain:
        chain.append(cause)
    return chain


def _wrapped(error: BaseException) -> BaseException | None:
    """What urllib3 made an error of without saying that it is its cause, as for a proxy whose certificate is not accepted."""
    return next((each for each in reversed(error.args) if isinstance(each, BaseException)), None)


def describe_network_error(error: BaseException) -> NetworkProblem:
    """Returns what an error of urllib3, ssl or the system means."""
    chain = causes_of(error)

    def is_any(*types: type[BaseException]) -> bool:
        return any(isinstance(each, types) for each in chain)

    by_proxy = is_any(exceptions.ProxyError, exceptions.ProxySchemeUnknown)
    if problem := next(_tls_problems(chain), None):
        return problem
    if by_proxy or is_any(ProxyAuthenticationRequired):
        return _proxy_problem(chain)
    if is_any(NotThisMachine):
        hint = "correct its address in DNS or /etc/hosts, or write 127.0.0.1"
        return NetworkProblem(what="this name of the local machine leads to another one", hint=hint, permanent=True)
    if is_any(exceptions.SSLError, ssl.SSLError) and not is_any(ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return NetworkProblem(what="the TLS handshake failed", hint="check the registry's address and port", reason="tls")
    if is_any(ConnectionRefusedError):
        return NetworkProblem(what="the connection is refused", hint="check that the registry is running on this host and port")
    if is_any(exceptions.NameResolutionError):
        return NetworkProblem(what="the host name is not known", hint="check the registry's name and the network")
    if is_any(TimeoutError, exceptions.TimeoutError):
        return NetworkProblem(what="no response in time", hint="check that the registry is up and reachable, then run again")
    if any(isinstance(each, http.client.BadStatusLine) and _TLS_RECORD.match(str(each)) for each in chain):
        return NetworkProblem(what="the server expects TLS", hint=WITH_TLS, reason="tls", permanent=True)
    too_many = any(type(each) is http.client.HTTPException for each in chain)  # headers: http.client has no type for it
    if too_many or (is_any(*_INVALID_RESPONSE) and not is_any(http.client.RemoteDisconnected)):
        hint = "check the registry's address and port, and the proxy before it"
        return NetworkProblem(what="the response is not valid HTTP", hint=hint, reason="malformed_response", permanent=True)
    if is_any(*_INVALID_URL):
        return NetworkProblem(what="the address is not a valid URL", hint="check the registry's name")
    return NetworkProblem(what="the connection was closed", hint="run again; what has arrived is not sent a second time")


def _proxy_problem(chain: list[BaseException]) -> NetworkProblem:
    status = next((match[1] for each in chain if (match := _TUNNEL.search(str(each)))), "")
    if status == "407" or any(isinstance(each, ProxyAuthenticationRequired) for each in chain):
        return NetworkProblem(
            what="the proxy requires a valid user name and password (status 407)",
            hint="write HTTPS_PROXY as http://USER:PASSWORD@HOST:PORT, or add the registry to NO_PROXY",
            reason="proxy_authentication",
            permanent=True,
        )
    what = "the proxy does not connect" + (f" (status {status})" if status else "")
    return NetworkProblem(what=what, hint="check HTTPS_PROXY and NO_PROXY", reason="proxy")


def _tls_problems(chain: list[BaseException]) -> Iterator[NetworkProblem]:
    by_proxy = any(isinstance(each, exceptions.ProxyError) for each in chain)
    whose = "the certificate of the proxy is not accepted" if by_proxy else "the server's certificate is not accepted"
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            what, hint = _CERTIFICATES.get(each.verify_code, (f"OpenSSL error {each.verify_code}", _ISSUER))
            if hint == _ISSUER and (issuer := next(iter(getattr(each, "__notes__", ())), "")):
                what += f" (issuer: {issuer})"
            yield NetworkProblem(what=f"{whose}: {what}", hint=hint, reason="tls_certificate", permanent=True)
        elif isinstance(each, ssl.SSLError) and each.reason in _HANDSHAKES:
            what, hint = _HANDSHAKES[each.reason]
            yield NetworkProblem(what=what, hint=hint, reason="tls", permanent=True)
