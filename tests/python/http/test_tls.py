"""Whose certificates are accepted."""

from __future__ import annotations

import ssl
from contextlib import closing
from pathlib import Path

import certifi
import pytest

from fakes.certificates import authority
from fakes.lookups import deny_lookups
from fakes.timing import IMPATIENT, FakeTime
from fakes.web import reply, serve
from wasm_oci.errors import UsageError
from wasm_oci.http.messages import ConnectionLost, HttpRequest
from wasm_oci.http.tls import tls_context
from wasm_oci.http.transport import Transport


def get(url: str) -> HttpRequest:
    return HttpRequest(method="GET", url=url, step="look")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_company_authority_is_named_by_the_environment(tmp_path: Path, variable: str) -> None:
    path, context = authority(tmp_path)
    with serve(lambda asked: reply(body=b"safe"), tls=context) as web:
        with closing(Transport(limits=IMPATIENT, environ={variable: str(path)})) as trusting:
            assert trusting.send(get(f"https://{web.host}/")).body == b"safe"
        with (
            closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as strict,
            pytest.raises(ConnectionLost, match=r"TLS certificate.*set SSL_CERT_FILE"),
        ):
            strict.send(get(f"https://{web.host}/"))


def test_a_certificate_file_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="the certificate file of SSL_CERT_FILE does not exist"):
        Transport(environ={"SSL_CERT_FILE": "/nowhere/ca.pem"})


def test_a_certificate_file_that_cannot_be_looked_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="the certificate file of SSL_CERT_FILE does not exist"):
        Transport(environ={"SSL_CERT_FILE": "n" * 5000})
    with deny_lookups(monkeypatch), pytest.raises(UsageError, match="cannot look up the certificate file of SSL_CERT_FILE: Permission"):
        Transport(environ={"SSL_CERT_FILE": "/closed/ca.pem"})


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    path, context = authority(tmp_path)
    with (
        serve(lambda asked: reply(body=b"safe"), tls=context) as web,
        closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={"SSL_CERT_FILE": str(path)})) as transport,
        pytest.raises(ConnectionLost, match="TLS certificate"),
    ):
        transport.send(get(f"https://localhost:{web.port}/"))


def test_a_folder_of_certificates(tmp_path: Path) -> None:
    context = tls_context(str(tmp_path))
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == 0


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificates_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with (
        closing(Transport(limits=IMPATIENT, environ={"SSL_CERT_FILE": str(path)})) as transport,
        pytest.raises(UsageError, match="cannot use the certificate file") as caught,
    ):
        transport.send(get("https://127.0.0.1:1/"))
    assert caught.value.where == str(path)


def test_plain_http_reads_no_certificates(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(b"no certificate")
    with serve(lambda asked: reply(body=b"plain")) as web, closing(Transport(environ={"SSL_CERT_FILE": str(path)})) as transport:
        assert transport.send(get(f"http://{web.host}/")).body == b"plain"


def test_the_authorities_of_the_system_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr(certifi, "where", lambda: loaded.append("certifi"))
    path, _ = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))  # here OpenSSL's own variable: what it takes for the system's
    assert tls_context("").cert_store_stats()["x509_ca"] == 1
    assert loaded == []


def test_without_a_system_those_of_certifi_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "absent"))
    assert tls_context("").cert_store_stats()["x509_ca"] > 50
