"""`wasm_promote` of a target: what its build makes is promoted, by the digest that the build gives it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, public, signed_image
from fakes.certificates import company
from fakes.program import Run, push, request_file, tag_of, writes
from fakes.release_files import NAMES, entry, push_document, request
from fakes.tls_front import tls_front
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Basic
from wasm_oci.oci.layout_store import LayoutStore

SECRET = "canary-b5d0"


@pytest.fixture
def registries() -> Iterator[list[RunningRegistry]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start()) for _ in range(3)]


def promotion(folder: Path, source: Path, destination: str, **change: Any) -> Path:
    member = "source_release" if source.name.startswith("release") else "source_publish"
    path = folder / "promote.json"
    document = {"schema_version": 1, member: str(source), "destination": destination, "movable_tags": ["latest"], "target": "//:promote"}
    path.write_text(json.dumps(document | change))
    return path


def test_the_release_that_was_built_is_promoted(
    run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path
) -> None:
    """Though its tag names another one by now, as somebody else moved it."""
    first, second, _ = registries
    built = request(tmp_path, members, entry("first", first, "staging"), extra_tags=["current"], movable_tags=["v1", "current"])
    assert run("release", "--request", built).code == 0
    digest = tag_of(first, "staging/releases", "v1")
    other = {name: members[name] for name in NAMES[:2]}
    (tmp_path / "elsewhere").mkdir()
    moved = request(tmp_path / "elsewhere", other, entry("first", first, "staging"), movable_tags=["v1"])
    assert run("release", "--request", moved).code == 0
    assert tag_of(first, "staging/releases", "v1") != digest
    assert run("promote", "--request", promotion(tmp_path, built, f"{second.host}/releases")).code == 0
    assert (tag_of(second, "releases", "v1"), tag_of(second, "releases", "current")) == (digest, None)
    assert run("release", "verify", f"{second.host}/releases:v1").code == 0
    store = LayoutStore(second.state / "releases")
    assert len(list(store.referrers(members["one"].digest))) == 1
    tagged = promotion(tmp_path, built, f"{second.host}/releases", tags=["v2"])
    assert run("promote", "--request", tagged).code == 0
    assert tag_of(second, "releases", "v2") == digest


def test_what_is_built_and_not_released_is_an_error(
    run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path
) -> None:
    first, second, _ = registries
    assert run("release", "--request", request(tmp_path, members, entry("first", first))).code == 0
    changed = members | {"two": signed_image(tmp_path / "two2", text="two, changed")}
    ended = run("promote", "--request", promotion(tmp_path, request(tmp_path, changed, entry("first", first)), f"{second.host}/releases"))
    assert (ended.code, writes(second)) == (6, [])
    assert "what //:release builds now is not published there: run it first, or name the source by digest" in ended.err


def test_of_several_registries_one_is_named(run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path) -> None:
    first, second, third = registries
    built = request(tmp_path, members, entry("first", first), entry("second", second, "mirror"))
    assert run("release", "--request", built).code == 0
    for change, problem in (
        ({}, "//:release: it is published to first and second; give source_registry"),
        ({"source_registry": "thrid"}, "it is not published to 'thrid', but to first and second; give source_registry"),
    ):
        ended = run("promote", "--request", promotion(tmp_path, built, f"{third.host}/releases", **change))
        assert (ended.code, problem in ended.err) == (2, True), ended.err
    first.requests.clear()
    for named in ("second", second.host):
        ended = run("promote", "--request", promotion(tmp_path, built, f"{third.host}/releases", source_registry=named))
        assert (ended.code, first.requests) == (0, [])
    assert tag_of(third, "releases", "v1") == tag_of(second, "mirror/releases", "v1")


def test_the_image_of_a_publish_target(run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path) -> None:
    first, second, _ = registries
    path = request_file(tmp_path, members["one"], registries=[entry("here", first)])
    missing = run("promote", "--request", promotion(tmp_path, path, f"{second.host}/hello"))
    assert (missing.code, "what //hello:publish builds now is not published there" in missing.err) == (6, True)
    assert run("push", "--request", path).code == 0
    push(run, members["one"], first, "v1")
    assert run("promote", "--request", promotion(tmp_path, path, f"{second.host}/hello")).code == 0
    assert tag_of(second, "hello", "v1") == members["one"].digest
    assert len(list(LayoutStore(second.state / "hello").referrers(members["one"].digest))) == 1


def test_what_is_signed_later_is_found_by_its_tag(
    run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path
) -> None:
    """A release names the signature too; an image has a digest unless its signature is embedded."""
    first, second, _ = registries
    built = request(tmp_path, members, entry("first", first))
    assert run("release", "--request", built).code == 0
    key = tmp_path / "1.public"
    key.write_bytes(public(1).compact())
    signing = {"keys": [{"public_key": str(key), "source": {"kind": "env", "ref": "ABSENT_KEY"}}], "image": None}
    (tmp_path / "two.json").write_text(json.dumps({"schema_version": 1, **push_document("two", members["two"], signing=signing)}))
    first.requests.clear()
    assert run("promote", "--request", promotion(tmp_path, built, f"{second.host}/releases")).code == 0
    assert first.requests[0].path == "/v2/releases/manifests/v1"
    assert tag_of(second, "releases", "v1") == tag_of(first, "releases", "v1")
    embedded = {"layout": None, "signing": signing | {"image": {"component": str(tmp_path / "two/in.wasm"), "package_name": "two"}}}
    for change, wanted in (embedded, "latest"), ({"signing": signing}, str(members["two"].digest)):
        document = push_document("two", members["two"], **change, registry="first", registries=[entry("first", first)])
        (tmp_path / "two.json").write_text(json.dumps({"schema_version": 1, **document}))
        first.requests.clear()
        assert run("promote", "--request", promotion(tmp_path, tmp_path / "two.json", f"{second.host}/two")).code == 0
        assert first.requests[0].path == f"/v2/apps/two/manifests/{wanted}"


def test_a_release_in_a_folder(run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path) -> None:
    first, *_ = registries
    disk = {"name": "disk", "type": "layout", "path": str(tmp_path / "disk")}
    built = request(tmp_path, members, disk)
    assert run("release", "--request", built).code == 0
    assert run("promote", "--request", promotion(tmp_path, built, f"{first.host}/releases")).code == 0
    assert run("release", "verify", f"{first.host}/releases:v1").code == 0


@pytest.mark.parametrize("own", [False, True], ids=["of the release", "of the promotion"])
def test_the_credential_of_the_source(
    run: Run, members: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    """That of the promotion's own config, if it has an entry for the host, else that of the release."""

    def auth(variable: str) -> dict[str, str]:
        return {"kind": "env", "variable": variable, "username": "robot"}

    with start(auth=Basic(user="robot", password=SECRET)) as closed, start() as other:
        built = request(tmp_path, members, entry("first", closed) | {"auth": auth("RELEASE_TOKEN")})  # type: ignore[arg-type]  # nested
        monkeypatch.setenv("RELEASE_TOKEN", SECRET)
        assert run("release", "--request", built).code == 0
        settings = {"registries": [entry("reader", closed) | {"auth": auth("READER_TOKEN")}]} if own else {}
        if own:
            monkeypatch.delenv("RELEASE_TOKEN")
            monkeypatch.setenv("READER_TOKEN", SECRET)
        ended = run("promote", "--request", promotion(tmp_path, built, f"{other.host}/releases", **settings))
        assert (ended.code, SECRET in ended.out + ended.err) == (0, False)


def test_how_the_source_is_reached_is_what_its_target_says(
    run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its authorities, and the hosts without TLS."""
    first, second, _ = registries
    authority, context = company(tmp_path)
    with tls_front(first.port, context) as host:
        built = request(tmp_path, members, {"name": "first", "host": f"https://{host}"}, ca_file=str(authority))
        assert run("release", "--request", built).code == 0
        assert run("promote", "--request", promotion(tmp_path, built, f"{second.host}/releases")).code == 0
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *args, **names: look_up("127.0.0.1" if host == "registry.example" else host, *args, **names)
    )
    plain = f"registry.example:{first.port}"
    first.requests.clear()
    for hosts, code in ([], 6), ([plain], 5):
        built = request(tmp_path, members, {"name": "first", "host": plain}, plain_http=hosts)
        ended = run("promote", "--request", promotion(tmp_path, built, f"{second.host}/again/releases"))
        assert ended.code == code
        assert (403 in [record.status for record in first.requests]) == bool(hosts), "it does not know this name of itself"
