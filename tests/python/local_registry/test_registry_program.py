"""The program `local_registry`, run as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wasm_oci
from instruments.registry import start
from local_registry.client import Client, image
from wasm_oci.errors import UsageError
from wasm_oci.local_registry import program
from wasm_oci.local_registry.program import main

TOOLS = Path(wasm_oci.__file__).parents[1]


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOOLS), *sys.path]), **more}


@contextmanager
def _running(*arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yields the process and the line with which it says that it is ready."""
    command = [sys.executable, "-m", "wasm_oci.local_registry.program", "--port", "0", *arguments]
    with subprocess.Popen(
        command, env=_environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def _end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("text", ["--\x1b[31m", "a\nb"])
def test_errors_about_arguments_are_escaped(capsys: pytest.CaptureFixture[str], text: str) -> None:
    shown = text.encode("unicode_escape").decode()
    assert main([text]) == 2
    assert capsys.readouterr().err == f"local_registry: unrecognized arguments: {shown}; see local_registry --help\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready"
    with _running("--state", str(tmp_path / "state"), "--ready-file", str(ready)) as (process, line):
        found = re.fullmatch(r"local registry at (127\.0\.0\.1:\d+) \(on 127\.0\.0\.1( and ::1)?\), state in (.*)\n", line)
        assert found, line
        host = found[1]
        assert found[3] == str(tmp_path / "state")
        assert ready.read_text() == f"{host}\n"
        with Client(host) as client:
            client.push_image("a/b", "v1")
            assert client("GET", "/v2/a/b/tags/list", Authorization="Basic c2VjcmV0").status == 200
            code, errors = _end(process, number)
    assert code == 0
    assert [line.split()[0] for line in errors.splitlines()] == ["POST", "PUT", "GET"]
    assert "c2VjcmV0" not in errors
    assert not ready.exists()
    assert (tmp_path / "state" / "a" / "b" / "index.json").is_file()


def test_the_state_is_kept_in_the_users_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with _running(XDG_STATE_HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path), HOME=str(tmp_path)) as (process, line):
            with Client(line.split()[3]) as client:
                known = client("GET", "/v2/_catalog").document["repositories"]
                client.push_image("a/b", "v1")
            assert _end(process)[0] == 0
    assert known == ["a/b"]


def test_an_access_log(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("before\n")
    with _running("--state", str(tmp_path / "state"), "--access-log", str(log)) as (process, line):
        with Client(line.split()[3]) as client:
            client("GET", "/v2/a/tags/list?n=3&token=s3cret")
        assert _end(process) == (0, "")
    assert re.fullmatch(r"before\nGET /v2/a/tags/list\?n=3 404 0 \d+\n", log.read_text())


def test_options_change_the_behaviour(tmp_path: Path) -> None:
    with _running("--state", str(tmp_path), "--immutable-tags", "--no-referrers-api") as (process, line):
        with Client(line.split()[3]) as client:
            digest = client.push_image("a", "v1")
            assert client("GET", f"/v2/a/referrers/{digest}").status == 404
            assert client.put_manifest("a", "v1", image(artifactType="a/new")).status == 409
        assert _end(process)[0] == 0


def test_both_loopback_addresses_answer_on_one_port() -> None:
    with start() as registry:
        for address in registry.addresses:
            with socket.create_connection((address, registry.port), timeout=10) as connection:
                connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert registry.addresses[0] == "127.0.0.1"
    assert ("::1" in registry.addresses) == _has_ipv6()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_a_port_in_use_is_one_line_that_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start() as registry:
        code = main(["--port", str(registry.port), "--state", str(tmp_path)])
    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    assert re.fullmatch(rf"local_registry: port {registry.port} cannot be used: .*; choose another with --port, .*\n", output.err)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "example.com", "localhost", ""])  # noqa: S104
def test_other_machines_are_kept_out(tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str) -> None:
    code = main(["--port", "0", "--address", "127.0.0.1", "--address", address, "--state", str(tmp_path / "state")])
    assert code == 2
    assert f"{address!r} is not a loopback address; " in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("port", ["65536", "-1", "http", "١", ""])
def test_what_is_no_port(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert main([f"--port={port}"]) == 2
    assert "is not a port; use a number from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--access-log", "--ready-file", "--state"])
def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    values = {"--state": str(tmp_path / "state"), "--port": "0", option: str(tmp_path / "file" / "x")}
    assert main([word for pair in values.items() for word in pair]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"local_registry: {tmp_path / 'file' / 'x'}: cannot ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("option", ["--access-log", "--ready-file", "--state"])
def test_an_empty_path_is_not_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "_run", lambda *_: pytest.fail("it started"))
    assert main(["--port", "0", option, ""]) == 2
    assert capsys.readouterr().err.startswith(f"local_registry: {option}: the value is empty; give a value, ")
    assert list(tmp_path.iterdir()) == []


def test_help_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "127.0.0.1 and ::1 only" in text
    assert "default: 5000" in text


def test_it_loads_neither_urllib3_nor_cryptography() -> None:
    script = "import sys, wasm_oci.local_registry.program as c; c.main(['--help']); print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], env=_environment(), capture_output=True, check=True, text=True)
    loaded = set(done.stdout.splitlines())
    assert "wasm_oci.local_registry.server" in loaded
    assert loaded.isdisjoint({"urllib3", "cryptography"})


def test_a_registry_on_one_address() -> None:
    with pytest.raises(UsageError, match="not a loopback address"), start(addresses=("10.0.0.1",)):
        pass
    with start(addresses=("127.0.0.1",)) as registry:
        assert (registry.addresses, registry.host) == (("127.0.0.1",), f"127.0.0.1:{registry.port}")
