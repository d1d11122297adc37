"""Servers and programs of the integration tests, each called as a user would call it."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from instruments.registry import RunningRegistry, start

EXAMPLE = Path("examples/oci_publishing")
_READY_SECONDS = 20.0
Request = tuple[str, str, int]
"""Method, path and status."""
_ACCESS = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/1\.[01]" (\d{3})')


class Server(Protocol):
    """A running registry on loopback."""

    @property
    def host(self) -> str: ...

    @property
    def referrers_api(self) -> bool: ...

    def requests(self) -> list[Request]:
        """Every request so far, in the order in which they were answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerRegistry:
    """docker-registry; `log` is its access log."""

    host: str
    log: Path
    referrers_api: bool = False

    def requests(self) -> list[Request]:
        """The log is written after the answer: one request more, and what stands before it is complete."""
        mark = f"/v2/?seen={uuid.uuid4().hex}"
        connection = http.client.HTTPConnection(self.host, timeout=10)
        connection.request("GET", mark)
        connection.getresponse().read()
        connection.close()
        deadline = time.monotonic() + _READY_SECONDS
        while mark not in (text := self.log.read_text(errors="replace")):
            assert time.monotonic() < deadline, "docker-registry writes no access log"
            time.sleep(0.02)
        seen = [(m[1], m[2], int(m[3])) for m in _ACCESS.finditer(text)]
        return [request for request in seen if "?seen=" not in request[1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRegistry:
    """`//tools:local_registry` in this process."""

    running: RunningRegistry

    @property
    def host(self) -> str:
        return f"localhost:{self.running.port}"

    @property
    def referrers_api(self) -> bool:
        return self.running.behaviour.referrers_api

    def requests(self) -> list[Request]:
        return [(record.method, record.path, record.status) for record in self.running.requests]


@contextmanager
def own_registry(folder: Path, *, referrers_api: bool) -> Iterator[OwnRegistry]:
    """Starts our own registry with its state in `folder`."""
    with start(folder / "state", referrers_api=referrers_api) as running:
        yield OwnRegistry(running=running)


REGISTRIES = ("docker-registry", "local_registry")
"""One without the referrers API, and ours, which has it."""


@contextmanager
def registry_of(kind: str, folder: Path) -> Iterator[Server]:
    """Starts one of `REGISTRIES` with its state in a new folder."""
    folder.mkdir()
    with docker_registry(folder) if kind == "docker-registry" else own_registry(folder, referrers_api=True) as server:
        yield server


@contextmanager
def docker_registry(folder: Path, *, http: Mapping[str, Any] | None = None, **settings: Any) -> Iterator[DockerRegistry]:
    """Starts Debian's docker-registry on a free port with its state in `folder`, with further `settings` of its own and of its `http`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config, log = folder / "config.yml", folder / "access.log"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    address = {"addr": f"127.0.0.1:{port}", **(http or {})}
    config.write_text(json.dumps({"version": 0.1, "storage": storage, "http": address, **settings}))
    with log.open("wb") as output, subprocess.Popen(["docker-registry", "serve", str(config)], stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + _READY_SECONDS
            while not _answers(port):
                assert process.poll() is None, log.read_text(errors="replace")
                assert time.monotonic() < deadline, "docker-registry does not answer"
                time.sleep(0.02)
            yield DockerRegistry(host=f"localhost:{port}", log=log)
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a program left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.stdout)
        return document


def call(*command: str | Path, cwd: Path | None = None, **environ: str) -> Done:
    """Runs a program as a user would: credentials of the machine and the test's own runfiles do not reach it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFILES_", "JAVA_RUNFILES", "PYTHON"))}
    env = {**inherited, "DOCKER_CONFIG": "/nonexistent", "HOME": "/nonexistent", **environ}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd, env=env, timeout=120)
    return Done(code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def target(name: str, package: Path = EXAMPLE) -> Path:
    """The launcher of a run target among the runfiles."""
    return (package / f"{name}_launcher.sh").absolute()


def wasm_oci() -> Path:
    """The program `wasm_oci` among the runfiles."""
    return Path("tools/programs/wasm_oci").absolute()


def publish_detached() -> Path:
    """The launcher of the run target that publishes a detached signature."""
    return target("publish_detached", Path("tests/integration"))


def image_file(image: str, role: str) -> Path:
    """An output of an image of the example."""
    return (EXAMPLE / f"{image}_{role}").absolute()


def public_key(keys: str = "oci_signing_keys", name: str = "key.public") -> Path:
    """A public key of the example."""
    return (EXAMPLE / keys / name).absolute()
