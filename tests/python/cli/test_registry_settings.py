"""What a `wkg_registry_config` says counts in every run target that has one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.certificates import company
from fakes.program import Run, request_file, tag_of, writes
from fakes.release_files import NAMES, entry, request
from fakes.tls_front import tls_front
from fakes.token_server import token_server
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Bearer

SECRET = "canary-51c0"


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
        change: dict[str, object] = {"credential_files": [str(login)]}
        if of_file:
            (tmp_path / "r.yaml").write_text(f"registries: [here|{registry.host}]\ncredential_files: ['{login}']\n")
            assert run("registries", "-i", tmp_path / "r.yaml", "-o", tmp_path / "r.json").code == 0
            change = {"registries_file": str(tmp_path / "r.json")}
        ended = run("release", "--request", request(tmp_path, members, entry("here", registry), **change))
        assert ended.code == 0, ended.err
        assert tag_of(registry, "releases", "v1")
        assert SECRET not in ended.out + ended.err


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """A registry that is reached by TLS, with a certificate of a private authority."""

    registry: RunningRegistry
    host: str
    authority: Path

    def entry(self, name: str = "here") -> dict[str, str]:
        return {"name": name, "host": f"https://{self.host}", "prefix": ""}


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Private]:
    authority, context = company(tmp_path)
    with start() as registry, tls_front(registry.port, context) as host:
        yield Private(registry=registry, host=host, authority=authority)


def settings(private: Private, **change: object) -> dict[str, object]:
    return {"registries": [private.entry()], "ca_file": str(private.authority), **change}


def promotion(folder: Path, **change: object) -> Path:
    path = folder / "promote.json"
    document = {"schema_version": 1, "source": "here/releases:v1", "destination": "here/releases", "target": "//:promote"}
    path.write_text(json.dumps(document | change))
    return path


def test_authorities_of_a_config(run: Run, private: Private, members: dict[str, Image], tmp_path: Path) -> None:
    """They are trusted at the hosts of all entries by every kind of run target; without them the certificate is refused."""
    release = partial(request, tmp_path, members, private.entry())
    refused = run("release", "--request", release())
    assert (refused.code, "its issuer is unknown" in refused.err, writes(private.registry)) == (6, True, [])
    assert run("release", "--request", release(ca_file=str(private.authority))).code == 0
    assert run("promote", "--request", promotion(tmp_path, registries=[private.entry()], tags=["v2"])).code == 6
    assert run("promote", "--request", promotion(tmp_path, **settings(private, tags=["v2"]))).code == 0
    assert tag_of(private.registry, "releases", "v2") == tag_of(private.registry, "releases", "v1")
    image = {"namespace": "pushed", "signature": None}
    pushed = request_file(tmp_path, members["one"], **settings(private, **image))
    assert run("push", "--request", pushed).code == 0
    of_its_member = request(tmp_path, members, private.entry(), tag="v3")
    (tmp_path / "two.json").write_bytes(pushed.read_bytes())
    assert run("release", "--request", of_its_member).code == 0, "an artifact's own authorities count in a release"


def test_hosts_of_authorities(run: Run, private: Private, members: dict[str, Image], tmp_path: Path) -> None:
    for hosts, code in (["127.0.0.1"], 0), ([private.host], 0), (["registry.example"], 6):
        path = request_file(tmp_path, members["one"], **settings(private, ca_hosts=hosts, signature=None))
        assert run("push", "--request", path).code == code


@pytest.mark.parametrize("flag", ["host", "host and port"])
def test_the_option_wins_over_the_authorities_of_a_config(
    run: Run, private: Private, members: dict[str, Image], tmp_path: Path, flag: str
) -> None:
    (tmp_path / "other").mkdir()
    other, _ = company(tmp_path / "other", name="nobody's")
    host = private.host if flag == "host and port" else "127.0.0.1"
    for configured, given, code in (private.authority, other, 6), (other, private.authority, 0):
        path = request_file(tmp_path, members["one"], **settings(private, ca_file=str(configured), signature=None))
        assert run("push", "--request", path, "--ca-file", f"{host}={given}").code == code
        path = promotion(tmp_path, **settings(private, ca_file=str(configured)), source="here/library/hello:v1", destination="here/copy")
        assert run("promote", "--request", path, "--ca-file", f"{host}={given}").code == code


def test_a_file_that_holds_no_authorities(run: Run, private: Private, members: dict[str, Image], tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    path = request_file(tmp_path, members["one"], **settings(private, ca_file=str(tmp_path / "empty.pem"), signature=None))
    ended = run("push", "--request", path)
    assert (ended.code, "ca_file of a wkg_registry_config: it holds no certificates" in ended.err) == (2, True)
