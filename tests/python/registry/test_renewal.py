"""Long runs: how often a registry is asked how to log in, and what is renewed when it refuses what it took before."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fakes.credentials import auth, docker
from fakes.timing import IMPATIENT, FakeTime
from fakes.token_server import TokenServer, token_server
from fakes.web import Asked, reply, serve
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.errors import AuthError
from wasm_oci.http.transport import Transport
from wasm_oci.local_registry.access import Bearer
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.registries import registry_store
from wasm_oci.registry.store import RegistryStore

Open = Callable[..., RegistryStore]


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def open_store(time: FakeTime) -> Iterator[Open]:
    """Opens repositories in one run."""
    with closing(Transport(limits=IMPATIENT, timing=time.timing, environ={})) as transport:

        def open_one(host: str, environ: dict[str, str], repository: str = "org/app") -> RegistryStore:
            reference = Reference.parse(f"{host}/{repository}")
            return registry_store(reference, transport=transport, environ=environ, actions="pull,push")

        yield open_one


class Helper:
    """A credential helper whose secret can be changed, and which notes the servers that it is asked for."""

    def __init__(self, folder: Path, host: str, secret: str = "first") -> None:  # noqa: S107 - a test's
        self._folder = folder
        self.environ = docker(folder, {"credHelpers": {host: "test", "other.example": "test"}})
        program = folder / "docker-credential-test"
        program.write_text(f'#!/bin/sh\nread -r server\necho "$server" >> "{folder}/asked"\ncat "{folder}/answer"\n')
        program.chmod(0o755)
        self.set(secret)

    def set(self, secret: str) -> None:
        (self._folder / "answer").write_text(json.dumps({"Username": "me", "Secret": secret}))

    @property
    def asked(self) -> list[str]:
        path = self._folder / "asked"
        return path.read_text().split() if path.exists() else []


def takes(*passwords: str, status: str = "401 Who", body: bytes = b"") -> Callable[[Asked], bytes]:
    """A registry without any manifest, behind Basic; `passwords` may be changed through a list."""
    good = list(passwords)

    def script(asked: Asked) -> bytes:
        value = asked.headers.get("authorization", "").partition(" ")[2]
        if value and base64.b64decode(value).decode().partition(":")[2] in good:
            return reply("200 OK" if asked.line.split()[1] == "/v2/" else "404 None")
        if value:
            return reply(status, body=body) if body else reply(status, WWW_Authenticate='Basic realm="x"')
        return reply("401 Who", WWW_Authenticate='Basic realm="x"')

    script.good = good  # type: ignore[attr-defined]  # for the test that changes it
    return script


@pytest.mark.parametrize("closed", [False, True])
def test_the_end_point_is_asked_once_for_all_repositories(open_store: Open, closed: bool, tmp_path: Path) -> None:
    def script(asked: Asked) -> bytes:
        if closed and "authorization" not in asked.headers and asked.line.split()[1] == "/v2/":
            return reply("401 Who", WWW_Authenticate='Basic realm="x"')
        return reply("200 OK" if asked.line.split()[1] == "/v2/" else "404 None")

    with serve(script) as web:
        users = {f"{web.host}/team{number}": auth(f"user{number}:pw{number}") for number in range(20)}
        environ = docker(tmp_path, {"auths": users})
        stores = [open_store(web.host, environ, f"team{number}/app") for number in range(20)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda store: store.find_manifest("v1"), stores)) == [None] * 20
        assert [asked.line.split()[1] for asked in web.asked].count("/v2/") == 1
        sent = {asked.headers["authorization"] for asked in web.asked if "authorization" in asked.headers}
    assert len(sent) == (20 if closed else 0), "each repository has its own credential"


def test_an_end_point_that_was_busy_is_asked_again(open_store: Open) -> None:
    with start() as registry:
        registry.faults.add(Fault(path="^/v2/$", effect=Reply(status=503), times=IMPATIENT.retries + 1))
        for repository in ("a/b", "c/d", "e/f"):
            assert open_store(registry.host, {}, repository).find_manifest("v1") is None
        answers = [record.status for record in registry.requests if record.path == "/v2/"]
    assert answers == [503] * (IMPATIENT.retries + 1) + [200]


def test_a_helper_is_asked_once_for_all_repositories(open_store: Open, tmp_path: Path) -> None:
    with serve(takes("first")) as web:
        helper = Helper(tmp_path, web.host)
        stores = [open_store(web.host, helper.environ, f"org/app{number}") for number in range(20)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda store: store.find_manifest("v1"), stores))
        assert helper.asked == [web.host]


def test_a_helper_that_fails_is_asked_once_too(open_store: Open, tmp_path: Path) -> None:
    with serve(takes("first")) as web:
        helper = Helper(tmp_path, web.host)
        program = tmp_path / "docker-credential-test"
        program.write_text(program.read_text() + "exit 1\n")
        for _ in range(3):
            with pytest.raises(AuthError, match="failed with exit code 1"):
                open_store(web.host, helper.environ).find_manifest("v1")
        assert helper.asked == [web.host]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("401 Who", b""),
        ("403 No", b'{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}'),
        ("403 No", b'{"errors":[{"code":"UNAUTHORIZED","message":"invalid token"}]}'),
        ("400 Bad", b'{"errors":[{"code":"DENIED","message":"Your Authorization Token is invalid."}]}'),
    ],
)
def test_a_password_that_expires_is_looked_up_again_once(open_store: Open, tmp_path: Path, status: str, body: bytes) -> None:
    script = takes("first", status=status, body=body)
    with serve(script) as web:
        helper = Helper(tmp_path, web.host)
        stores = [open_store(web.host, helper.environ, f"org/app{number}") for number in range(10)]
        for store in stores:
            assert store.find_manifest("v1") is None
        helper.set("second")
        script.good[:] = ["second"]  # type: ignore[attr-defined]  # see `takes`
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda store: store.find_manifest("v1"), stores)) == [None] * 10
        assert helper.asked == [web.host] * 2


def test_a_password_in_a_file_is_read_again(open_store: Open, tmp_path: Path) -> None:
    script = takes("first")
    with serve(script) as web:
        environ = docker(tmp_path, {"auths": {web.host: auth("me:first")}})
        store = open_store(web.host, environ)
        assert store.find_manifest("v1") is None
        docker(tmp_path, {"auths": {web.host: auth("me:second")}})
        script.good[:] = ["second"]  # type: ignore[attr-defined]  # see `takes`
        assert store.find_manifest("v1") is None


def test_a_password_that_stays_wrong_is_looked_up_again_once_in_a_minute(open_store: Open, tmp_path: Path, time: FakeTime) -> None:
    with serve(takes("good")) as web:
        helper = Helper(tmp_path, web.host, "wrong")
        for number in range(5):
            before = len(web.asked)
            with pytest.raises(AuthError, match="credential: docker-credential-test for"):
                open_store(web.host, helper.environ, f"org/app{number}").find_manifest("v1")
            assert len(web.asked) - before == 2, "what is wrong is not sent twice"
        assert helper.asked == [web.host] * 2
        time.seconds += 61
        with pytest.raises(AuthError):
            open_store(web.host, helper.environ).find_manifest("v1")
        assert helper.asked == [web.host] * 3


def test_a_password_that_expired_before_another_repository_began(open_store: Open, tmp_path: Path) -> None:
    script = takes("first")
    with serve(script) as web:
        helper = Helper(tmp_path, web.host)
        assert open_store(web.host, helper.environ, "org/one").find_manifest("v1") is None
        helper.set("second")
        script.good[:] = ["second"]  # type: ignore[attr-defined]  # see `takes`
        assert open_store(web.host, helper.environ, "org/two").find_manifest("v1") is None
        assert helper.asked == [web.host] * 2


def test_a_missing_right_is_not_taken_for_an_expired_token(open_store: Open, tmp_path: Path) -> None:
    with serve(takes("good", status="403 No", body=b'{"errors":[{"code":"DENIED","message":"no push here"}]}')) as web:
        helper = Helper(tmp_path, web.host, "other")
        with pytest.raises(AuthError, match="DENIED: no push here"):
            open_store(web.host, helper.environ).fetch_manifest("v1")
        assert helper.asked == [web.host]


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with token_server(users={"me": "first"}) as server:
        yield server


@pytest.fixture
def registry(tokens: TokenServer) -> Iterator[RunningRegistry]:
    with start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as running:
        yield running


def test_a_long_run_with_short_tokens(
    open_store: Open, tmp_path: Path, time: FakeTime, tokens: TokenServer, registry: RunningRegistry
) -> None:
    tokens.expires_in = 60
    helper = Helper(tmp_path, registry.host)
    store = open_store(registry.host, helper.environ)
    for _ in range(60):
        assert store.find_manifest("v1") is None
        time.seconds += 60
        tokens.revoke()
    refused = [record for record in registry.requests if record.status == 401]
    assert len(tokens.requests) == 60
    assert len(refused) == 1, "an old token is not even tried"
    assert helper.asked == [registry.host]


def test_a_token_that_is_refused_before_its_time_by_403(
    open_store: Open, tmp_path: Path, time: FakeTime, tokens: TokenServer, registry: RunningRegistry
) -> None:
    tokens.expires_in = 3600
    helper = Helper(tmp_path, registry.host)
    store = open_store(registry.host, helper.environ)
    store.find_manifest("v1")
    fault = registry.faults.add(Fault(method="GET", path="/manifests/", effect=Reply(status=403), times=None))
    with pytest.raises(AuthError):
        store.fetch_manifest("v1")
    assert (fault.hits, len(tokens.requests)) == (1, 1), "a token that is new has not expired"
    time.seconds += 61
    with pytest.raises(AuthError):
        store.fetch_manifest("v1")
    assert (fault.hits, len(tokens.requests)) == (3, 2)


def test_one_thread_renews_for_all(open_store: Open, tmp_path: Path, tokens: TokenServer, registry: RunningRegistry) -> None:
    helper = Helper(tmp_path, registry.host)
    store = open_store(registry.host, helper.environ)
    store.find_manifest("v1")
    tokens.revoke()
    together = threading.Barrier(8)

    def ask(_: int) -> object:
        together.wait()
        return store.find_manifest("v1")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [None] * 8
    assert len(tokens.requests) == 2


def test_a_credential_that_the_token_service_refuses_is_looked_up_again(
    open_store: Open, tmp_path: Path, tokens: TokenServer, registry: RunningRegistry
) -> None:
    helper = Helper(tmp_path, registry.host)
    store = open_store(registry.host, helper.environ)
    store.find_manifest("v1")
    tokens.revoke()
    tokens.users["me"] = "second"
    helper.set("second")
    assert store.find_manifest("v1") is None
    assert [asked.status for asked in tokens.requests] == [200, 401, 200]
    assert helper.asked == [registry.host] * 2


def test_a_registry_that_goes_over_to_tokens(open_store: Open, tmp_path: Path, tokens: TokenServer) -> None:
    def script(asked: Asked) -> bytes:
        scheme = asked.headers.get("authorization", "").partition(" ")[0]
        if scheme == ("Bearer" if over else "Basic"):
            return reply("404 None")
        return reply("401 Who", WWW_Authenticate=f'Bearer realm="{tokens.realm}"' if over else 'Basic realm="x"')

    over: list[bool] = []
    with serve(script) as web:
        store = open_store(web.host, docker(tmp_path, {"auths": {web.host: auth("me:first")}}))
        store.find_manifest("v1")
        over.append(True)
        store.find_manifest("v1")
        store.find_manifest("v1")
        assert len(tokens.requests) == 1


def test_a_registry_token_that_expires_is_read_again(
    open_store: Open, tmp_path: Path, tokens: TokenServer, registry: RunningRegistry
) -> None:
    def ready() -> dict[str, str]:
        token = tokens.issue("me", ("repository:org/app:pull,push",))
        return docker(tmp_path, {"auths": {registry.host: {"registrytoken": token}}})

    store = open_store(registry.host, ready())
    store.find_manifest("v1")
    tokens.revoke()
    ready()
    assert store.find_manifest("v1") is None
    tokens.revoke()
    with pytest.raises(AuthError, match=r"credential: auths\["):
        store.find_manifest("v1")
    assert not tokens.requests
