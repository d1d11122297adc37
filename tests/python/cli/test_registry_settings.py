"""What a `wkg_registry_config` says counts in every run target that has one."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import Run, make_run, tag_of
from fakes.release_files import NAMES, entry, request
from fakes.token_server import token_server
from instruments.registry import start
from wasm_oci.local_registry.access import Bearer

SECRET = "canary-51c0"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return make_run(tmp_path, monkeypatch, capsys)


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Image]:
    return {name: signed_image(tmp_path / name, text=name) for name in NAMES}


@pytest.mark.parametrize("of_file", [False, True], ids=["members", "file"])
def test_credential_files_of_a_release(run: Run, members: dict[str, Image], tmp_path: Path, of_file: bool) -> None:
    """Those of the release's own config are for the registries that it names, whatever config its publish targets have."""
    encoded = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    with token_server(users={"robot": SECRET}) as tokens, start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
        login = tmp_path / "ci.json"
        login.write_text(json.dumps({"auths": {registry.host: {"auth": encoded}}}))
        assert run("release", "--request", request(tmp_path, members, entry("here", registry))).code == 5
        change = {"credential_files": [str(login)]}
        if of_file:
            (tmp_path / "r.yaml").write_text(f"registries: [here|{registry.host}]\ncredential_files: ['{login}']\n")
            assert run("registries", "-i", tmp_path / "r.yaml", "-o", tmp_path / "r.json").code == 0
            change = {"registries_file": str(tmp_path / "r.json")}
        ended = run("release", "--request", request(tmp_path, members, entry("here", registry), **change))
        assert ended.code == 0, ended.err
        assert tag_of(registry, "releases", "v1")
        assert SECRET not in ended.out + ended.err
