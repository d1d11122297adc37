"""Certificates for one host, where Docker and Podman look for them: `certs.d/HOST[:PORT]` (containers-certs.d(5)).

`*.crt` are authorities, trusted for this host beside the system's; `NAME.cert` with `NAME.key` is a client certificate.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import reason_of
from wasm_oci.http.host import WebAddress
from wasm_oci.limits import LIMITS

_log = logging.getLogger(__name__)

_OWN_FOLDERS = (".config/containers/certs.d", ".docker/certs.d", ".config/docker/certs.d")
"""Below the home directory: Podman's, Docker's, and Docker's without root."""
_SYSTEM_FOLDERS = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))
_DEFAULT_PORT = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCertificates:
    """What is there for one host; all empty for most."""

    only: str = ""
    """A file of certificate authorities that are trusted in place of all others."""
    authorities: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = ()
    """Files of a client certificate and its key, the preferred one first."""


class CertificateFolders:
    """The folders of `environ` and of the system, the user's own first; the first that has a folder for a host is taken."""

    def __init__(self, environ: Mapping[str, str], ca_files: Mapping[str, str]) -> None:
        """`ca_files` names a file of authorities by `host[:port]`, all ports where it names none."""
        home = environ.get("HOME") or environ.get("USERPROFILE")
        own = (Path(home) / folder for folder in _OWN_FOLDERS) if home else ()
        self._folders = (*own, *_SYSTEM_FOLDERS)
        self._ca_files = {host.lower(): path for host, path in ca_files.items()}

    def of(self, address: WebAddress) -> HostCertificates:
        """Returns the certificates for a host that is reached by TLS.

        Raises UsageError for a client certificate without its key, and the other way round. What exists and may not be read is
        passed over with a warning: Docker's folder is often for the superuser only.
        """
        names = _names(address)
        only = next((self._ca_files[name] for name in (*names, _host(address)) if name in self._ca_files), "")
        for folder in (folder / _file_name(name) for folder in self._folders for name in names):
            if (found := _read(folder)) is not None:
                return HostCertificates(
                    only=only,
                    authorities=tuple(str(folder / name) for name in found if name.endswith(".crt") and _is_readable(folder / name)),
                    clients=tuple(_clients(folder, found)),
                )
        return HostCertificates(only=only)


def _host(address: WebAddress) -> str:
    return f"[{address.host}]" if ":" in address.host else address.host


def _names(address: WebAddress) -> tuple[str, ...]:
    """How the host is written in a reference: without a port, it is the port of https."""
    return (_host(address), address.netloc) if address.port == _DEFAULT_PORT else (address.netloc,)


def _file_name(name: str) -> str:
    return name.replace(":", "") if sys.platform == "win32" else name


def _read(folder: Path) -> list[str] | None:
    """Returns the names in a folder, None where it does not exist, as far as can be seen."""
    try:
        folder.stat()
    except (OSError, ValueError):
        return None
    try:
        return sorted(os.listdir(folder))[: LIMITS.certificate_files]  # noqa: PTH208 - names, not paths
    except NotADirectoryError:
        return None
    except OSError as err:
        _log.warning("cannot read the certificate folder %s: %s; it is not used", folder, reason_of(err))
        return None


def _clients(folder: Path, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        stem, _, kind = name.rpartition(".")
        other = {"cert": f"{stem}.key", "key": f"{stem}.cert"}.get(kind, "")
        if not stem or not other:
            continue
        if other not in names:
            whose = "client certificate without its key" if kind == "cert" else "key without its client certificate"
            hint = f"add {other}; the certificate of an authority must be named {stem}.crt" if kind == "cert" else f"add {other}"
            raise UsageError(whose, where=str(folder / name), hint=hint)
        if kind == "cert" and _is_readable(folder / name) and _is_readable(folder / other):
            yield str(folder / name), str(folder / other)


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError as err:
        _log.warning("cannot read %s: %s; it is not used", path, reason_of(err))
        return False
