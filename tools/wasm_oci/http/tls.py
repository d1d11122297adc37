"""Which certificate authorities are trusted: a file and a folder, each named by the environment or else the system's.

The file is the first of SSL_CERT_FILE, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE that is set, the folder SSL_CERT_DIR: each
takes the place of the system's own, as in OpenSSL. A system that has neither gets the list of certifi.
"""

from __future__ import annotations

import os
import re
import ssl
import stat
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wasm_oci.errors import UsageError
from wasm_oci.files import file_type, reason_of
from wasm_oci.http.deadline import WatchedTlsSocket
from wasm_oci.http.host_certificates import HostCertificates
from wasm_oci.limits import LIMITS

_FILE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_FOLDER_VARIABLE = "SSL_CERT_DIR"
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Debian, Fedora and RHEL (two generations), SUSE, Alpine and macOS."""
_SYSTEM_FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs")
_HASHED = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")
"""How OpenSSL names the files that it looks up in a folder by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorities:
    """Where the environment says that certificates are; what is empty is the system's."""

    file: str = ""
    file_variable: str = ""
    folders: tuple[str, ...] = ()


def authorities_of(environ: Mapping[str, str]) -> Authorities:
    """Returns the file and the folders of certificates that the environment names.

    Raises UsageError where one does not exist, or cannot be looked up.
    """
    named = [folder for folder in environ.get(_FOLDER_VARIABLE, "").split(os.pathsep) if folder]
    what = f"certificate folder of {_FOLDER_VARIABLE}"
    folders = tuple(folder for folder in named if file_type(Path(folder), what=what) == stat.S_IFDIR)
    if named and not folders:
        hint = f"correct or unset {_FOLDER_VARIABLE}"
        raise UsageError(f"the {what} does not exist", where=environ[_FOLDER_VARIABLE], hint=hint)
    for name in _FILE_VARIABLES:
        if path := environ.get(name):
            kind = file_type(Path(path), what=f"certificate file of {name}")
            if kind is None:
                raise UsageError(f"the certificate file of {name} does not exist", where=path, hint=f"correct or unset {name}")
            if kind == stat.S_IFDIR:  # as other programs take it
                return Authorities(file_variable=name, folders=(path, *folders))
            return Authorities(file=path, file_variable=name, folders=folders)
    return Authorities(folders=folders)


NO_CERTIFICATES = HostCertificates()
_ISSUER_NAMES = ("commonName", "organizationName")
_ISSUER_LENGTH = 100


class _Encrypted(Exception):
    """A key asks for a passphrase."""


