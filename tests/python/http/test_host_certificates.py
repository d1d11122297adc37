"""Certificates of single hosts: where they are looked for, whom they are shown to, and what is said of unusable ones."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from fakes.certificates import client, company
from fakes.timing import IMPATIENT, FakeTime
from fakes.web import Asked, Web, reply, serve
from wasm_oci.cli.main import main
from wasm_oci.errors import UsageError
from wasm_oci.http import host_certificates
from wasm_oci.http.host import parse_web_address
from wasm_oci.http.host_certificates import CertificateFolders, HostCertificates
from wasm_oci.http.messages import ConnectionLost, HttpRequest, HttpResponse
from wasm_oci.http.routes import Routes
from wasm_oci.http.tls import Authorities
from wasm_oci.http.transport import Transport

FOLDER = ".docker/certs.d"
Served = tuple[Web, Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory, with a system beside it that has no certificates."""
    monkeypatch.setattr(host_certificates, "_SYSTEM_FOLDERS", (tmp_path / "etc/containers/certs.d", tmp_path / "etc/docker/certs.d"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def send(url: str, home: Path, ca_files: dict[str, str] | None = None, **headers: str) -> HttpResponse:
    empty = home.parent / "none.pem"
    if not empty.exists():
        company(home.parent, name="nobody's")[0].rename(empty)
    environ = {"HOME": str(home), "SSL_CERT_FILE": str(empty)}
    with closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ=environ, ca_files=ca_files or {})) as transport:
        return transport.send(HttpRequest(method="GET", url=url, step="look", headers=headers))


def certificates(folder: Path, host: str, authority: Path) -> Path:
    """Makes `folder/host` with an authority in it."""
    (folder / host).mkdir(parents=True)
    (folder / host / "ca.crt").write_bytes(authority.read_bytes())
    return folder / host


@contextmanager
def registry(tmp_path: Path, authority_of_clients: Path | None = None, *, required: bool = True, **options: Any) -> Iterator[Served]:
    """A registry under a private authority; yields the file of that authority too."""
    folder = tmp_path / f"registry{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    authority, context = company(folder, name=folder.name)
    if authority_of_clients:
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        context.load_verify_locations(authority_of_clients)
    with serve(options.get("script", lambda asked: reply(body=asked.client.encode() or b"nobody")), tls=context) as web:
        yield web, authority


@pytest.mark.parametrize(
    "folder",
    [
        "home/.docker/certs.d",
        "home/.config/containers/certs.d",
        "home/.config/docker/certs.d",
        "etc/docker/certs.d",
        "etc/containers/certs.d",
    ],
)
def test_an_authority_of_one_host(tmp_path: Path, home: Path, folder: str) -> None:
    with registry(tmp_path) as (web, authority), registry(tmp_path) as (other, _):
        with pytest.raises(ConnectionLost, match="its issuer is unknown"):
            send(f"https://{web.host}/", home)
        certificates(tmp_path / folder, web.host, authority)
        assert send(f"https://{web.host}/", home).status == 200
        with pytest.raises(ConnectionLost, match="its issuer is unknown"):
            send(f"https://{other.host}/", home)


def test_the_port_is_a_part_of_the_host(tmp_path: Path, home: Path) -> None:
    with registry(tmp_path) as (web, authority):
        certificates(home / FOLDER, "127.0.0.1", authority)
        certificates(home / FOLDER, f"127.0.0.1:{web.port + 1}", authority)
        with pytest.raises(ConnectionLost, match="its issuer is unknown"):
            send(f"https://{web.host}/", home)


@pytest.mark.parametrize(
    ("folder", "url", "found"),
    [
        ("registry.example", "https://registry.example/v2/", True),
        ("registry.example", "https://REGISTRY.example:443/v2/", True),
        ("registry.example:443", "https://registry.example/v2/", True),
        ("registry.example", "https://registry.example:5000/v2/", False),
        ("registry.example:5000", "https://registry.example:5000/v2/", True),
        ("registry.example:5000", "https://registry.example/v2/", False),
        ("[::1]:5000", "https://[::1]:5000/v2/", True),
        ("[fd00::5]", "https://[fd00::5]/v2/", True),
        ("example", "https://registry.example/v2/", False),
    ],
)
def test_how_the_folder_of_a_host_is_named(tmp_path: Path, home: Path, folder: str, url: str, found: bool) -> None:
    path = certificates(home / FOLDER, folder, company(tmp_path)[0]) / "ca.crt"
    expected = HostCertificates(authorities=(str(path),) if found else ())
    assert CertificateFolders({"HOME": str(home)}, {}).of(parse_web_address(url)) == expected


