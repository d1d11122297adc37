"""What was found in other clients of registries in 2026, each as a public advisory: none of it happens here."""

from __future__ import annotations

import base64
import json
import logging
from contextlib import closing
from pathlib import Path

import pytest

from fakes.artifacts import signed_image
from fakes.certificates import client as client_certificate
from fakes.certificates import company
from fakes.clients import REPOSITORY, client_of, put_blob
from fakes.program import Run
from fakes.timing import IMPATIENT, FakeTime
from fakes.web import Asked, reply, serve
from wasm_oci.errors import AuthError
from wasm_oci.http.transport import Transport
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE
from wasm_oci.oci.manifest import Index
from wasm_oci.oci.reference import Reference
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.credential import Credential

SECRET = "canary-2b7d-secret"
ROBOT = Credential(source="the test", username="robot", password=SECRET)
BASIC = 'Basic realm="x"'
PLAIN_HEADERS = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "content-type", "range"}


def tls_client(host: str, environ: dict[str, str], credential: Credential = ROBOT) -> RegistryClient:
    transport = Transport(limits=IMPATIENT, timing=FakeTime().timing, environ=environ)
    return RegistryClient(Reference.parse(f"{host}/{REPOSITORY}"), transport=transport, lookup=lambda: credential, scheme="https")


@pytest.mark.parametrize("realm", ["https://169.254.169.254/latest", "https://10.0.0.1/token", "https://metadata@auth.example/token"])
@pytest.mark.parametrize("credential", [ROBOT, Credential(source="the test", identity_token=SECRET)])
def test_a_realm_in_a_private_network_ghsa_xf85_363p_868w(realm: str, credential: Credential) -> None:
    challenge = f'Bearer realm="{realm}",service="x"'
    with serve(lambda asked: reply("401 Who", WWW_Authenticate=challenge)) as web, client_of(web.host, credential=credential) as client:
        with pytest.raises(AuthError) as caught:
            client.fetch_manifest("v1")
        assert caught.value.reason == "unsafe_realm"
        assert len(web.asked) == 1


@pytest.mark.parametrize("credential", [ROBOT, Credential(source="the test", identity_token=SECRET)])
def test_a_realm_without_tls_ghsa_28r5_37g7_p6mp(tmp_path: Path, credential: Credential) -> None:
    authority, context = company(tmp_path)
    with (
        serve(lambda asked: reply(body=b'{"token":"ready"}')) as thief,
        serve(lambda asked: reply("401 Who", WWW_Authenticate=f'Bearer realm="http://{thief.host}/token"'), tls=context) as web,
    ):
        client = tls_client(web.host, {"SSL_CERT_FILE": str(authority)}, credential)
        with closing(client.transport), pytest.raises(AuthError, match="it uses plain http"):
            client.fetch_manifest("v1")
        assert not thief.asked


def test_authorization_and_other_headers_do_not_follow_a_redirect_ghsa_vh4v_2xq2_g5cg_and_whvf_jp7m_59f3() -> None:
    def script(asked: Asked) -> bytes:
        if "authorization" not in asked.headers:
            return reply("401 Who", WWW_Authenticate=BASIC)
        return reply("307 There", Location=f"http://{thief.host}/blob")

    manifest = Index().raw
    with (
        serve(lambda asked: reply(body=manifest, Content_Type=Index.MEDIA_TYPE)) as thief,
        serve(script) as web,
        client_of(web.host, credential=ROBOT) as client,
    ):
        assert client.fetch_manifest("v1").data == manifest
        assert "authorization" in web.asked[-1].headers
        assert thief.asked[0].headers.keys() <= PLAIN_HEADERS


def test_authorization_does_not_follow_an_upload_ghsa_jxpm_75mh_9fp7() -> None:
    def script(asked: Asked) -> bytes:
        if "authorization" not in asked.headers:
            return reply("401 Who", WWW_Authenticate=BASIC)
        return reply("202 Open", Location=f"http://{thief.host}/up") if asked.line.startswith("POST") else reply("404 None")

    with serve(lambda asked: reply("201 Made")) as thief, serve(script) as web, client_of(web.host, credential=ROBOT) as client:
        put_blob(client, b"blob")
        assert thief.asked
        assert all(asked.headers.keys() <= PLAIN_HEADERS for asked in thief.asked)


