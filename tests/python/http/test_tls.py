"""Whose certificates are accepted, and what is said of those that are not."""

from __future__ import annotations

import datetime
import errno
import os
import socket
import ssl
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.certificates import authority, company, hashed_name
from fakes.lookups import deny_lookups
from fakes.timing import IMPATIENT, FakeTime
from fakes.web import Web, reply, serve
from wasm_oci.errors import UsageError
from wasm_oci.http import tls
from wasm_oci.http.messages import ConnectionLost, HttpRequest
from wasm_oci.http.tls import Authorities, authorities_of, tls_context
from wasm_oci.http.transport import Transport

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def bare_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system without any certificates, but for those that a test puts into the folder."""
    folder = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setattr(tls, "_SYSTEM_FILES", (str(folder / "bundle.crt"),))
    monkeypatch.setattr(tls, "_SYSTEM_FOLDERS", (str(folder / "certs"),))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(openssl_cafile="/nowhere", openssl_capath=""))
    (folder / "certs").mkdir()
    return folder


def get(url: str) -> HttpRequest:
    return HttpRequest(method="GET", url=url, step="look")


def accepts(web: Web, environ: dict[str, str]) -> bool:
    with closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ=environ)) as transport:
        try:
            return transport.send(get(f"https://{web.host}/")).body == b"safe"
        except ConnectionLost as err:
            assert "the server's certificate is not accepted" in str(err)
            return False


def refusal(url: str, environ: dict[str, str]) -> ConnectionLost:
    time = FakeTime()
    with closing(Transport(limits=IMPATIENT, timing=time.timing, environ=environ)) as transport, pytest.raises(ConnectionLost) as caught:
        transport.send(get(url))
    assert time.waits == [], "another attempt would end alike"
    return caught.value


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("name", ["company.crt", "hashed"])
def test_a_company_authority_is_named_by_the_environment(tmp_path: Path, bare_system: Path, variable: str, name: str) -> None:
    (tmp_path / "certs").mkdir()
    path, context = company(tmp_path)
    path = path.rename(tmp_path / "certs" / (hashed_name() if name == "hashed" else name))
    (tmp_path / "certs/README").write_text("no certificate")
    (tmp_path / "certs/gone.pem").symlink_to("nowhere")
    with serve(lambda asked: reply(body=b"safe"), tls=context) as web:
        assert not accepts(web, {})
        assert accepts(web, {variable: str(path.parent if variable == "SSL_CERT_DIR" else path)})
        assert accepts(web, {variable: str(path.parent)})
        assert not accepts(web, {variable: ""})


def test_variables_have_one_order(tmp_path: Path, bare_system: Path) -> None:
    path, context = company(tmp_path)
    other, good, bad = tmp_path / "other", str(path), ""
    other.mkdir()
    bad = str(company(other, name="other")[0])
    with serve(lambda asked: reply(body=b"safe"), tls=context) as web:
        assert accepts(web, {"SSL_CERT_FILE": good, "REQUESTS_CA_BUNDLE": bad, "CURL_CA_BUNDLE": bad, "SSL_CERT_DIR": str(other)})
        assert not accepts(web, {"SSL_CERT_FILE": bad, "REQUESTS_CA_BUNDLE": good, "CURL_CA_BUNDLE": good})
        assert accepts(web, {"REQUESTS_CA_BUNDLE": good, "CURL_CA_BUNDLE": bad})
        assert not accepts(web, {"REQUESTS_CA_BUNDLE": bad, "CURL_CA_BUNDLE": good})
        assert accepts(web, {"SSL_CERT_FILE": bad, "SSL_CERT_DIR": f"{other}{os.pathsep}/nowhere{os.pathsep}{tmp_path}"})


@pytest.mark.parametrize("place", ["bundle.crt", "certs/company.crt", "certs/hashed"])
def test_the_file_and_the_folder_of_the_system_count(tmp_path: Path, bare_system: Path, place: str) -> None:
    path, context = company(tmp_path)
    path.rename(bare_system / place.replace("hashed", hashed_name()))
    other = tmp_path / "other"
    other.mkdir()
    foreign = company(other, name="other")[0]
    with serve(lambda asked: reply(body=b"safe"), tls=context) as web:
        assert accepts(web, {})
        assert accepts(web, {"SSL_CERT_FILE": str(foreign)}) == place.startswith("certs")
        assert accepts(web, {"SSL_CERT_DIR": str(other)}) == (place == "bundle.crt")


def test_the_authorities_of_the_system_come_first(bare_system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certifi, "where", lambda: pytest.fail("the system has authorities"))
    company(tmp_path)[0].rename(bare_system / "bundle.crt")
    assert tls_context(Authorities()).cert_store_stats()["x509_ca"] == 1


def test_without_a_system_those_of_certifi_are_taken(bare_system: Path) -> None:
    assert tls_context(Authorities()).cert_store_stats()["x509_ca"] > 50
    assert tls_context(Authorities(folders=(str(bare_system),))).cert_store_stats()["x509_ca"] == 0


def test_what_is_checked(tmp_path: Path) -> None:
    context = tls_context(Authorities(folders=(str(tmp_path),)))
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert not context.verify_flags & ssl.VerifyFlags.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


def test_a_python_that_is_strict_by_default(tmp_path: Path, bare_system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    strict.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    monkeypatch.setattr(tls, "ssl", SimpleNamespace(**{**vars(ssl), "SSLContext": lambda protocol: strict}))
    assert not tls_context(Authorities()).verify_flags & ssl.VerifyFlags.VERIFY_X509_STRICT


@pytest.mark.parametrize(
    ("options", "host", "problem"),
    [
        ({}, "localhost", "it is for another host name; check the registry's name"),
        ({"hosts": ["registry.example"]}, "127.0.0.1", "it is for another IP address; use the host name"),
        ({"start": NOW - 2 * DAY, "life": DAY}, "127.0.0.1", "it is expired; check this machine's clock"),
        ({"start": NOW + 2 * DAY, "life": DAY}, "127.0.0.1", "it is not valid yet; check this machine's clock"),
    ],
)
def test_each_refusal_has_its_own_reason(tmp_path: Path, options: dict[str, object], host: str, problem: str) -> None:
    path, context = company(tmp_path, **options)  # type: ignore[arg-type]  # one of the options
    with serve(lambda asked: reply(body=b"safe"), tls=context) as web:
        error = refusal(f"https://{host}:{web.port}/", {"SSL_CERT_FILE": str(path)})
    assert f"the server's certificate is not accepted: {problem}" in str(error)
    assert error.reason == "tls_certificate"
    assert "SSL_CERT_FILE" not in str(error)


def test_an_unknown_issuer_says_what_to_set(tmp_path: Path, bare_system: Path) -> None:
    _, context = company(tmp_path)
    with serve(lambda asked: reply(), tls=context) as web:
        text = str(refusal(f"https://{web.host}/", {}))
        assert "its issuer is unknown (issuer: test authority); set SSL_CERT_FILE to the PEM file of your company's" in text
    _, context = authority(tmp_path)
    with serve(lambda asked: reply(), tls=context) as web:
        assert "it is self-signed and not trusted (issuer: test authority); set SSL_CERT_FILE" in str(refusal(f"https://{web.host}/", {}))


def test_a_server_without_tls_is_named() -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(reply("400 Bad Request"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        error = refusal(f"https://127.0.0.1:{listener.getsockname()[1]}/", {})
        thread.join()
    assert "the server does not speak TLS; check the port; for a plain HTTP registry give --plain-http" in str(error)


def test_places_that_do_not_exist_are_named() -> None:
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        with pytest.raises(UsageError, match=f"the certificate file of {variable} does not exist"):
            Transport(environ={variable: "/nowhere/ca.pem"})
    with pytest.raises(UsageError, match="the certificate folder of SSL_CERT_DIR does not exist"):
        Transport(environ={"SSL_CERT_DIR": f"/nowhere{os.pathsep}/nowhere/else"})


def test_a_certificate_file_that_cannot_be_looked_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="the certificate file of SSL_CERT_FILE does not exist"):
        Transport(environ={"SSL_CERT_FILE": "n" * 5000})
    with deny_lookups(monkeypatch), pytest.raises(UsageError, match="cannot look up the certificate file of SSL_CERT_FILE: Permission"):
        Transport(environ={"SSL_CERT_FILE": "/closed/ca.pem"})


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "DER"])
def test_a_file_without_certificates_is_named(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "ca.pem"
    der = x509.load_pem_x509_certificate(company(tmp_path)[0].read_bytes()).public_bytes(Encoding.DER)
    path.write_bytes(der if isinstance(content, str) else content)
    with (
        closing(Transport(limits=IMPATIENT, environ={"CURL_CA_BUNDLE": str(path)})) as transport,
        pytest.raises(
            UsageError, match="cannot use the certificate file of CURL_CA_BUNDLE: it holds no certificates in PEM form"
        ) as caught,
    ):
        transport.send(get("https://127.0.0.1:1/"))
    assert caught.value.where == str(path)
    assert "openssl x509 -inform DER" in str(caught.value)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
    with pytest.raises(UsageError, match="cannot use the certificate file of SSL_CERT_FILE: Permission denied; check the path"):
        tls_context(authorities_of({"SSL_CERT_FILE": str(company(tmp_path)[0])}))


def test_plain_http_reads_no_certificates(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(b"no certificate")
    with serve(lambda asked: reply(body=b"plain")) as web, closing(Transport(environ={"SSL_CERT_FILE": str(path)})) as transport:
        assert transport.send(get(f"http://{web.host}/")).body == b"plain"
