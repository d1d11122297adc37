"""`wasm_oci auth check`: which credential is used and what it allows, found out without writing anything."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.credentials import auth, docker
from fakes.program import NAME, Ended, Run
from fakes.token_server import TokenServer, token_server
from fakes.web import Asked, reply, serve
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Basic, Bearer

SECRET = "canary-5c1e-secret"


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with token_server(users={"me": SECRET}) as server:
        yield server


@pytest.fixture
def registry(tokens: TokenServer) -> Iterator[RunningRegistry]:
    with start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as running:
        yield running


def log_in(folder: Path, host: str, secret: str = SECRET) -> str:
    """Leaves a login as Docker does, and returns how it is named."""
    docker(folder / "docker", {"auths": {host: auth(f"me:{secret}")}})
    return f"auths['{host}'] in {folder}/docker/config.json"


def asked(registry: RunningRegistry) -> list[str]:
    return [f"{record.method} {record.path.replace(NAME, 'NAME')}".partition("uploads/")[0] for record in registry.requests]


def is_silent(ended: Ended) -> bool:
    """Whether no form of the secret is shown."""
    return not any(text in ended.out + ended.err for text in (SECRET, base64.b64encode(f"me:{SECRET}".encode()).decode()))


def test_the_right_to_pull(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    source = log_in(tmp_path, registry.host)
    ended = run("auth", "check", f"{registry.host}/{NAME}", "--output", "json")
    assert (ended.code, ended.err) == (0, "")
    assert {name: value for name, value in ended.document.items() if name != "schemaVersion"} == {
        "repository": f"{registry.host}/{NAME}",
        "credential": source,
        "challenge": "bearer",
        "asked": ["pull"],
        "granted": None,
        "rights": {"pull": {"allowed": None, "status": 404, "code": "NAME_UNKNOWN"}},
        "next": None,
    }
    assert set(asked(registry)) == {"GET /v2/NAME/tags/list"}
    assert is_silent(ended)


def test_the_right_to_push_is_tried_and_nothing_stays(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    source = log_in(tmp_path, registry.host)
    ended = run("auth", "check", f"{registry.host}/{NAME}:v1", "--push")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[:4] == [
        f"{registry.host}/{NAME}",
        f"  credential  {source}",
        "  login       by a token",
        "  asked for   pull,push",
    ]
    assert "  pull        unknown (status 404, MANIFEST_UNKNOWN): not refused, and there is nothing to read" in ended.out
    assert "  push        allowed" in ended.out
    writes = [line for line in asked(registry) if not line.startswith("GET")]
    assert set(writes) == {"POST /v2/NAME/blobs/", "DELETE /v2/NAME/blobs/"}
    assert not (registry.state / NAME / "index.json").exists()
    assert is_silent(ended)


def test_an_upload_session_is_cancelled(run: Run, tmp_path: Path) -> None:
    with start(auth=Basic(user="me", password=SECRET)) as registry:
        log_in(tmp_path, registry.host)
        ended = run("auth", "check", f"{registry.host}/{NAME}", "--push", "--output", "json")
        assert (ended.code, ended.document["challenge"], ended.document["rights"]["push"]["allowed"]) == (0, "basic", True)
        (cancelled,) = [record for record in registry.requests if record.method == "DELETE"]
        assert cancelled.status == 204


def test_a_session_that_cannot_be_cancelled_is_told(run: Run, tmp_path: Path) -> None:
    with start() as registry:
        registry.faults.add(Fault(method="DELETE", effect=Reply(status=405), times=None))
        ended = run("auth", "check", f"{registry.host}/{NAME}", "--push")
    assert ended.code == 0
    assert "  login       not asked for" in ended.out
    assert "allowed: the registry did not cancel the upload session, which expires by itself" in ended.out


def test_a_missing_right_names_code_source_and_one_next_step(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    source = log_in(tmp_path, registry.host)
    body = json.dumps({"errors": [{"code": "DENIED", "message": f"no {SECRET}"}]}).encode()
    registry.faults.add(Fault(method="POST", effect=Reply(status=403, body=body), times=None))
    ended = run("auth", "check", f"{registry.host}/{NAME}", "--push", "--output", "json")
    assert ended.code == 5
    assert ended.document["rights"]["push"] == {"allowed": False, "status": 403, "code": "DENIED"}
    assert ended.document["next"] == ended.document["error"]["hint"]
    assert ended.document["next"].startswith("give this credential the right to pull,push")
    assert "open an upload session: status 403 (DENIED: no ***); asked for pull,push; " in ended.err
    assert f"credential: {source}; give this" in ended.err
    assert is_silent(ended)


def test_a_refused_password_is_reported_like_any_result(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    source = log_in(tmp_path, registry.host, "other-secret")
    ended = run("auth", "check", f"{registry.host}/{NAME}", "--output", "json")
    assert (ended.code, ended.document["exitCode"], ended.document["credential"]) == (5, 5, source)
    assert ended.document["rights"]["pull"] == {"allowed": False, "status": 401, "code": "UNAUTHORIZED"}
    assert ended.document["next"] == f"check that the credential from {source} is valid and not expired"


def test_without_a_credential_the_next_step_is_to_log_in(run: Run, registry: RunningRegistry) -> None:
    ended = run("auth", "check", f"{registry.host}/{NAME}", "--push", "--output", "json")
    assert (ended.code, ended.document["credential"]) == (5, "none (anonymous)")
    assert ended.document["next"].startswith(f"log in with `docker login {registry.host}`")


def jwt(claims: object) -> str:
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b"{}", json.dumps(claims).encode(), b"signature"))


CASES = {
    "fewer": ({"token": jwt({"access": [{"type": "repository", "name": NAME, "actions": ["pull"]}]})}, ["pull"], ", granted pull;"),
    "none": ({"token": jwt({"access": []})}, [], ", granted nothing;"),
    "another": ({"token": jwt({"access": [{"type": "repository", "name": "a/b", "actions": ["pull"]}]})}, [], ", granted nothing;"),
    "by scope": ({"access_token": "opaque", "scope": f"repository:{NAME}:pull,push"}, ["pull", "push"], ", granted pull,push;"),
    "opaque": ({"token": "opaque"}, None, "asked for pull,push; credential"),
    "no token of theirs": ({"token": jwt({"access": 7})}, None, "asked for pull,push; credential"),
    "odd": ({"token": jwt({"access": [7, {"actions": {}}]})}, [], ", granted nothing;"),
    "not json": ({"token": "a.!!!.c"}, None, "asked for pull,push; credential"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_token_grants_is_compared_with_what_was_asked(run: Run, tmp_path: Path, name: str) -> None:
    token, granted, text = CASES[name]

    def script(asked: Asked) -> bytes:
        if asked.line.startswith("GET /token"):
            return reply(body=json.dumps(token).encode())
        if asked.line.startswith("POST") and "authorization" in asked.headers:
            return reply("403 No", b'{"errors":[{"code":"DENIED"}]}')
        challenge = f'Bearer realm="http://{asked.headers["host"]}/token",service="x"'
        return reply("404 None") if "authorization" in asked.headers else reply("401 Who", WWW_Authenticate=challenge)

    with serve(script) as web:
        log_in(tmp_path, web.host)
        ended = run("auth", "check", f"{web.host}/{NAME}", "--push", "--output", "json")
    assert (ended.code, ended.document["granted"]) == (5, granted)
    assert text in ended.err


@pytest.mark.parametrize("status", ["200 OK", "404 None"])
def test_a_web_site_is_no_registry_that_refuses_nothing(run: Run, status: str) -> None:
    with serve(lambda asked: reply(status, b"<!doctype html>", Content_Type="text/html")) as web:
        ended = run("auth", "check", f"{web.host}/{NAME}", "--output", "json")
    assert (ended.code, ended.document["rights"]["pull"]["allowed"]) == (6, None)
    assert "the response is an HTML page, not a registry's" in ended.err


@pytest.mark.parametrize("args", [["auth"], ["auth", "check"], ["auth", "check", "./folder"], ["auth", "check", "https://ghcr.io/a/b"]])
def test_a_line_that_names_no_repository(run: Run, args: list[str]) -> None:
    assert run(*args).code == 2