def test_a_thief_that_asks_for_a_login_gets_none() -> None:
    def script(asked: Asked) -> bytes:
        if "authorization" not in asked.headers:
            return reply("401 Who", WWW_Authenticate=BASIC)
        return reply("202 Open", Location=f"http://{thief.host}/up") if asked.line.startswith("POST") else reply("404 None")

    with (
        serve(lambda asked: reply("401 Who", WWW_Authenticate=BASIC)) as thief,
        serve(script) as web,
        client_of(web.host, credential=ROBOT) as client,
    ):
        with pytest.raises(Exception, match=thief.host):
            put_blob(client, b"blob")
        assert thief.asked
        assert not any("authorization" in asked.headers for asked in thief.asked)


def test_a_huge_size_in_a_layout_ghsa_f36w_mj3v_6jqv(run: Run, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    path = image.folder / "index.json"
    index = json.loads(path.read_text())
    for size in (2**62, 2**31):
        index["manifests"][0]["size"] = size
        path.write_text(json.dumps(index))
        for line in (["inspect", image.folder], ["push", image.folder, "localhost:1/a/b:1", "--dry-run"]):
            ended = run(*line)
            assert (ended.code in (2, 4), ended.is_one_clear_error) == (True, True)
    path.write_text(
        json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": MANIFEST_MEDIA_TYPE, "digest": "sha256:aa", "size": 2**62}]})
    )
    assert run("inspect", image.folder).is_one_clear_error


def test_a_client_certificate_is_not_shown_to_a_token_service_ghsa_h3wm_jjqf_8jm2(tmp_path: Path) -> None:
    authority, context = company(tmp_path)
    clients = client_certificate(tmp_path / "client")
    context.verify_mode = context.verify_mode.CERT_OPTIONAL
    context.load_verify_locations(clients)

    def script(asked: Asked) -> bytes:
        challenge = f'Bearer realm="https://{service.host}/token",service="x"'
        return reply("404 None") if "authorization" in asked.headers else reply("401 Who", WWW_Authenticate=challenge)

    with serve(lambda asked: reply(body=b'{"token":"ready"}'), tls=context) as service, serve(script, tls=context) as web:
        folder = tmp_path / ".docker/certs.d" / web.host
        folder.mkdir(parents=True)
        for name in ("client.cert", "client.key"):
            (tmp_path / "client" / name).rename(folder / name)
        client = tls_client(web.host, {"SSL_CERT_FILE": str(authority), "HOME": str(tmp_path)})
        with closing(client.transport):
            assert client.find_manifest("v1") is None
        assert {asked.client for asked in web.asked} == {"client"}
        assert [asked.client for asked in service.asked] == [""]


@pytest.mark.parametrize("credential", [ROBOT, Credential(source="the test", identity_token=SECRET)])
def test_the_log_holds_nothing_that_can_be_sent_again_ghsa_5jhf_2qmf_m8c5(credential: Credential, caplog: pytest.LogCaptureFixture) -> None:
    token, signed = "canary-token-81c3", "canary-signature-44d0"

    def script(asked: Asked) -> bytes:
        if "/token" in asked.line:
            return reply(body=json.dumps({"access_token": token}).encode(), Set_Cookie=f"session={SECRET}")
        if "authorization" not in asked.headers:
            return reply("401 Who", WWW_Authenticate=f'Bearer realm="http://{asked.headers["host"]}/token",service="x"')
        return reply("307 There", Location=f"/blob?X-Amz-Signature={signed}") if "blob?" not in asked.line else reply("403 No")

    caplog.set_level(logging.DEBUG)
    with serve(script) as web, client_of(web.host, credential=credential) as client:
        with pytest.raises(AuthError) as caught:
            client.fetch_manifest("v1")
        shown = caplog.text + str(caught.value)
    assert f"http://{web.host}/token" in shown
    for secret in (SECRET, token, signed, base64.b64encode(f"robot:{SECRET}".encode()).decode()):
        assert secret not in shown
