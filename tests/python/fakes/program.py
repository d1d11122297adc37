"""`wasm_oci` as a user runs it, with time that passes only when it is waited for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image
from fakes.timing import IMPATIENT, FakeTime
from fakes.whole import tags_of
from instruments.registry import RunningRegistry
from wasm_oci.cli.main import main
from wasm_oci.digest import Digest
from wasm_oci.http.transport import Transport
from wasm_oci.limits import Limits, with_timeout
from wasm_oci.publish import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def said(self) -> str:
        """What is on stderr beside lines of progress."""
        return "".join(line for line in self.err.splitlines(keepends=True) if not _PROGRESS.match(line))

    @property
    def is_one_clear_error(self) -> bool:
        """Whether stderr is one printable line that begins with the program's name, beside lines of progress."""
        return self.said.startswith("wasm_oci: ") and self.said.count("\n") == 1 and self.said.strip().isprintable()


Run = Callable[..., Ended]
_PROGRESS = re.compile(r"wasm_oci: (looking up|sending content|writing tags): ")

NAME = "library/hello"
TAG_PATH = "/manifests/v1"


def make_run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, limits: Limits = IMPATIENT) -> Run:
    """Returns a function that runs `wasm_oci` with its arguments; credentials are those below `folder` only."""
    for name in ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder / "docker"))
    time = FakeTime()

    def transport(plain_http: Collection[str] = (), timeout: float | None = None, ca_files: Iterable[str] = ()) -> Transport:
        named = dict(resolve.ca_file(text) for text in ca_files)
        return Transport(limits=with_timeout(limits, timeout), timing=time.timing, environ={}, plain_http=plain_http, ca_files=named)

    monkeypatch.setattr(resolve, "make_transport", transport)

    def run(*args: object) -> Ended:
        code = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Ended(code=code, out=out, err=err)

    return run


def tag_of(registry: RunningRegistry, repository: str, tag: str) -> Digest | None:
    """What a tag names on the registry's disk, whatever its faults."""
    return tags_of(registry.state / repository).get(tag)


def push(run: Run, image: Image, registry: RunningRegistry, tag: str, *args: str) -> Ended:
    """Pushes an image and its detached signature to `NAME`."""
    return run("push", image.folder, f"{registry.host}/{NAME}:{tag}", "--signature-file", image.signature, *args)


def request_file(folder: Path, image: Image, **change: Any) -> Path:
    """Writes a publish target's request for `image`, to an entry `here` unless changed; that has to be given with `registries`."""
    document = {
        "schema_version": 1,
        "layout": str(image.folder),
        "signature": str(image.signature),
        "registry": "here",
        "namespace": "library",
        "repository": "hello",
        "tag": "v1",
        "registries": [],
        "target": "//hello:publish",
        "description": "greets",
    }
    path = folder / "request.json"
    path.write_text(json.dumps(document | change))
    return path


def writes(registry: RunningRegistry) -> list[str]:
    """Method and path of every request so far that is not a read."""
    return [f"{record.method} {record.path}" for record in registry.requests if record.method not in ("GET", "HEAD")]