def test_a_colon_is_left_out_on_windows(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates(home / FOLDER, "registry.example5000", company(tmp_path)[0])
    monkeypatch.setattr("sys.platform", "win32")
    assert CertificateFolders({"USERPROFILE": str(home)}, {}).of(parse_web_address("https://registry.example:5000/")).authorities


def test_the_user_s_own_folder_comes_first(tmp_path: Path, home: Path) -> None:
    with registry(tmp_path) as (web, authority):
        certificates(tmp_path / "etc/docker/certs.d", web.host, authority)
        assert send(f"https://{web.host}/", home).status == 200
        (home / FOLDER / web.host).mkdir(parents=True)
        with pytest.raises(ConnectionLost, match="its issuer is unknown"):
            send(f"https://{web.host}/", home)


def test_a_client_certificate_is_shown_to_its_host(tmp_path: Path, home: Path) -> None:
    with registry(tmp_path, client(tmp_path / "one")) as (web, authority):
        folder = certificates(home / FOLDER, web.host, authority)
        with pytest.raises(ConnectionLost) as caught:
            send(f"https://{web.host}/", home)
        assert "put it into ~/.docker/certs.d/HOST:PORT as client.cert and client.key" in str(caught.value)
        for name in ("client.cert", "client.key"):
            (tmp_path / "one" / name).rename(folder / name)
        (folder / "README").write_text("neither")
        assert send(f"https://{web.host}/", home).body == b"client"


def test_the_first_of_several_client_certificates_is_shown(tmp_path: Path, home: Path) -> None:
    first = client(tmp_path / "clients", name="a")
    client(tmp_path / "clients", name="b")
    with registry(tmp_path, first) as (web, authority):
        folder = certificates(home / FOLDER, web.host, authority)
        for path in (tmp_path / "clients").glob("?.*"):
            path.rename(folder / path.name)
        assert send(f"https://{web.host}/", home).body == b"a"


@pytest.mark.parametrize("name", ["client", "other"])
def test_a_client_certificate_that_a_server_does_not_accept(tmp_path: Path, home: Path, name: str) -> None:
    with registry(tmp_path, client(tmp_path / "one", name=name)) as (web, authority):
        client(certificates(home / FOLDER, web.host, authority))
        with pytest.raises(ConnectionLost, match=r"the server does not accept the client certificate; replace client\.cert"):
            send(f"https://{web.host}/", home)


def test_a_client_certificate_never_follows_a_redirect(tmp_path: Path, home: Path) -> None:
    clients = client(tmp_path / "one")

    def leave(asked: Asked) -> bytes:
        return reply("307 There", Location=f"https://{thief.host}/blob")

    with (
        registry(tmp_path, clients, required=False) as (thief, authority_of_thief),
        registry(tmp_path, clients, script=leave) as (web, authority),
    ):
        folder = certificates(home / FOLDER, web.host, authority)
        for name in ("client.cert", "client.key"):
            (tmp_path / "one" / name).rename(folder / name)
        certificates(home / FOLDER, thief.host, authority_of_thief)
        assert send(f"https://{web.host}/", home, Authorization="Basic c2VjcmV0").body == b"nobody"
        assert [asked.client for asked in web.asked] == ["client"]
        assert [(asked.client, "authorization" in asked.headers) for asked in thief.asked] == [("", False)]


def test_a_client_certificate_is_not_shown_to_a_proxy(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(certificates(home / FOLDER, "registry.example", company(tmp_path)[0]))
    monkeypatch.setenv("HTTPS_PROXY", "https://proxy.example:3128")
    routes = Routes(Authorities(), CertificateFolders({"HOME": str(home)}, {}))
    manager: Any = routes.to("https://registry.example/v2/").connections
    other: Any = routes.to("https://other.example/v2/").connections
    own = manager.connection_pool_kw["ssl_context"]
    assert manager.proxy_config.ssl_context is not own
    assert own not in (other.connection_pool_kw["ssl_context"], other.proxy_config.ssl_context)


@pytest.mark.parametrize(("missing", "problem"), [("key", "client certificate without its key; add client.key"), ("cert", "key without")])
def test_half_a_client_certificate_is_an_error(tmp_path: Path, home: Path, missing: str, problem: str) -> None:
    folder = certificates(home / FOLDER, "127.0.0.1:1", company(tmp_path)[0])
    client(folder)
    (folder / f"client.{missing}").unlink()
    with pytest.raises(UsageError, match=problem) as caught:
        send("https://127.0.0.1:1/", home)
    assert caught.value.where == str(folder / ("client.cert" if missing == "key" else "client.key"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("mismatch", "cannot use the client certificate: its key belongs to another certificate"),
        ("damaged", "cannot use the client certificate: it or its key is not in PEM form, or damaged"),
        ("encrypted", "the key of the client certificate is encrypted; write it without a passphrase"),
        ("authority", "cannot use the certificate file of certs.d: it holds no certificates in PEM form"),
    ],
)
def test_certificates_that_cannot_be_used_are_named(tmp_path: Path, home: Path, change: str, problem: str) -> None:
    folder = certificates(home / FOLDER, "127.0.0.1:1", company(tmp_path)[0])
    client(folder, passphrase=b"secret" if change == "encrypted" else b"")
    if change == "mismatch":
        client(tmp_path / "other")
        (tmp_path / "other/client.key").rename(folder / "client.key")
    if change == "damaged":
        (folder / "client.cert").write_text("none")
    if change == "authority":
        (folder / "ca.crt").write_text("none")
    with pytest.raises(UsageError, match=problem) as caught:
        send("https://127.0.0.1:1/", home)
    assert caught.value.where.startswith(str(folder))


def test_what_may_not_be_read_is_passed_over_with_a_warning(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Any, *_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    address = parse_web_address("https://registry.example/")
    folder = certificates(home / FOLDER, "registry.example", company(tmp_path)[0])
    client(folder)
    opened = Path.open
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda path, *args: refuse(path) if path.name == "client.key" else opened(path, *args))
        found = CertificateFolders({"HOME": str(home)}, {}).of(address)
    assert found == HostCertificates(authorities=(str(folder / "ca.crt"),))
    assert f"cannot read {folder}/client.key: Permission denied; it is not used" in caplog.text
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refuse)
        assert CertificateFolders({"HOME": str(home)}, {}).of(address) == HostCertificates()
    assert f"cannot read the certificate folder {folder}: Permission denied; it is not used" in caplog.text
    caplog.clear()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        assert CertificateFolders({"HOME": str(home)}, {}).of(address) == HostCertificates()
    assert not caplog.text, "whether there is anything in it is not known"


def test_a_file_of_authorities_is_for_its_host_only_and_replaces_all_others(tmp_path: Path, home: Path) -> None:
    with registry(tmp_path) as (web, authority), registry(tmp_path) as (other, foreign):
        for named in (web.host, "127.0.0.1"):
            assert send(f"https://{web.host}/", home, {named: str(authority)}).status == 200
        certificates(home / FOLDER, web.host, authority)
        with pytest.raises(ConnectionLost, match="its issuer is unknown"):
            send(f"https://{web.host}/", home, {web.host: str(foreign)})
        with pytest.raises(ConnectionLost, match="its issuer is unknown"):
            send(f"https://{other.host}/", home, {web.host: str(foreign)})
        assert send(f"https://{web.host}/", home, {web.host: str(authority), "127.0.0.1": str(foreign)}).status == 200


def test_the_option_for_a_file_of_authorities(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *args, **names: look_up("127.0.0.1" if host == "registry.example" else host, *args, **names)
    )
    monkeypatch.setenv("HOME", str(home))
    with registry(tmp_path, script=lambda asked: reply(body=b'{"name":"a/b","tags":null}')) as (web, authority):
        repository = f"registry.example:{web.port}/a/b"
        assert main(["list", repository]) == 6
        assert "for one host only: --ca-file HOST=FILE, or ca_file of the registry_config" in capsys.readouterr().err
        assert main(["list", repository, "--ca-file", f"registry.example={authority}"]) == 0


@pytest.mark.parametrize("value", ["ca.pem", "=ca.pem", "registry.example=", "https://a.example=ca.pem", "a.example=gone.pem"])
def test_values_of_the_option_that_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text("")
    for command in (["list"], ["inspect"], ["auth", "check"], ["pull", "-o", "x", "--allow-unsigned"]):
        assert main([*command, "registry.example/a/b:1", "--ca-file", value]) == 2
        assert "--ca-file" in capsys.readouterr().err
