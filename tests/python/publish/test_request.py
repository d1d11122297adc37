"""The request file of a publish target, and the files that it names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wasm_oci.errors import FormatError, LimitError, UsageError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.request import PushRequest, read_push_request
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
    "schema_version": 1,
    "layout": "_main/hello/layout",
    "signature": "_main/hello/hello.sig",
    "registry": "gh",
    "namespace": "team",
    "repository": "hello",
    "tag": "v1",
    "registries": [ENTRY],
    "default_registry": "gh",
    "movable_tags": ["latest"],
    "plain_http": ["registry:5000", "auth"],
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
    return read_push_request(path, environ)


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
        plain_http=frozenset({"registry:5000", "auth"}),
        dry_run=True,
        target="//hello:publish",
        description="greets",
        authors=("me",),
    )
    assert read(tmp_path, environ).notes == {"target": "//hello:publish", "description": "greets", "authors": ["me"]}


def test_what_may_be_absent(tmp_path: Path, environ: dict[str, str]) -> None:
    optional = (
        "signature",
        "registries",
        "plain_http",
        "default_registry",
        "movable_tags",
        "dry_run",
        "target",
        "description",
        "authors",
        "license",
    )
    request = read(tmp_path, environ, **dict.fromkeys(optional, "absent"))
    assert (request.signature, request.registries, request.default_registry, request.dry_run) == (None, (), "", False)
    assert (request.movable_tags, request.notes) == (frozenset(), {})
    assert read(tmp_path, environ, signature=None, signing=None) == replace(read(tmp_path, environ), signature=None)


def test_tags_with_values_of_the_workspace_status(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "runfiles/_main/stable-status.txt").write_text("STABLE_VERSION 1.2.3\nSTABLE_BAD a/b\n")
    tags = {"tag": "{STABLE_VERSION}", "extra_tags": ["v{STABLE_VERSION}", "latest"], "movable_tags": ["v{STABLE_VERSION}"]}
    request = read(tmp_path, environ, **tags, stable_status="_main/stable-status.txt")
    assert (request.tag, request.extra_tags, request.movable_tags) == ("1.2.3", ("v1.2.3", "latest"), frozenset({"v1.2.3"}))
    with pytest.raises(UsageError, match=r"extra_tags\[0\] '\{STABLE_VERSON\}': .* has no STABLE_VERSON; did you mean STABLE_VERSION\?"):
        read(tmp_path, environ, extra_tags=["{STABLE_VERSON}"], stable_status="_main/stable-status.txt")
    with pytest.raises(UsageError, match=r"//hello:publish: tag: 'a/b' is not a tag"):
        read(tmp_path, environ, tag="{STABLE_BAD}", stable_status="_main/stable-status.txt")


def test_entries_of_other_kinds(tmp_path: Path, environ: dict[str, str]) -> None:
    layout = {"name": "disk", "type": "layout", "path": "/srv/layout", "host": "", "prefix": "", "auth": {"kind": "anonymous"}}
    secure = {"name": "tls", "type": "oci", "host": "https://localhost:5443", "auth": {}}
    first, second = read(tmp_path, environ, registries=[layout, secure]).registries
    assert (first.type, first.path) == ("layout", "/srv/layout")
    assert (second.host, second.scheme, second.auth.kind) == ("localhost:5443", "https", "default")


@pytest.mark.parametrize(
    ("change", "kind", "problem"),
    [
        ({"schema_version": 2}, FormatError, "unsupported schema_version 2: this program reads 1; build the target again"),
        ({"schema_version": True}, FormatError, "unsupported schema_version true"),
        ({"schema_version": "absent"}, FormatError, "request.json: schema_version is missing; build the target again"),
        ({"schemaVersion": 1}, FormatError, "schemaVersion: unknown member 'schemaVersion'"),
        ({"layout": "absent"}, FormatError, "request.json: layout: the member is missing; build the target again"),
        ({"layout": 7}, FormatError, "request.json: layout: expected a path, not 7"),
        ({"layout": None}, FormatError, "request.json: layout: the layout is missing"),
        ({"default_registry": None}, FormatError, "request.json: default_registry: expected text, not null"),
        ({"layout": "_main/nothing"}, UsageError, "the file '_main/nothing' is not in the runfiles"),
        ({"layout": "_main/../../etc"}, UsageError, "leaves the runfiles"),
        ({"tag": "a b"}, UsageError, "is not a tag"),
        ({"tag": ""}, UsageError, "is not a tag"),
        ({"movable_tags": [1]}, FormatError, "movable_tags[0]: expected text, not 1"),
        ({"plain_http": ["http://a"]}, UsageError, "plain_http[0]: 'http://a' is not a registry host"),
        ({"timeout_seconds": 0}, UsageError, "request.json: timeout_seconds: 0 is not a time; give a number from 1 to 3600"),
        ({"timeout_seconds": 3601}, UsageError, "3601 is not a time"),
        ({"dry_run": "yes"}, FormatError, "dry_run: expected true or false, not 'yes'"),
        ({"registries": {}}, FormatError, "registries: expected a list, not an object"),
        ({"registries": ["gh|ghcr.io|oci"]}, FormatError, "registries[0]: expected an object, not 'gh|ghcr.io|oci'"),
        (
            {"registries": [ENTRY | {"type": "npm"}]},
            FormatError,
            "registries[0].type: unknown value 'npm' (use one of oci, layout, archive, mirror)",
        ),
        ({"registries": [ENTRY | {"auth": {"kind": 7}}]}, FormatError, "registries[0].auth.kind: expected text, not 7"),
        (
            {"registries": [ENTRY | {"auth": {"kid": "env"}}]},
            FormatError,
            "registries[0].auth.kid: unknown member 'kid' (did you mean kind?)",
        ),
        ({"registries": [ENTRY | {"host": "ghcr.io/x"}]}, UsageError, "registry entry 'gh': 'ghcr.io/x' is not a registry host"),
        ({"registries": [ENTRY | {"host": "http://ghcr.io"}]}, UsageError, "registry entry 'gh': plain http is refused for ghcr.io"),
        ({"registries": [ENTRY | {"auth": {"kind": "magic"}}]}, UsageError, "registry entry 'gh': 'magic' is not a kind"),
        ({"registries": [ENTRY | {"auth": {"kind": "token"}}]}, UsageError, "authentication 'token' needs variable"),
        ({"registries": [ENTRY | {"type": "layout"}]}, UsageError, "registry entry 'gh': the layout needs a path"),
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
        read_push_request(path, {})
    path.write_bytes(b'{"schema_version":')
    with pytest.raises(FormatError, match="not valid JSON"):
        read_push_request(path, {})
