"""Registries without TLS that are not this machine: only those that the user names, and the plan says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import signed_image
from fakes.credentials import auth
from fakes.program import Run, make_run
from fakes.web import Asked, Web, reply, serve

HOST = "registry.example:5000"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {HOST: auth("me:s3cret")}}))
    return make_run(tmp_path, monkeypatch, capsys)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """All hosts, by a proxy: it asks for a password, and has nothing."""

    def answer(asked: Asked) -> bytes:
        return reply("404 Not Found") if "authorization" in asked.headers else reply("401 Who", WWW_Authenticate='Basic realm="x"')

    with serve(answer) as found:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name.lower(), raising=False)
            monkeypatch.setenv(name, "" if name == "NO_PROXY" else f"http://{found.host}")
        yield found


@pytest.fixture
def push(tmp_path: Path) -> tuple[object, ...]:
    return ("push", signed_image(tmp_path / "image", text="one").folder, f"{HOST}/library/hello:v1", "--dry-run")


@pytest.mark.parametrize("named", [HOST, "registry.example", "REGISTRY.example:5000"])
def test_a_host_that_is_named(run: Run, web: Web, push: tuple[object, ...], named: str) -> None:
    ended = run(*push, "--plain-http", "other.example", "--plain-http", named)
    assert ended.code == 0, ended.err
    assert "  connection: plain HTTP, not encrypted\n" in ended.out
    assert all(f" http://{HOST}/v2/library/hello/" in asked.line for asked in web.asked)
    document = json.loads(run(*push, "--plain-http", named, "--output", "json").out)
    assert [each["connection"] for each in document["destinations"]] == ["plain HTTP, not encrypted"]


@pytest.mark.parametrize(
    "named", [(), ("--plain-http", "registry.example:5001"), ("--plain-http", "example"), ("--plain-http", "registry.example.test")]
)
def test_another_host_gets_neither_a_request_nor_a_credential(run: Run, web: Web, push: tuple[object, ...], named: tuple[str, ...]) -> None:
    ended = run(*push, *named)
    assert ended.code == 6
    assert {asked.line.rpartition(" ")[0] for asked in web.asked} == {f"CONNECT {HOST}"}
    assert not any("authorization" in asked.headers for asked in web.asked)


@pytest.mark.parametrize("command", [("pull", "-o", "out.wasm", "--allow-unsigned"), ("inspect",)])
def test_every_command_that_reads_registries_takes_it(run: Run, web: Web, command: tuple[str, ...]) -> None:
    ended = run(*command, f"{HOST}/library/hello:v1", "--plain-http", HOST)
    assert ended.code == 6
    assert "not found" in ended.err or "404" in ended.err or "there is no" in ended.err
    assert all(f" http://{HOST}/v2/library/hello/" in asked.line for asked in web.asked)


@pytest.mark.parametrize("host", ["http://registry.example", "a b", "registry.example/path", "127.1"])
def test_what_is_not_a_host_is_refused(run: Run, push: tuple[object, ...], host: str) -> None:
    ended = run(*push, "--plain-http", host)
    assert (ended.code, ended.is_one_clear_error) == (2, True)
    assert "--plain-http: " in ended.err
