"""`--registry-config`: every command that takes a reference reaches it as the entries of a configuration say."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.artifacts import Image, key, signed_image
from fakes.program import NAME, Run, tag_of
from fakes.release_files import entry, request
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Basic

SECRET = "canary-91f4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A registry that wants a login, an image and a release there, and the configuration that knows the login."""

    registry: RunningRegistry
    image: Image
    config: Path


@pytest.fixture
def closed(run: Run, tmp_path: Path) -> Iterator[Closed]:
    image = signed_image(tmp_path / "image", detached=True)
    with start(auth=Basic(user="robot", password=SECRET)) as registry:
        login = tmp_path / "login.json"
        login.write_text(json.dumps({"auths": {registry.host: {"auth": base64.b64encode(f"robot:{SECRET}".encode()).decode()}}}))
        config = tmp_path / "registries.json"
        config.write_text(json.dumps({"registries": [f"own|{registry.host}"], "credential_files": [str(login)]}))
        ended = run("release", "--request", request(tmp_path, {"one": image}, entry("here", registry), credential_files=[str(login)]))
        assert ended.code == 0, ended.err
        ended = run("push", image.folder, f"own/{NAME}:v1", "--signature-file", image.signature, "--registry-config", config)
        assert ended.code == 0, ended.err
        assert tag_of(registry, NAME, "v1") == image.digest
        yield Closed(registry=registry, image=image, config=config)


COMMANDS = {
    "inspect": ("inspect", "own/{name}:v1"),
    "list": ("list", "own/{name}"),
    "statements": ("statements", "own/{name}:v1"),
    "attest": ("attest", "own/{name}@{digest}", "--predicate-type", "sign", "-k", "{key}"),
    "countersign": ("countersign", "own/{name}@{digest}", "-k", "{key}"),
    "auth": ("auth", "check", "own/{name}", "--push"),
    "pull": ("pull", "own/{name}:v1", "-o", "{folder}/pulled.wasm", "--allow-unsigned"),
    "archive": ("archive", "own/{name}:v1", "{folder}/out.tar"),
    "promote": ("promote", "own/{name}:v1", "own/copies/hello"),
    "push": ("push", "{layout}", "own/{name}:v2"),
    "release show": ("release", "show", "own/releases:v1"),
    "release diff": ("release", "diff", "own/releases:v1", "own/releases:v1"),
    "release verify": ("release", "verify", "own/releases:v1"),
    "policy check": ("policy", "check", "own/{name}:v1", "--policy", "{folder}/policy.yaml"),
}


@pytest.mark.parametrize("by_host", [False, True], ids=["entry", "host"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_reaches_what_a_configuration_names(
    run: Run, closed: Closed, tmp_path: Path, command: tuple[str, ...], by_host: bool
) -> None:
    (tmp_path / "policy.yaml").write_text("default: {signing: optional}\n")
    (tmp_path / "key").write_bytes(key(3).compact())
    values = {"name": NAME, "digest": closed.image.digest, "key": tmp_path / "key", "folder": tmp_path, "layout": closed.image.folder}
    words = [word.format(**values) for word in command]
    if by_host:
        words = [f"{closed.registry.host}/{word.removeprefix('own/')}" if word.startswith("own/") else word for word in words]
    ended = run(*words, "--registry-config", closed.config)
    assert ended.code == 0, ended.err
    assert SECRET not in ended.out + ended.err
    if by_host:
        assert run(*words).code == 5, "without it there is no login"


@pytest.mark.parametrize("command", ["push", "release"])
def test_a_target_has_its_own(run: Run, tmp_path: Path, command: str) -> None:
    ended = run(command, "--request", tmp_path / "r.json", "--registry-config", tmp_path / "r.yaml")
    assert (ended.code, "--registry-config: the target has its own list; set registry_config of the target" in ended.err) == (2, True)
