"""Certificates for servers on this machine."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
CENTURY = datetime.timedelta(days=36500)
AUTHORITY = "test authority"
_PEM = serialization.Encoding.PEM


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([_host("127.0.0.1")])
    certificate = _builder(AUTHORITY, key, 1).add_extension(names, critical=False).add_extension(_is_authority(), critical=True)
    path = folder / "authority.pem"
    path.write_bytes(certificate.sign(key, hashes.SHA256()).public_bytes(_PEM) + _secret(key))
    return path, _server(path)


def company(
    folder: Path,
    *,
    hosts: Sequence[str] = ("127.0.0.1", "registry.example"),
    start: datetime.datetime = START,
    life: datetime.timedelta = CENTURY,
    name: str = AUTHORITY,
) -> tuple[Path, ssl.SSLContext]:
    """An authority as companies have them, and a server's context with a certificate of it.

    Its basic constraints are not critical, and there are no key identifiers and no key usage: RFC 5280 asks for all of
    them, and most clients for none.
    """
    key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _builder(name, key, 1, issuer=name).add_extension(_is_authority(), critical=False).sign(key, hashes.SHA256())
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    certificate = (
        _builder(hosts[0], server_key, 2, start=start, life=life, issuer=name)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path, server = folder / "company.pem", folder / "server.pem"
    path.write_bytes(issuer.public_bytes(_PEM))
    server.write_bytes(certificate.public_bytes(_PEM) + _secret(server_key))
    return path, _server(server)


def client(folder: Path, *, name: str = "client", passphrase: bytes = b"") -> Path:
    """Writes a client certificate and its key as `NAME.cert` and `NAME.key`, and returns the file of its authority."""
    folder.mkdir(parents=True, exist_ok=True)
    key, client_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    owner = f"authority of {name}"
    issuer = _builder(owner, key, 1, issuer=owner).add_extension(_is_authority(), critical=True).sign(key, hashes.SHA256())
    certificate = _builder(name, client_key, 2, issuer=owner).sign(key, hashes.SHA256())
    (folder / f"{name}.cert").write_bytes(certificate.public_bytes(_PEM))
    (folder / f"{name}.key").write_bytes(_secret(client_key, passphrase))
    path = folder / f"{name}-authority.pem"
    path.write_bytes(issuer.public_bytes(_PEM))
    return path


def hashed_name() -> str:
    """The name by which OpenSSL looks up the certificate of `AUTHORITY` in a folder: a hash of its canonical subject."""
    text = AUTHORITY.encode()
    attribute = b"\x06\x03\x55\x04\x03" + b"\x0c" + bytes([len(text)]) + text
    sequence = b"\x30" + bytes([len(attribute)]) + attribute
    return hashlib.sha1(b"\x31" + bytes([len(sequence)]) + sequence).digest()[:4][::-1].hex() + ".0"  # noqa: S324 - OpenSSL's choice


def _builder(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    number: int,
    *,
    start: datetime.datetime = START,
    life: datetime.timedelta = CENTURY,
    issuer: str = AUTHORITY,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(start)
        .not_valid_after(start + life)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(host: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)


def _is_authority() -> x509.BasicConstraints:
    return x509.BasicConstraints(ca=True, path_length=None)


def _secret(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)


def _server(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
