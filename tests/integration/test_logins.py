"""Logins that other programs made, at docker-registry: with passwords, with tokens, and with TLS behind a proxy."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from peers import Done, call, docker_registry, wasm_oci

from fakes.certificates import authority, company
from fakes.login_rows import IDENTITY, ROWS, Place
from fakes.login_rows import PASSWORD as LOGIN
from fakes.proxy import tunnel_proxy
from fakes.token_server import Grants, TokenServer, token_server

USER, PASSWORD = "robot$user", "pa:ss=w0rd ?ü"
REPOSITORY = "team/hello"
SERVICE = "the registry"
HOST = "registry.example:5000"
Environ = dict[str, Any]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    wasm = tmp_path / "hello.wasm"
    wasm.write_bytes(b"\0asm\1\0\0\0")
    done = call(wasm_oci(), "image", "-i", wasm, "-o", tmp_path / "layout", "--namespace", "team", "--name", "hello", "--tag", "1.0.0")
    assert done.code == 0, done.stderr
    return tmp_path / "layout"


def with_passwords(folder: Path) -> dict[str, Any]:
    (folder / "htpasswd").write_text(f"{USER}:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n")
    return {"auth": {"htpasswd": {"realm": "x", "path": str(folder / "htpasswd")}}}


def crane(host: str, folder: Path) -> Environ:
    environ: Environ = {"DOCKER_CONFIG": str(folder / "crane")}
    done = call("crane", "auth", "login", host, "-u", USER, "-p", PASSWORD, **environ)
    assert done.code == 0, done.stderr
    return environ


def skopeo(host: str, folder: Path) -> Environ:
    path = str(folder / "auth.json")
    done = call("skopeo", "login", "--authfile", path, "--tls-verify=false", "-u", USER, "-p", PASSWORD, host)
    assert done.code == 0, done.stderr
    return {"REGISTRY_AUTH_FILE": path}


def oras(host: str, folder: Path) -> Environ:
    path = str(folder / "oras.json")
    done = call("oras", "login", "--plain-http", "--registry-config", path, "-u", USER, "-p", PASSWORD, host)
    assert done.code == 0, done.stderr
    return {"REGISTRY_AUTH_FILE": path}


def publish(layout: Path, host: str, environ: Environ, *options: str | Path) -> Done:
    """Publishes a layout, after a check of the login; the first tells whether the second may."""
    check = call(wasm_oci(), "auth", "check", f"{host}/{REPOSITORY}", "--push", "--output", "json", *options, **environ)
    done = call(wasm_oci(), "push", layout, f"{host}/{REPOSITORY}:1.0.0", "--output", "json", *options, **environ)
    assert (check.code, check.json["rights"]["push"]["allowed"]) == (done.code, done.code == 0), f"{check}\n{done}"
    assert PASSWORD not in f"{check}{done}"
    return done


@pytest.mark.parametrize("log_in", [crane, skopeo, oras], ids=["crane", "skopeo", "oras"])
def test_a_password_that_another_program_left(tmp_path: Path, layout: Path, log_in: Any) -> None:
    with docker_registry(tmp_path, **with_passwords(tmp_path)) as registry:
        assert publish(layout, registry.host, {}).code == 5
        done = publish(layout, registry.host, log_in(registry.host, tmp_path))
        assert done.json["status"] == "published"


class Signer:
    """Signs the tokens that docker-registry accepts (distribution's "Token Authentication Implementation")."""

    def __init__(self, folder: Path) -> None:
        path, _ = authority(folder)
        data = path.read_bytes()
        self._certificate = x509.load_pem_x509_certificate(data)
        key = load_pem_private_key(data, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self.bundle = folder / "bundle.pem"
        self.bundle.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def token(self, grants: Grants) -> str:
        now = int(time.time())
        der = base64.b64encode(self._certificate.public_bytes(Encoding.DER)).decode()
        access = [{"type": "repository", "name": name, "actions": [action]} for name, action in sorted(grants)]
        claims = {"iss": "here", "aud": SERVICE, "sub": USER, "exp": now + 60, "nbf": now - 5, "iat": now, "jti": "1", "access": access}
        text = ".".join(_url(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256", "x5c": [der]}, claims))
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextmanager
def token_registry(folder: Path, **users: str) -> Iterator[tuple[str, TokenServer]]:
    signer = Signer(folder)
    with token_server(users={USER: PASSWORD, **users}, refresh_tokens={IDENTITY: "me"}) as tokens:
        tokens.mint = signer.token
        settings = {"realm": tokens.realm, "service": SERVICE, "issuer": "here", "rootcertbundle": str(signer.bundle)}
        with docker_registry(folder, auth={"token": settings}) as registry:
            yield registry.host, tokens


def test_tokens(tmp_path: Path, layout: Path) -> None:
    with token_registry(tmp_path) as (host, _):
        refused = publish(layout, host, {})
        assert refused.code == 5
        assert "asked for pull,push, granted pull; credential: none (anonymous); log in with" in refused.stderr
        wrong = publish(layout, host, {"WKG_OCI_USERNAME": USER, "WKG_OCI_PASSWORD": "another"})
        assert "the token service" in wrong.stderr
        done = publish(layout, host, {"WKG_OCI_USERNAME": USER, "WKG_OCI_PASSWORD": PASSWORD})
        assert (done.code, done.json["status"]) == (0, "published")


@pytest.mark.parametrize("name", ROWS)
def test_every_form_of_a_login(tmp_path: Path, layout: Path, name: str) -> None:
    with token_registry(tmp_path, me=LOGIN) as (host, tokens):
        environ: Environ = {"DOCKER_CONFIG": ""} | ROWS[name](Place(folder=tmp_path, host=host, tokens=tokens))
        done = call(wasm_oci(), "push", layout, f"{host}/org/team/app:1.0.0", "--output", "json", **environ)
        assert (done.code, done.json["status"]) == (0, "published"), done.stderr
        assert "canary" not in f"{done}"


@pytest.mark.parametrize("by", ["SSL_CERT_FILE", "certs.d", "--ca-file"])
def test_tls_under_a_private_authority_behind_a_proxy(tmp_path: Path, layout: Path, by: str) -> None:
    ca, _ = company(tmp_path, hosts=("registry.example",))
    server = str(tmp_path / "server.pem")
    tls = {"tls": {"certificate": server, "key": server}}
    with docker_registry(tmp_path, http=tls, **with_passwords(tmp_path)) as registry:
        port = int(registry.host.rpartition(":")[2])
        with tunnel_proxy(port, login="me:s3cret") as proxy:
            environ: Environ = {"HTTPS_PROXY": f"http://me:s3cret@127.0.0.1:{proxy.port}", "HOME": str(tmp_path)}
            environ |= {"WKG_OCI_USERNAME": USER, "WKG_OCI_PASSWORD": PASSWORD, "NO_PROXY": "", "no_proxy": ""}
            unknown = call(wasm_oci(), "push", layout, f"{HOST}/{REPOSITORY}:1.0.0", **environ)
            assert unknown.code == 6
            assert "its issuer is unknown (issuer: test authority)" in unknown.stderr
            options: tuple[str, ...] = ()
            if by == "SSL_CERT_FILE":
                environ["SSL_CERT_FILE"] = str(ca)
            elif by == "certs.d":
                folder = tmp_path / ".docker/certs.d" / HOST
                folder.mkdir(parents=True)
                (folder / "ca.crt").write_bytes(ca.read_bytes())
            else:
                options = ("--ca-file", f"{HOST}={ca}")
            done = publish(layout, HOST, environ, *options)
            assert (done.code, done.json["status"]) == (0, "published")
            assert set(proxy.tunnels) == {HOST}
