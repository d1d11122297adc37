"""The request file of a publish target, and the files that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wasm_oci.errors import FormatError, LimitError, UsageError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.request import PushRequest, read_request
from wasm_oci.registry.credentials import AuthSetting

ENTRY = {
    "name": "gh",
    "host": "ghcr.io",
    "prefix": "my-org",
    "type": "oci",
    "path": "",
    "auth": {
        "kind": "token",
        "variable": "GITHUB_TOKEN",
        "username": "",
        "password_variable": "",
        "id_variable": "",
        "secret_variable": "",
    },
}
REQUEST: dict[str, Any] = {
    "schemaVersion": 1,
    "layout": "_main/hello/layout",
    "signature": "_main/hello/hello.sig",
    "registry": "gh",
    "namespace": "team",
    "repository": "hello",
    "tag": "v1",
    "registries": [ENTRY],
    "default_registry": "gh",
    "movable_tags": ["latest"],
    "description": "greets",
    "authors": ["me"],
    "license": "",
    "dry_run": True,
    "target": "//hello:publish",
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Runfiles as a folder, with the layout and the signature."""
    (tmp_path / "runfiles/_main/hello/layout").mkdir(parents=True)
    (tmp_path / "runfiles/_main/hello/hello.sig").write_bytes(b"x")
    return {"RUNFILES_DIR": str(tmp_path / "runfiles")}


def read(folder: Path, environ: dict[str, str], **change: Any) -> PushRequest:
    path = folder / "request.json"
    path.write_text(json.dumps({name: value for name, value in (REQUEST | change).items() if value != "absent"}))
    return read_request(path, environ)


def test_all_members(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "runfiles/_main/hello"
    assert read(tmp_path, environ) == PushRequest(
        layout=folder / "layout",
        signature=folder / "hello.sig",
        registry="gh",
        namespace="team",
        repository="hello",
        tag="v1",
        registries=(
            RegistryEntry(name="gh", host="ghcr.io", prefix="my-org", auth=AuthSetting(kind="token", variable="GITHUB_TOKEN", entry="gh")),
        ),
        default_registry="gh",
        movable_tags=frozenset({"latest"}),
        dry_run=True,
        notes={"target": "//hello:publish", "description": "greets", "authors": ["me"]},
    )


def test_what_may_be_absent_or_null(tmp_path: Path, environ: dict[str, str]) -> None:
    optional = ("signature", "registries", "default_registry", "movable_tags", "dry_run", "target", "description", "authors", "license")
    for value in (None, "absent"):
        request = read(tmp_path, environ, **dict.fromkeys(optional, value))
        assert (request.signature, request.registries, request.default_registry, request.dry_run) == (None, (), "", False)
        assert (request.movable_tags, request.notes) == (frozenset(), {})


def test_entries_of_other_kinds(tmp_path: Path, environ: dict[str, str]) -> None:
    layout = {"name": "disk", "type": "layout", "path": "/srv/layout", "host": "", "prefix": "", "auth": {"kind": "anonymous"}}
    secure = {"name": "tls", "type": "oci", "host": "https://localhost:5443", "auth": {}}
    first, second = read(tmp_path, environ, registries=[layout, secure]).registries
    assert (first.type, first.path) == ("layout", "/srv/layout")
    assert (second.host, second.scheme, second.auth.kind) == ("localhost:5443", "https", "default")


@pytest.mark.parametrize(
    ("change", "kind", "problem"),
    [
        ({"schemaVersion": 2}, FormatError, "schemaVersion is 2; this program reads version 1"),
        ({"schemaVersion": True}, FormatError, "schemaVersion must be a int"),
        ({"layout": "absent"}, FormatError, "layout must be a str, and is missing"),
        ({"layout": 7}, FormatError, "layout must be a str, and is not"),
        ({"layout": "_main/nothing"}, UsageError, "the file '_main/nothing' is not in the runfiles"),
        ({"layout": "_main/../../etc"}, UsageError, "leaves the runfiles"),
        ({"tag": "a b"}, UsageError, "is not a tag"),
        ({"tag": ""}, UsageError, "is not a tag"),
        ({"movable_tags": [1]}, FormatError, "a list of strings is needed"),
        ({"dry_run": "yes"}, FormatError, "dry_run must be a bool"),
        ({"registries": {}}, FormatError, "registries must be a list"),
        ({"registries": ["gh|ghcr.io|oci"]}, FormatError, "registries[0]: an object is needed"),
        ({"registries": [ENTRY | {"type": "npm"}]}, UsageError, "registry entry 'gh': 'npm' is not a type of registry"),
        ({"registries": [ENTRY | {"host": "ghcr.io/x"}]}, UsageError, "registry entry 'gh': 'ghcr.io/x' is not a registry host"),
        ({"registries": [ENTRY | {"host": "http://ghcr.io"}]}, UsageError, "registry entry 'gh': plain http is refused for ghcr.io"),
        ({"registries": [ENTRY | {"auth": {"kind": "magic"}}]}, UsageError, "registry entry 'gh': 'magic' is not a kind"),
        ({"registries": [ENTRY | {"auth": {"kind": "token"}}]}, UsageError, "authentication 'token' needs variable"),
        ({"registries": [ENTRY | {"type": "layout"}]}, UsageError, "registry entry 'gh': a layout needs a path"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, environ: dict[str, str], change: dict[str, Any], kind: type[WasmOciError], problem: str
) -> None:
    with pytest.raises(kind) as caught:
        read(tmp_path, environ, **change)
    assert problem in str(caught.value)


def test_a_request_is_bounded_json(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(b"{" + b" " * LIMITS.request_file)
    with pytest.raises(LimitError):
        read_request(path, {})
    path.write_bytes(b'{"schemaVersion":')
    with pytest.raises(FormatError, match="not valid JSON"):
        read_request(path, {})
