"""A registry under a private authority, behind a proxy that wants a login, which may speak TLS itself."""

from __future__ import annotations

import os
import ssl
from contextlib import closing
from pathlib import Path

import pytest

from fakes.certificates import authority, client, company
from fakes.proxy import tunnel_proxy
from fakes.timing import IMPATIENT, FakeTime
from fakes.web import Web, reply, serve
from wasm_oci.http import host_certificates
from wasm_oci.http.messages import ConnectionLost, HttpRequest
from wasm_oci.http.transport import Transport

HOST = "registry.example"
URL = f"https://{HOST}:5000/v2/"
LOGIN = "me:s3cret-of-proxy"


@pytest.fixture(autouse=True)
def _no_proxies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)
    monkeypatch.setattr(host_certificates, "_SYSTEM_FOLDERS", (tmp_path / "certs.d",))


def send(environ: dict[str, str], ca_files: dict[str, str] | None = None) -> bytes:
    with closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ=environ, ca_files=ca_files or {})) as transport:
        return transport.send(HttpRequest(method="GET", url=URL, step="look", headers={"Authorization": "Basic c2VjcmV0"})).body


def secured(folder: Path, *, hosts: tuple[str, ...]) -> tuple[Path, ssl.SSLContext]:
    folder.mkdir()
    return company(folder, hosts=hosts, name=folder.name)


def who(web: Web) -> list[tuple[str, bool]]:
    """As whom the client showed itself, and whether it showed the credential of the proxy."""
    return [(asked.client, "proxy-authorization" in asked.headers) for asked in web.asked]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_client_certificate_goes_through_the_tunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    ca, context = secured(tmp_path / "registry", hosts=(HOST,))
    proxy_ca, proxy_context = secured(tmp_path / "proxy", hosts=("127.0.0.1",))
    folder = tmp_path / "certs.d" / f"{HOST}:5000"
    clients = client(folder)
    for each in (context, proxy_context):
        each.verify_mode = ssl.CERT_OPTIONAL
        each.load_verify_locations(clients)
    (folder / "ca.crt").write_bytes(ca.read_bytes())
    with (
        serve(lambda asked: reply(body=b"safe"), tls=context) as web,
        tunnel_proxy(web.port, login=LOGIN, tls=proxy_context if scheme == "https" else None) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{LOGIN}@127.0.0.1:{proxy.port}")
        assert send({"SSL_CERT_FILE": str(proxy_ca)}) == b"safe"
        assert (proxy.tunnels, proxy.refused, who(web)) == ([f"{HOST}:5000"], 0, [("client", False)])


def test_a_file_of_authorities_of_a_host_is_not_for_its_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, context = secured(tmp_path / "registry", hosts=(HOST,))
    proxy_ca, proxy_context = secured(tmp_path / "proxy", hosts=("127.0.0.1",))
    with (
        serve(lambda asked: reply(body=b"safe"), tls=context) as web,
        tunnel_proxy(web.port, tls=proxy_context) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy.port}")
        assert send({"SSL_CERT_FILE": str(proxy_ca)}, {HOST: str(ca)}) == b"safe"
        with pytest.raises(ConnectionLost, match=r"certificate of the proxy is not accepted: its issuer is unknown \(issuer: proxy\)"):
            send({"SSL_CERT_FILE": str(ca)}, {HOST: str(ca)})


def test_a_proxy_without_its_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, context = secured(tmp_path / "registry", hosts=(HOST,))
    with serve(lambda asked: reply(body=b"safe"), tls=context) as web, tunnel_proxy(web.port, login=LOGIN) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:other@127.0.0.1:{proxy.port}")
        with pytest.raises(ConnectionLost, match=r"the proxy requires a valid user name and password \(status 407\)"):
            send({"SSL_CERT_FILE": str(ca)})
        assert (proxy.tunnels, proxy.refused, web.asked) == ([], 1, [])


def test_a_host_that_is_exempt_is_reached_without_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, context = secured(tmp_path / "registry", hosts=(HOST,))
    with serve(lambda asked: reply(body=b"safe"), tls=context) as web, tunnel_proxy(web.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", f"{HOST}:5001")
        assert send({"SSL_CERT_FILE": str(ca)}) == b"safe"
        monkeypatch.setenv("NO_PROXY", ".example:5000")
        with pytest.raises(ConnectionLost, match="the host name is not known"):
            send({"SSL_CERT_FILE": str(ca)})
        assert proxy.tunnels == [f"{HOST}:5000"]


def test_a_certificate_that_signs_itself_is_trusted_at_one_host_only(tmp_path: Path) -> None:
    path, context = authority(tmp_path)
    with (
        serve(lambda asked: reply(body=b"safe"), tls=context) as web,
        serve(lambda asked: reply(), tls=context) as other,
        closing(Transport(limits=IMPATIENT, environ={}, ca_files={web.host: str(path)})) as transport,
    ):
        assert transport.send(HttpRequest(method="GET", url=f"https://{web.host}/", step="look")).body == b"safe"
        with pytest.raises(ConnectionLost, match="it is self-signed and not trusted"):
            transport.send(HttpRequest(method="GET", url=f"https://{other.host}/", step="look"))


def test_a_wrong_file_of_authorities_is_not_cured_by_another_variable(tmp_path: Path) -> None:
    for folder in (tmp_path / "right", tmp_path / "wrong"):
        folder.mkdir()
    (path, context), (wrong, _) = authority(tmp_path / "right"), authority(tmp_path / "wrong")
    with (
        serve(lambda asked: reply(), tls=context) as web,
        closing(Transport(limits=IMPATIENT, environ={"SSL_CERT_FILE": str(path)}, ca_files={web.host: str(wrong)})) as transport,
        pytest.raises(ConnectionLost, match="a host with such a file trusts nothing else"),
    ):
        transport.send(HttpRequest(method="GET", url=f"https://{web.host}/", step="look"))
