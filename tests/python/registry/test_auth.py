"""Answers to challenges: which token service is asked for what, and who gets to see a credential."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from fakes.clients import REPOSITORY, client_of
from fakes.timing import IMPATIENT, FakeTime
from fakes.token_server import TokenServer, token_server
from fakes.web import Asked, reply, serve
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.errors import AuthError, RegistryError, WasmOciError
from wasm_oci.http.transport import Transport
from wasm_oci.local_registry.access import Basic, Bearer
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, Descriptor
from wasm_oci.oci.manifest import signature_referrer
from wasm_oci.oci.reference import Reference
from wasm_oci.outcome import error_document
from wasm_oci.registry.auth import check_realm
from wasm_oci.registry.blobs import has_blob
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.referrers import attach
from wasm_oci.registry.store import RegistryStore
from wasm_oci.registry.upload import upload_blob

SECRET = "canary-31b0"
ROBOT = Credential(source="the test", username="robot", password=SECRET)


class Scene:
    """A registry with a token service, and clients of it."""

    def __init__(self, tokens: TokenServer, registry: RunningRegistry, stack: ExitStack) -> None:
        self.tokens = tokens
        self.registry = registry
        self.time = FakeTime()
        self._stack = stack

    def client(self, credential: Credential = ROBOT, *, actions: str = "pull,push", repository: str = REPOSITORY) -> RegistryClient:
        transport = self._stack.enter_context(closing(Transport(limits=IMPATIENT, timing=self.time.timing, environ={})))
        reference = Reference.parse(f"{self.registry.host}/{repository}")
        return RegistryClient(reference, transport=transport, lookup=lambda: credential, actions=actions)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        tokens = stack.enter_context(token_server(users={"robot": SECRET}, refresh_tokens={SECRET: "robot"}))
        registry = stack.enter_context(start(auth=Bearer(realm=f"{tokens.realm}?team=a%26b", grants=tokens.grants)))
        yield Scene(tokens, registry, stack)


def test_a_token_is_asked_for_once_with_push(scene: Scene) -> None:
    client = scene.client()
    assert client.find_manifest("v1") is None
    assert client.find_manifest("v2") is None
    (asked,) = scene.tokens.requests
    assert (asked.method, asked.user, asked.service) == ("GET", "robot", "local-registry")
    assert asked.scopes == ("repository:library/hello:pull,push",)
    assert asked.query["team"] == ["a&b"]
    assert ["authorization" in record.headers for record in scene.registry.requests] == [False, True, True, True, True]
    assert client.credential_source == "the test"


@pytest.mark.parametrize("refused", [False, True], ids=["granted", "refused"])
def test_a_mount_asks_for_the_other_repository_too(scene: Scene, refused: bool) -> None:
    """A token service that refuses the second scope costs the mount and nothing else."""
    blob, client = Descriptor.of(b"content", "application/wasm"), scene.client()
    upload_blob(scene.client(repository="library/base"), blob, lambda: iter((b"content",)))
    client.find_manifest("v1")
    scene.tokens.requests.clear()
    scene.tokens.response = (403, b'{"errors":[{"code":"DENIED","message":"no"}]}') if refused else None
    uploaded = upload_blob(client, blob, lambda: iter((b"content",)), mount_from="library/base")
    assert uploaded.mounted != refused
    assert {asked.scopes for asked in scene.tokens.requests} == {("repository:library/base:pull", "repository:library/hello:pull,push")}
    assert has_blob(client, blob)


@pytest.mark.parametrize(
    "scope",
    [
        "aws",
        "*",
        "openid",
        "registry:catalog:*",
        "repository:library/hello:pull,push,delete",
        "repository:library/hello:*",
        "repository:b/c:pull",
    ],
)
def test_no_more_is_asked_for_than_is_needed(scene: Scene, scope: str) -> None:
    challenge = f'Bearer realm="{scene.tokens.realm}",service="s",scope="{scope}"'
    scene.registry.faults.add(Fault(path="/manifests/", effect=Reply(status=401, headers={"WWW-Authenticate": challenge})))
    assert scene.client(actions="pull").find_manifest("v1") is None
    assert [asked.scopes for asked in scene.tokens.requests] == [("repository:library/hello:pull",)]


def test_anonymous_tokens_are_asked_for_without_a_credential(scene: Scene) -> None:
    assert scene.client(Credential(source="none"), actions="pull").find_manifest("v1") is None
    (asked,) = scene.tokens.requests
    assert not asked.authorization


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_both_names_of_a_token_are_read(scene: Scene, key: str) -> None:
    scene.tokens.answer_key = key
    assert scene.client().find_manifest("v1") is None


def test_an_old_token_is_renewed_before_it_is_used(scene: Scene) -> None:
    scene.tokens.expires_in = None
    client = scene.client()
    for step in (0.0, 50.0, 11.0):
        scene.time.seconds += step
        client.find_manifest("v1")
    assert len(scene.tokens.requests) == 2


def test_a_token_that_is_refused_later_is_renewed_once(scene: Scene) -> None:
    client = scene.client()
    client.find_manifest("v1")
    scene.tokens.revoke()
    assert client.find_manifest("v1") is None
    assert len(scene.tokens.requests) == 2


def test_a_new_token_that_is_refused_is_the_end(scene: Scene) -> None:
    scene.registry.faults.add(
        Fault(
            path="/manifests/", times=None, effect=Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{scene.tokens.realm}"'})
        )
    )
    with pytest.raises(AuthError):
        scene.client().find_manifest("v1")
    assert len(scene.tokens.requests) == 1
    assert len(scene.registry.requests) == 2


def test_an_identity_token_is_posted(scene: Scene) -> None:
    assert scene.client(Credential(source="the test", identity_token=SECRET)).find_manifest("v1") is None
    (asked,) = scene.tokens.requests
    assert (asked.method, asked.grant_type, asked.user, asked.authorization) == ("POST", "refresh_token", "robot", False)
    assert asked.scopes == ("repository:library/hello:pull,push",)


def test_an_identity_token_goes_by_get_where_post_is_unknown(scene: Scene) -> None:
    scene.tokens.post = False
    assert scene.client(Credential(source="the test", username="robot", identity_token=SECRET)).find_manifest("v1") is None
    assert [(asked.method, asked.user) for asked in scene.tokens.requests] == [("POST", "robot"), ("GET", "robot")]


@pytest.mark.parametrize("status", ["401 Who", "404 None", "405 Not so"])
def test_an_identity_token_goes_by_get_where_post_wants_a_password(status: str) -> None:
    def answer(asked: Asked) -> bytes:
        if asked.line.startswith("POST /token"):
            return reply(status)
        if asked.line.startswith("GET /token"):
            return reply(body=b'{"token":"ready"}') if asked.headers.get("authorization", "").startswith("Basic ") else reply("401 Who")
        challenge = f'Bearer realm="http://{asked.headers["host"]}/token",service="x"'
        return reply("404 None") if asked.headers.get("authorization") == "Bearer ready" else reply("401 Who", WWW_Authenticate=challenge)

    credential = Credential(source="the test", username="robot", identity_token=SECRET)
    with serve(answer) as web, client_of(web.host, credential=credential) as client:
        assert client.find_manifest("v1") is None


def test_an_identity_token_that_neither_way_takes_is_an_error() -> None:
    def answer(asked: Asked) -> bytes:
        return reply("401 Who", WWW_Authenticate=f'Bearer realm="http://{asked.headers["host"]}/token",service="x"')

    credential = Credential(source="the test", username="robot", identity_token=SECRET)
    with serve(answer) as web, client_of(web.host, credential=credential) as client, pytest.raises(AuthError) as caught:
        client.find_manifest("v1")
    assert "the test" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_registry_token_is_used_as_it_is(scene: Scene) -> None:
    ready = scene.tokens.issue("robot", ("repository:library/hello:pull,push",))
    assert scene.client(Credential(source="the test", registry_token=ready)).find_manifest("v1") is None
    assert not scene.tokens.requests


def test_a_wrong_password_names_its_source_and_never_itself(scene: Scene) -> None:
    wrong = replace(ROBOT, username="stranger", source="environment variable TOKEN")
    with pytest.raises(AuthError) as caught:
        scene.client(wrong).find_manifest("v1")
    text = str(caught.value)
    assert f"{scene.registry.host}/library/hello: " in text
    asked = "asked for repository:library/hello:pull,push; credential: environment variable TOKEN"
    assert f"answers 401 (UNAUTHORIZED: wrong credentials); {asked}" in text
    assert "check that the credential from environment variable TOKEN is valid" in text
    assert SECRET not in text


def test_missing_rights_name_what_was_asked(scene: Scene) -> None:
    with pytest.raises(AuthError) as caught:
        scene.client(Credential(source="none (anonymous)")).put_manifest("v1", b"{}", "application/json")
    text = str(caught.value)
    assert "push manifest v1: status 401 (UNAUTHORIZED" in text
    assert "asked for pull,push; credential: none (anonymous)" in text
    assert f"log in with `docker login {scene.registry.host}`" in text


def test_403_says_which_right_to_give(scene: Scene) -> None:
    scene.registry.faults.add(
        Fault(method="PUT", effect=Reply(status=403, body=b'{"errors":[{"code":"DENIED","message":"no\\n\\u001b[31m"}]}'), times=None)
    )
    with pytest.raises(AuthError, match="DENIED: no") as caught:
        scene.client().put_manifest("v1", b"{}", "application/json")
    assert "give this credential the right to pull,push (on ghcr.io: write access to the package)" in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_a_registry_echoes_is_shown_without_secrets(scene: Scene) -> None:
    client = scene.client()
    client.find_manifest("v1")
    scene.registry.faults.add(Fault(effect=Reply(status=403, body=f"you sent {SECRET}".encode())))
    with pytest.raises(AuthError, match=r"you sent \*\*\*") as caught:
        client.fetch_manifest("v1")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("response", "kind", "problem"),
    [
        ((200, b"<html>hello"), RegistryError, "did not answer with JSON"),
        ((200, b"{}"), RegistryError, "gave no usable token"),
        ((200, b'{"token":"a b"}'), RegistryError, "gave no usable token"),
        ((200, b'{"token":"a\\r\\nX: y"}'), RegistryError, "gave no usable token"),
        ((200, b'{"token":7}'), RegistryError, "gave no usable token"),
        ((403, b""), AuthError, "answers 403"),
        ((404, b""), RegistryError, "answered 404"),
        ((503, b""), RegistryError, "answered 503"),
    ],
)
def test_token_services_that_fail(scene: Scene, response: tuple[int, bytes], kind: type[WasmOciError], problem: str) -> None:
    scene.tokens.response = response
    with pytest.raises(kind, match=problem):
        scene.client().find_manifest("v1")


def test_basic_is_sent_at_once_after_the_first_challenge() -> None:
    with start(auth=Basic(user="robot", password=SECRET)) as registry, ExitStack() as stack:
        scene = Scene(TokenServer(), registry, stack)
        client = scene.client()
        client.find_manifest("v1")
        client.find_manifest("v1")
        assert ["authorization" in record.headers for record in registry.requests] == [False, True, True, True, True]


def test_basic_without_a_credential_says_how_to_log_in() -> None:
    with start(auth=Basic(user="robot", password=SECRET)) as registry, ExitStack() as stack:
        client = Scene(TokenServer(), registry, stack).client(Credential(source="none (anonymous)"))
        with pytest.raises(AuthError, match=f"log in with `docker login {registry.host}`"):
            client.find_manifest("v1")


def test_a_credential_never_goes_to_a_host_that_a_redirect_names() -> None:
    challenge = 'Basic realm="give it to me"'
    with (
        serve(lambda asked: reply("401 Who", WWW_Authenticate=challenge)) as thief,
        serve(lambda asked: reply("307 There", Location=f"http://{thief.host}/")) as web,
        closing(Transport(limits=IMPATIENT, environ={})) as transport,
    ):
        client = RegistryClient(Reference.parse(f"{web.host}/a/b"), transport=transport, lookup=lambda: ROBOT)
        with pytest.raises(RegistryError, match=f"{thief.host}, to which the registry redirects, answers status 401"):
            client.fetch_manifest("v1")
        assert not any("authorization" in asked.headers for asked in (*web.asked, *thief.asked))


@pytest.mark.parametrize(
    ("realm", "base"),
    [
        ("https://auth.docker.io/token", "https://registry-1.docker.io"),
        ("https://ghcr.io/token", "https://ghcr.io"),
        ("https://10.0.0.5/token", "https://10.0.0.5"),
        ("https://10.0.0.5:8443/token", "https://10.0.0.5"),
        ("HTTPS://Auth.Docker.IO/token", "https://registry-1.docker.io"),
        ("https://auth.docker.io.:443/token", "https://registry-1.docker.io"),
        ("https://auth_service.corp.example/token", "https://registry.corp.example"),
        ("https://8.8.8.8/token", "https://ghcr.io"),
        ("https://[2606:4700::1111]/token?a=b@c", "https://ghcr.io"),
        ("https://auth.docker.io?a=/@x", "https://registry-1.docker.io"),
        ("http://127.0.0.1:5001/token", "http://localhost:5000"),
        ("http://registry.lan/token", "http://registry.lan:5000"),
        ("https://auth.example.com/token", "http://localhost:5000"),
    ],
)
def test_a_realm_that_may_see_a_credential(realm: str, base: str) -> None:
    check_realm(realm, base, where="")


@pytest.mark.parametrize(
    ("realm", "base"),
    [
        ("http://auth.docker.io/token", "https://registry-1.docker.io"),
        ("http://ghcr.io/token", "https://ghcr.io"),
        ("http://evil.example/token", "http://localhost:5000"),
        ("https://127.0.0.1/token", "https://ghcr.io"),
        ("https://localhost/token", "https://ghcr.io"),
        ("https://a.localhost/token", "https://ghcr.io"),
        ("https://localhost.localdomain/token", "https://ghcr.io"),
        ("https://ip6-localhost/token", "https://ghcr.io"),
        ("https://localhost./token", "https://ghcr.io"),
        ("https://[64:ff9b::10.0.0.1]/token", "https://ghcr.io"),
        ("https://[64:ff9b::a9fe:a9fe]/token", "https://ghcr.io"),
        ("https://[2002:7f00:1::]/token", "https://ghcr.io"),
        ("https://[2002:c0a8:101::1]/token", "https://ghcr.io"),
        ("https://10.1.2.3/token", "https://ghcr.io"),
        ("https://169.254.169.254/latest", "https://ghcr.io"),
        ("https://[::1]/token", "https://ghcr.io"),
        ("https://[::ffff:10.0.0.1]/token", "https://ghcr.io"),
        ("https://2130706433/token", "https://ghcr.io"),
        ("https://0x7f000001/token", "https://ghcr.io"),
        ("https://127.0x0.0.1/token", "https://ghcr.io"),
        ("https://127.0.0.0x1/token", "https://ghcr.io"),
        ("https://017700000001/token", "https://ghcr.io"),
        ("https://0127.0.0.1/token", "https://ghcr.io"),
        ("https://127.1/token", "https://ghcr.io"),
        ("https://10.1.2.3./token", "https://ghcr.io"),
        ("https://127%2E0%2E0%2E1/token", "https://ghcr.io"),
        ("https://auth.example%00.test/token", "https://ghcr.io"),
        ("https://auth.example\\@ghcr.io/token", "https://ghcr.io"),
        ("https://auth.example\\.ghcr.io/token", "https://ghcr.io"),
        ("https:\\\\ghcr.io/token", "https://ghcr.io"),
        ("https://auth example/token", "https://ghcr.io"),
        ("https://auth.\u3002example/token", "https://ghcr.io"),
        ("https://\u2488example/token", "https://ghcr.io"),
        ("https://\uff11\uff10.0.0.1/token", "https://ghcr.io"),
        ("https://ghcr.io:0/token", "https://ghcr.io"),
        ("https://ghcr.io:99999/token", "https://ghcr.io"),
        ("https://ghcr.io:80:443/token", "https://ghcr.io"),
        ("https://[fec0::1]/token", "https://ghcr.io"),
        ("https://[fd00::1]/token", "https://ghcr.io"),
        ("https://[fe80::1%25eth0]/token", "https://ghcr.io"),
        ("https://[fe80::1]/token", "https://ghcr.io"),
        ("https://[::]/token", "https://ghcr.io"),
        ("https://[::127.0.0.1]/token", "https://ghcr.io"),
        ("https://[::ffff:0:127.0.0.1]/token", "https://ghcr.io"),
        ("https://[::ffff:8.8.8.8]/token", "https://ghcr.io"),
        ("https://[64:ff9b:1::a00:1]/token", "https://ghcr.io"),
        ("https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/token", "https://ghcr.io"),
        ("https://[2606:4700::5efe:a00:1]/token", "https://ghcr.io"),
        ("https://[ff02::1]/token", "https://ghcr.io"),
        ("https://[v1.fe80::a]/token", "https://ghcr.io"),
        ("https://0.0.0.0/token", "https://ghcr.io"),
        ("https://224.0.0.1/token", "https://ghcr.io"),
        ("https://100.64.0.1/token", "https://ghcr.io"),
        ("https://255.255.255.255/token", "https://ghcr.io"),
        ("https://user@auth.docker.io/token", "https://registry-1.docker.io"),
        ("https://ghcr.io@auth.example/token", "https://ghcr.io"),
        ("https://a@b@ghcr.io/token", "https://ghcr.io"),
        ("//ghcr.io/token", "https://ghcr.io"),
        ("https:/ghcr.io/token", "https://ghcr.io"),
        ("file:///etc/passwd", "https://ghcr.io"),
        ("https://[::1/token", "https://ghcr.io"),
        ("", "https://ghcr.io"),
    ],
)
def test_a_realm_that_must_not_see_a_credential(realm: str, base: str) -> None:
    with pytest.raises(AuthError, match="refused to send a credential") as caught:
        check_realm(realm, base, where="ghcr.io/a")
    assert caught.value.reason == "unsafe_realm"


PLAIN = frozenset({"registry:5000", "auth", "10.0.0.5:5001", "[fd00::5]:80"})


@pytest.mark.parametrize(
    ("realm", "base", "allowed"),
    [
        ("http://registry:5000/token", "http://registry:5000", True),
        ("http://registry:5001/token", "http://registry:5000", True),
        ("http://AUTH:5001/token", "http://registry:5000", True),
        ("http://auth/token", "http://registry:5000", True),
        ("http://10.0.0.5:5001/token", "http://registry:5000", True),
        ("http://[fd00::5]/token", "http://registry:5000", True),
        ("https://auth.example/token", "http://registry:5000", True),
        ("http://10.0.0.5:5002/token", "http://registry:5000", False),
        ("http://other:5001/token", "http://registry:5000", False),
        ("http://127.0.0.1:5001/token", "http://registry:5000", False),
        ("https://10.0.0.5:5001/token", "http://registry:5000", False),
        ("http://auth:5001/token", "https://ghcr.io", False),
        ("http://registry:5000/token", "https://registry:5000", False),
        ("https://127.0.0.1/token", "http://registry:5000", False),
    ],
)
def test_realms_beside_registries_without_tls(realm: str, base: str, allowed: bool) -> None:
    if allowed:
        check_realm(realm, base, where="", plain_http=PLAIN)
        return
    with pytest.raises(AuthError, match="refused to send a credential"):
        check_realm(realm, base, where="", plain_http=PLAIN)


ECHOES = {
    "location of an upload": Reply(status=202, headers={"Location": f"http://{SECRET}.example/up"}),
    "location with a user": Reply(status=307, headers={"Location": f"http://{SECRET}@localhost/up"}),
    "location that is no address": Reply(status=307, headers={"Location": f"{SECRET}://x/"}),
    "digest header": Reply(status=200, headers={"Docker-Content-Digest": f"sha256:{SECRET}"}, body=b"{}"),
    "length header": Reply(status=200, headers={"Docker-Content-Digest": f"{SECRET}:00", "Content-Type": SECRET}, body=b"{}"),
    "media type": Reply(status=200, body=f'{{"mediaType":"{"x" * 70}{SECRET}"}}'.encode()),
    "error code": Reply(status=400, body=f'{{"errors":[{{"code":"{SECRET}","message":"{SECRET}"}}]}}'.encode()),
    "text": Reply(status=400, body=f"{'x' * 190}{SECRET}".encode()),
    "not json": Reply(status=200, body=SECRET.encode()),
    "link": Reply(status=200, headers={"Link": f'<http://{SECRET}/x>; rel="next"'}, body=b'{"tags":[]}'),
}


@pytest.mark.parametrize("name", ECHOES)
def test_no_part_of_a_response_brings_a_secret_back(scene: Scene, name: str) -> None:
    client = scene.client()
    client.find_manifest("v1")
    scene.registry.faults.add(Fault(effect=ECHOES[name], times=None))
    for ask in (
        lambda: client.find_manifest("v1"),
        lambda: client.fetch_manifest("v1"),
        client.tags,
        lambda: attach(client, signature_referrer(EMPTY, b"signature")),
        lambda: list(RegistryStore(client).referrers(EMPTY.digest)),
        lambda: upload_blob(client, EMPTY, lambda: iter((EMPTY_BLOB,))),
    ):
        try:
            ask()
        except WasmOciError as err:
            assert SECRET[:8].lower() not in f"{err}{error_document(err)}".lower()
