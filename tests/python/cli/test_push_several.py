"""`wasm_oci push --request` to several registries: one plan each, one table, and each with its own result."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image
from fakes.program import NAME, Run, request_file, tag_of, writes
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start

Several = tuple[RunningRegistry, RunningRegistry]
WRITES = "POST|PUT|PATCH|DELETE"


def entry(name: str, host: str, **auth: str) -> dict[str, Any]:
    return {"name": name, "host": host, "auth": auth or {"kind": "default"}}


@pytest.fixture
def several() -> Iterator[Several]:
    with start() as one, start() as two:
        yield one, two


@pytest.fixture
def request_of(several: Several, images: tuple[Image, Image], tmp_path: Path) -> Callable[..., Path]:
    """Writes a request to two registries, `one` and `two`, and a folder `disk`."""
    entries = [
        *(entry(name, registry.host) for name, registry in zip(("one", "two"), several, strict=True)),
        {"name": "disk", "type": "layout", "path": str(tmp_path / "disk"), "auth": {"kind": "anonymous"}},
    ]

    def write(image: Image = images[0], *, further: list[dict[str, Any]] | None = None, **change: Any) -> Path:
        known = entries + (further or [])
        document = {"registry": "", "registries": known, "target_registries": [each["name"] for each in known]} | change
        return request_file(tmp_path, image, **document)

    return write


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def test_every_registry_gets_it(run: Run, several: Several, request_of: Callable[..., Path], images: tuple[Image, Image]) -> None:
    ended = run("push", "--request", request_of())
    assert (ended.code, ended.said) == (0, "")
    names = [f"{registry.host}/{NAME}" for registry in several]
    for name in names:
        assert f"Plan for {name}\n" in ended.out
    short = str(images[0].digest)[:19]
    assert ended.out.splitlines()[-5].split() == ["destination", "status", "tags,", "or", "what", "failed"]
    rows = [line.split(maxsplit=2) for line in ended.out.splitlines()[-4:-1]]
    assert [row[1:] for row in rows] == [["published", f"v1: absent -> {short}"]] * 3
    assert [row[0] for row in rows][:2] == names
    assert ended.out.splitlines()[-1] == "3 destinations: 3 published"
    assert [tag_of(registry, NAME, "v1") for registry in several] == [images[0].digest] * 2
    again = run("push", "--request", request_of())
    assert again.out.splitlines()[-1] == "3 destinations: 3 unchanged"
    assert again.out.splitlines()[-2].endswith(f"unchanged  v1: {short}")


def test_registries_of_the_command_line_replace_those_of_the_target(
    run: Run, several: Several, request_of: Callable[..., Path], tmp_path: Path
) -> None:
    path = request_of()
    ended = run("push", "--request", path, "--registry", "two", "--registry", "disk", "--output", "json")
    assert [each["destination"] for each in ended.document["destinations"]] == [f"{several[1].host}/{NAME}", str(tmp_path / "disk")]
    assert several[0].requests == []
    twice = run("push", "--request", path, "--registry", "two", "--registry", "two")
    assert (twice.code, "--registry: registry 'two' is named twice; name each registry once" in twice.err) == (2, True)
    wrong = run("push", "--request", path, "--registry", "disk", "--registry", "tow")
    assert (wrong.code, "unknown registry 'tow'; did you mean two?" in wrong.err) == (2, True)


def test_a_dead_registry_stops_no_other(run: Run, several: Several, request_of: Callable[..., Path], images: tuple[Image, Image]) -> None:
    dead = closed_port()
    path = request_of(further=[entry("dead", dead)], target_registries=["dead", "one", "two"], fail_fast=False)
    ended = run("push", "--request", path)
    assert (ended.code, ended.is_one_clear_error, dead in ended.err) == (6, True, True)
    assert [line.split()[1] for line in ended.out.splitlines()[-4:-1]] == ["failed", "published", "published"]
    assert f"{dead}/{NAME}" in ended.out.splitlines()[-4]
    assert ended.out.splitlines()[-1] == "3 destinations: 1 failed, 2 published"
    assert [tag_of(registry, NAME, "v1") for registry in several] == [images[0].digest] * 2
    document = run("push", "--request", path, "--output", "json").document
    assert (document["status"], document["exitCode"]) == ("failed", 6)
    assert [each["status"] for each in document["destinations"]] == ["failed", "unchanged", "unchanged"]


@pytest.mark.parametrize("flag", [None, "--fail-fast", "--no-fail-fast"])
@pytest.mark.parametrize("attribute", [False, True])
def test_fail_fast(run: Run, several: Several, request_of: Callable[..., Path], flag: str | None, attribute: bool) -> None:
    """After a failure no tag is written anywhere, unless the target or the command line says otherwise; that wins."""
    several[1].faults.add(Fault(method=WRITES, effect=Reply(status=403), times=None))
    ended = run("push", "--request", request_of(fail_fast=attribute), *([flag] if flag else []), "--output", "json")
    assert ended.code == 5
    fast = attribute if flag is None else flag == "--fail-fast"
    assert (tag_of(several[0], NAME, "v1") is None) == fast
    assert (ended.document["destinations"][0]["status"] == "published") != fast


def test_the_exit_code_is_that_of_the_first_failure(run: Run, several: Several, request_of: Callable[..., Path]) -> None:
    several[0].faults.add(Fault(method=WRITES, effect=Reply(status=500), times=None))
    several[1].faults.add(Fault(method=WRITES, effect=Reply(status=403), times=None))
    for order, code in ((["one", "two", "disk"], 6), (["two", "one", "disk"], 5)):
        ended = run("push", "--request", request_of(target_registries=order, fail_fast=False))
        assert ended.code == code
        assert ended.said.count("wasm_oci: ") == 2
        assert [line.split()[1] for line in ended.out.splitlines()[-4:-2]] == ["failed", "failed"]


def test_a_missing_credential_fails_its_own_registry_only(
    run: Run, several: Several, request_of: Callable[..., Path], images: tuple[Image, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    lacking = entry("lacking", several[1].host, kind="token", variable="NOT_SET")
    path = request_of(further=[lacking], target_registries=["lacking", "one"], fail_fast=False)
    ended = run("push", "--request", path, "--output", "json")
    assert (ended.code, several[1].requests) == (2, [])
    there, other = ended.document["destinations"]
    assert (there["status"], there["credentialSource"], there["tag"]["now"]) == ("failed", "missing", None)
    assert "environment variable NOT_SET is not set; set NOT_SET" in there["error"]["message"]
    assert (other["status"], tag_of(several[0], NAME, "v1")) == ("published", images[0].digest)


def test_a_missing_credential_ends_all_at_once_with_fail_fast(
    run: Run, several: Several, request_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    lacking = entry("lacking", several[1].host, kind="token", variable="NOT_SET")
    ended = run("push", "--request", request_of(further=[lacking], target_registries=["one", "lacking"]))
    assert (ended.code, several[0].requests, ended.is_one_clear_error) == (2, [], True)


@pytest.mark.parametrize("fail_fast", [False, True])
def test_a_dry_run_without_credentials_plans_for_all_and_says_which_are_missing(
    run: Run, several: Several, request_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, fail_fast: bool
) -> None:
    for name in ("GITHUB_TOKEN", "DOCKER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    outside = [
        entry("github", "ghcr.io", kind="token", variable="GITHUB_TOKEN"),
        entry("docker", "docker.io", kind="token", variable="DOCKER_TOKEN"),
    ]
    path = request_of(further=outside, target_registries=["one", "github", "docker"], fail_fast=fail_fast)
    ended = run("push", "--request", path, "--dry-run")
    assert ended.code == 2
    assert [line for line in ended.out.splitlines() if line.startswith("Plan for ")] == [
        f"Plan for {host}/{NAME}" for host in (several[0].host, "ghcr.io", "docker.io")
    ]
    assert ended.out.count("  credential: missing\n") == 2
    for name in ("GITHUB_TOKEN", "DOCKER_TOKEN"):
        assert f"environment variable {name} is not set; set {name} and run again" in ended.err
        assert f"{name} is not set" in ended.out
    assert ended.out.splitlines()[-1] == "Dry run: nothing was written; 3 destinations: 1 planned, 2 unknown"
    assert writes(several[0]) == []


def test_a_refused_tag_of_one_registry_keeps_the_others_as_they_are(
    run: Run, several: Several, request_of: Callable[..., Path], images: tuple[Image, Image]
) -> None:
    assert run("push", "--request", request_of(images[1]), "--registry", "two").code == 0
    several[0].requests.clear()
    ended = run("push", "--request", request_of())
    assert (ended.code, writes(several[0])) == (7, [])
    rows = [line.split() for line in ended.out.splitlines()[-4:-1]]
    assert [row[1] for row in rows] == ["not", "failed", "not"]
    assert ended.out.splitlines()[-1] == "3 destinations: 2 not started, 1 failed"
    dry = run("push", "--request", request_of(), "--dry-run")
    assert (dry.code, dry.out.splitlines()[-1]) == (7, "Dry run: nothing was written; 3 destinations: 2 planned, 1 refused")


def test_a_tag_conflict_is_explained_once(run: Run, several: Several, request_of: Callable[..., Path], images: tuple[Image, Image]) -> None:
    """The plan and the table say which tag stays at what; why, and what to do, stands in the error of its destination only."""
    assert run("push", "--request", request_of()).code == 0
    for flags in ((), ("--dry-run",)):
        ended = run("push", "--request", request_of(images[1], movable_tags=[]), *flags)
        assert (ended.code, ended.err.count("already exists"), ended.out.count("already exists")) == (7, 3, 0)
        assert ended.out.count(f"v1 stays at {str(images[0].digest)[:19]}") == 3
    alone = run("push", images[1].folder, f"{several[0].host}/{NAME}:v1")
    assert (alone.code, alone.err.count("already exists"), "destination: " in alone.out) == (7, 1, False)
    assert alone.out.count("refused: it already names") == 1


def test_missing_variables_are_named_together(
    run: Run, several: Several, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        entry("one", several[0].host, kind="env", variable="TOKEN_ONE"),
        entry("two", several[1].host, kind="oauth", id_variable="ID_TWO", secret_variable="SECRET_TWO"),
    ]
    path = request_file(tmp_path, images[0], registry="", registries=entries, target_registries=["one", "two"])
    monkeypatch.setenv("ID_TWO", "robot")
    ended = run("push", "--request", path)
    assert (ended.code, several[0].requests, several[1].requests) == (2, [], [])
    both = "TOKEN_ONE (registry entry 'one') and SECRET_TWO (registry entry 'two')"
    assert f"environment variables {both} are not set; set them and run again" in ended.err
    planned = run("push", "--request", path, "--dry-run")
    assert all(f"environment variable {name} is not set" in planned.err for name in ("TOKEN_ONE", "SECRET_TWO"))
    monkeypatch.setenv("SECRET_TWO", "secret")
    assert "registry entry 'one': environment variable TOKEN_ONE is not set" in run("push", "--request", path).err