class _TlsSocket(WatchedTlsSocket):
    """Notes with a certificate that is not accepted who issued it."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except ssl.SSLCertVerificationError as err:
            if issuer := _last_issuer(self):
                err.add_note(issuer)
            raise


def _last_issuer(connection: Any) -> str:
    """Returns who issued the last certificate that a server sent, empty where it is not known; nobody has verified it."""
    with suppress(AttributeError, LookupError, TypeError, ValueError, ssl.SSLError):
        names = connection._sslobj.get_unverified_chain()[-1].get_info()["issuer"]  # of `ssl` itself only since Python 3.13
        return ", ".join(value for relative in names for name, value in relative if name in _ISSUER_NAMES)[:_ISSUER_LENGTH]
    return ""


def tls_context(authorities: Authorities, host: HostCertificates = NO_CERTIFICATES) -> ssl.SSLContext:
    """Returns a context that checks certificates and host names; a `Deadline` covers its handshakes.

    With the certificates of a host it is for this host only: whom else it trusts there, and as whom it shows itself. Raises
    UsageError for a file without certificates, one that cannot be read, or a key that is not the client certificate's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some distributions leave it to OpenSSL's configuration
    # Strict means RFC 5280 to the letter, which many company authorities are not and other clients do not ask for;
    # a partial chain ends at any certificate that is trusted here, also one that is not a root.
    context.verify_flags = (context.verify_flags | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VerifyFlags.VERIFY_X509_STRICT
    context.sslsocket_class = _TlsSocket
    for certificate, key in reversed(host.clients):  # the last of each kind of key is the one that OpenSSL sends
        _load_client(context, certificate, key)
    if host.only:
        _load_file(context, host.only, "--ca-file, or ca_file of a wkg_registry_config")
        return context
    _load_authorities(context, authorities)
    for path in host.authorities:
        _load_file(context, path, "certs.d")
    return context


def _load_authorities(context: ssl.SSLContext, authorities: Authorities) -> None:
    loaded = (
        _load_file(context, authorities.file, authorities.file_variable) if authorities.file else _load_system_file(context, authorities)
    )
    for folder in authorities.folders or _existing(_SYSTEM_FOLDERS, ssl.get_default_verify_paths().openssl_capath):
        loaded = _load_folder(context, Path(folder)) or loaded
    if not loaded and not authorities.folders:
        import certifi

        context.load_verify_locations(certifi.where())


def _load_client(context: ssl.SSLContext, certificate: str, key: str) -> None:
    def ask() -> str:
        raise _Encrypted

    try:
        context.load_cert_chain(certificate, key, password=ask)
    except _Encrypted as err:
        hint = "write it without a passphrase, readable by you only: `openssl pkey -in FILE -out FILE`"
        raise UsageError("the key of the client certificate is encrypted", where=key, hint=hint) from err
    except (OSError, ValueError) as err:
        matches = not isinstance(err, ssl.SSLError) or err.reason != "KEY_VALUES_MISMATCH"
        problem = "it or its key is not in PEM form, or damaged" if isinstance(err, ssl.SSLError) else reason_of(err)
        what = f"cannot use the client certificate: {problem if matches else 'its key belongs to another certificate'}"
        raise UsageError(what, where=certificate, hint=f"replace it and {key}") from err


def _existing(paths: Iterable[str], own: str) -> tuple[str, ...]:
    """The system's own path, which OpenSSL was built with, and the others that exist; each place once."""
    found = (path for path in (own, *paths) if path and os.path.exists(path))  # noqa: PTH110 - Path.exists raises
    return tuple({os.path.realpath(path): path for path in found})


def _load_file(context: ssl.SSLContext, path: str, named_by: str) -> bool:
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as err:
        holds_none = isinstance(err, ssl.SSLError)
        problem = "it holds no certificates in PEM form, or a damaged one" if holds_none else reason_of(err)
        convert = "name a PEM file; `openssl x509 -inform DER -in FILE -out ca.pem` converts a DER file"
        raise UsageError(
            f"cannot use the certificate file of {named_by}: {problem}",
            where=path,
            hint=convert if holds_none else "check the path and its permissions",
        ) from err
    return True


def _load_system_file(context: ssl.SSLContext, authorities: Authorities) -> bool:
    if authorities.file_variable:  # it names a folder
        return False
    if sys.platform == "win32":
        context.load_default_certs()
    for path in _existing(_SYSTEM_FILES, ssl.get_default_verify_paths().openssl_cafile):
        with suppress(OSError):
            context.load_verify_locations(cafile=path)
            break
    return bool(context.cert_store_stats()["x509_ca"])


def _load_folder(context: ssl.SSLContext, folder: Path) -> bool:
    """Has OpenSSL look up what is named by hash, and reads what is not; says whether there is any certificate.

    What cannot be read there is passed over: a folder of certificates may hold other files.
    """
    try:
        names = sorted(os.listdir(folder))[: LIMITS.certificate_files]  # noqa: PTH208 - names, not paths
    except OSError as err:
        raise UsageError(
            f"cannot read the certificate folder: {reason_of(err)}", where=str(folder), hint="check the path and its permissions"
        ) from err
    hashed = {os.path.realpath(folder / name) for name in names if _HASHED.fullmatch(name)}
    if hashed:
        context.load_verify_locations(capath=str(folder))
    before = context.cert_store_stats()["x509"]
    for path in (folder / name for name in names):
        with suppress(OSError, ValueError):
            if os.path.realpath(path) not in hashed and path.is_file() and path.stat().st_size <= LIMITS.certificate_file:
                context.load_verify_locations(cafile=str(path))
    return bool(hashed) or context.cert_store_stats()["x509"] > before
