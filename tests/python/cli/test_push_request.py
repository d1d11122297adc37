"""`wasm_oci push --request`: what a publish target asks for."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image
from fakes.program import NAME, TAG_PATH, Run, push, request_file, tag_of, writes
from fakes.token_server import token_server
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Bearer
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder

SECRET = "canary-9c2e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The response comes after `seconds`."""

    seconds: float

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        time.sleep(self.seconds)
        return carry(request)


def entry(registry: RunningRegistry, **auth: str) -> dict[str, Any]:
    return {"name": "here", "host": registry.host, "prefix": "", "type": "oci", "path": "", "auth": auth or {"kind": "default"}}


def test_a_request_is_published(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    path = request_file(tmp_path, images[0], registries=[entry(registry)])
    ended = run("push", "--request", path, "--output", "json")
    assert ended.code == 0
    assert (ended.document["target"], ended.document["description"]) == ("//hello:publish", "greets")
    assert ended.document["reference"] == f"{registry.host}/{NAME}@{images[0].digest}"
    assert tag_of(registry, NAME, "v1") == images[0].digest


def test_the_command_line_overrides_a_request(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    path = request_file(tmp_path, images[0], registry="elsewhere", dry_run=True)
    flags = ["--registry", registry.host, "--namespace", "team/x", "--tag", "v2"]
    assert run("push", "--request", path, *flags, "--output", "json").document["status"] == "planned"
    assert writes(registry) == []
    ended = run("push", "--request", path, *flags, "--no-dry-run", "--output", "json")
    assert (ended.code, ended.document["tagged"]) == (0, f"{registry.host}/team/x/hello:v2")


def test_movable_tags_are_those_of_the_request(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    old, new = images
    for tag, movable, code in (("latest", [], 7), ("v1", ["v1"], 0)):
        push(run, old, registry, tag)
        path = request_file(tmp_path, new, registries=[entry(registry)], tag=tag, movable_tags=movable)
        assert run("push", "--request", path).code == code


def test_a_request_to_a_folder(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    disk = {"name": "here", "type": "layout", "path": str(tmp_path / "disk"), "auth": {"kind": "anonymous"}}
    ended = run("push", "--request", request_file(tmp_path, images[0], registries=[disk]), "--output", "json")
    assert (ended.code, ended.document["reference"]) == (0, f"{tmp_path}/disk@{images[0].digest}")
    assert run("pull", f"{tmp_path}/disk:v1", "--allow-unsigned", "-o", tmp_path / "x.wasm").code == 0
    assert (tmp_path / "x.wasm").read_bytes() == images[0].wasm


@pytest.mark.parametrize(
    "case",
    [
        ({"registry": "her"}, "unknown registry 'her'; did you mean here?"),
        ({"registry": "docker.io", "namespace": "a/b"}, "set name_override"),
        ({"namespace": "Library"}, "write it in lower case"),
        ({"default_registry": "nobody", "registry": ""}, "unknown registry 'nobody'"),
        ({"registry": ""}, "no registry is named"),
    ],
)
def test_requests_that_end_before_any_connection(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path, case: tuple[dict[str, str], str]
) -> None:
    change, problem = case
    ended = run("push", "--request", request_file(tmp_path, images[0], **({"registries": [entry(registry)]} | change)))
    assert (ended.code, problem in ended.err, ended.is_one_clear_error) == (2, True, True)
    assert registry.requests == []


def test_the_credential_of_an_entry(run: Run, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with token_server(users={"robot": SECRET}) as tokens, start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
        path = request_file(tmp_path, images[0], registries=[entry(registry, kind="token", variable="TEST_TOKEN")])
        monkeypatch.delenv("TEST_TOKEN", raising=False)
        ended = run("push", "--request", path)
        assert (ended.code, registry.requests) == (2, [])
        assert "registry entry 'here': environment variable TEST_TOKEN is not set; set TEST_TOKEN and run again" in ended.err
        monkeypatch.setenv("TEST_TOKEN", f"robot:{SECRET}")
        ended = run("push", "--request", path, "--output", "json")
        assert ended.code == 0
        assert ended.document["destinations"][0]["credentialSource"] == "environment variable TEST_TOKEN"
        assert SECRET not in ended.out + ended.err


def test_the_timeout_of_a_request(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    """How long a silent registry is waited for is what the request says; half a second, the tests' own limit, is not enough here."""
    with start() as registry:
        for timeout, code in ((None, 6), (10, 0)):
            registry.faults.add(Fault(path=TAG_PATH, effect=Late(seconds=0.8), times=None))
            path = request_file(tmp_path, images[0], registries=[entry(registry)], timeout_seconds=timeout, dry_run=True)
            assert run("push", "--request", path).code == code


def test_registries_of_a_file(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(f"registries: [here|{registry.host}, 'disk|{tmp_path}/disk|layout']\ndefault_registry: disk\n")
    assert run("registries", "-i", tmp_path / "r.yaml", "-o", tmp_path / "r.json").code == 0
    file = {"registries_file": str(tmp_path / "r.json"), "registry": ""}
    here = f"{registry.host}/{NAME}"
    for change, destinations in (
        ({"all_registries": True}, [here, f"{tmp_path}/disk"]),
        ({"target_registries": ["here"]}, [here]),
        ({"registry": "here"}, [here]),
        ({}, [f"{tmp_path}/disk"]),
    ):
        ended = run("push", "--request", request_file(tmp_path, images[0], **(file | change)), "--output", "json")
        assert [each["destination"] for each in ended.document["destinations"]] == destinations
    wrong = run("push", "--request", request_file(tmp_path, images[0], **(file | {"target_registries": ["hre"]})))
    assert (wrong.code, "unknown registry 'hre'; did you mean here?" in wrong.err) == (2, True)
    (tmp_path / "r.yaml").write_text("{}")
    assert run("registries", "-i", tmp_path / "r.yaml", "-o", tmp_path / "r.json").code == 0
    empty = run("push", "--request", request_file(tmp_path, images[0], **file, all_registries=True))
    assert (empty.code, "//hello:publish: there are no registries; add some to the config" in empty.err) == (2, True)


@pytest.mark.parametrize("kind", ["default", "docker"])
@pytest.mark.parametrize("named", ["path", "home", "host"])
def test_credential_files_of_a_request(run: Run, images: tuple[Image, Image], tmp_path: Path, named: str, kind: str) -> None:
    """They are used beside those of `docker login`, also for a host without an entry; one that does not exist is left out."""
    encoded = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    with token_server(users={"robot": SECRET}) as tokens, start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
        (tmp_path / "ci.json").write_text(json.dumps({"auths": {registry.host: {"auth": encoded}}}))
        files = [str(tmp_path / "nothing.json"), "~/ci.json" if named == "home" else str(tmp_path / "ci.json")]
        path = request_file(tmp_path, images[0], registries=[entry(registry, kind=kind)], credential_files=files)
        chosen = ["--registry", registry.host] if named == "host" else []
        ended = run("push", "--request", path, *chosen, "--output", "json")
        assert ended.code == 0
        source = ended.document["destinations"][0]["credentialSource"]
        assert source == f"auths['{registry.host}'] in {tmp_path}/ci.json"
        assert run("push", "--request", request_file(tmp_path, images[0], registries=[entry(registry, kind=kind)], tag="v2")).code == 5


def test_an_unknown_registry_says_who_named_it(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    path = request_file(tmp_path, images[0], registry="her")
    assert run("push", "--request", path).err.startswith("wasm_oci: //hello:publish: unknown registry 'her'; ")
    assert run("push", "--request", path, "--registry", "him").err.startswith("wasm_oci: --registry: unknown registry 'him'; ")
    assert run("push", "--request", path, "--registry", "a.b:x").err.startswith("wasm_oci: --registry: 'a.b:x' is not a registry host; ")
