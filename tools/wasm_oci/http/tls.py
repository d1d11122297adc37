"""Whose certificates are accepted: those of the file that the environment names, else the system's, else certifi's."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import file_type, reason_of
from wasm_oci.http.deadline import WatchedTlsSocket

_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def certificate_file(environ: Mapping[str, str]) -> str:
    """Returns the file or folder of certificates that the environment names, empty where it names none.

    Raises UsageError where it does not exist, or cannot be looked up.
    """
    for name in _VARIABLES:
        if path := environ.get(name):
            if file_type(Path(path), what=f"certificate file of {name}") is None:
                raise UsageError(f"the certificate file of {name} does not exist", where=path, hint=f"correct or unset {name}")
            return path
    return ""


def tls_context(certificates: str) -> ssl.SSLContext:
    """Returns a context that checks certificates and host names by `certificates`, alone, where it is not empty.

    A `Deadline` covers its handshakes. Raises UsageError for a file without certificates.
    """
    context = _authorities(certificates)
    context.sslsocket_class = WatchedTlsSocket
    return context


def _authorities(certificates: str) -> ssl.SSLContext:
    if not certificates:
        context = ssl.create_default_context()
        if not _has_authorities(context):
            import certifi

            context.load_verify_locations(certifi.where())
        return context
    try:
        if Path(certificates).is_dir():
            return ssl.create_default_context(capath=certificates)
        return ssl.create_default_context(cafile=certificates)
    except (OSError, ValueError) as err:
        raise UsageError(
            f"cannot use the certificate file: {reason_of(err)}",
            where=certificates,
            hint=f"name a PEM file of certificates in {' or '.join(_VARIABLES)}",
        ) from err


def _has_authorities(context: ssl.SSLContext) -> bool:
    """Whether the system gave any; those of a folder are read only when they are asked for."""
    folder = ssl.get_default_verify_paths().capath
    return bool(context.cert_store_stats()["x509_ca"] or (folder and any(Path(folder).iterdir())))
