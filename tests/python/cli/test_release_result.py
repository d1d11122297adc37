"""The document of a release and of a promotion: its schema, and the file that `--result-file` writes, however a run ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, signed_image
from fakes.json_schema import problems
from fakes.program import NAME, Run, push
from fakes.release_files import NAMES, entry, request
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.limits import LIMITS
from wasm_oci.publish import confirm, publisher

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs/schemas/publish_result.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def registries() -> Iterator[list[RunningRegistry]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start()) for _ in range(2)]


def statuses(document: dict[str, Any]) -> set[str]:
    """Of the members of a release, where nothing is wrong with its document."""
    assert problems(SCHEMA, document) == []
    return {artifact["status"] for artifact in document["artifacts"]}


def test_results_are_as_the_schema_says(run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path) -> None:
    first, second = registries
    file, json_form = request(tmp_path, members, entry("first", first), entry("second", second)), ("--output", "json")
    for flags, status in ((["--dry-run"], "planned"), ([], "published"), ([], "unchanged"), (["--tag", "v2"], "unchanged")):
        assert statuses(run("release", "--request", file, *flags, *json_form).document) == {status}
    second.faults.add(Fault(method="GET", path="/manifests/", effect=Reply(status=500), times=None))
    ended = run("release", "--request", file, "--tag", "v3", "--ask-all", *json_form)
    assert (ended.code, statuses(ended.document)) == (6, {"failed"})
    lacks = [entry("third", second) | {"auth": {"kind": "token", "variable": "NOT_SET"}}]
    file = request(tmp_path, members, registries=lacks, target_registries=["third"])
    for flags, status in ((["--dry-run"], "incomplete"), ([], "failed")):
        assert statuses(run("release", "--request", file, *flags, *json_form).document) == {status}


def test_results_of_a_promotion_are_as_the_schema_says(
    run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path
) -> None:
    first, second = registries
    assert run("release", "--request", request(tmp_path, members, entry("first", first))).code == 0
    whole, one = f"{first.host}/releases:v1", f"{first.host}/apps/one:latest"
    for flags, status in ((["--dry-run"], "planned"), ([], "published"), ([], "unchanged")):
        assert statuses(run("promote", whole, f"{second.host}/releases", *flags, "--output", "json").document) == {status}
        document = run("promote", one, f"{second.host}/prod/one", *flags, "--output", "json").document
        assert (document["status"], problems(SCHEMA, document)) == (status, [])
    assert statuses(run("archive", whole, tmp_path / "release.tar", "--output", "json").document) == {"published"}


def test_a_promotion_shows_how_far_it_is_and_keeps_its_result(
    run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path
) -> None:
    first, second = registries
    run("release", "--request", request(tmp_path, members, entry("first", first)))
    whole, file = f"{first.host}/releases:v1", tmp_path / "result.json"
    ended = run("promote", whole, f"{second.host}/releases", "--result-file", file)
    assert (ended.code, "wasm_oci: sending content: 3, " in ended.err, ended.said) == (0, True, "")
    assert statuses(json.loads(file.read_text())) == {"published"}
    assert run("promote", whole, f"{second.host}/more/releases", "--quiet").err == ""
    assert run("promote", f"{first.host}/releases:v9", f"{second.host}/releases", "--result-file", file).code == 6
    document = json.loads(file.read_text())
    assert (document["exitCode"], problems(SCHEMA, document)) == (6, [])


def test_an_interrupted_promotion_says_what_is_known(
    run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    first, second = registries
    run("release", "--request", request(tmp_path, members, entry("first", first)))
    monkeypatch.setattr(publisher, "_write_tags", interrupted)
    ended = run("promote", f"{first.host}/releases:v1", f"{second.host}/releases", "--output", "json")
    assert (ended.code, ended.said, ended.document["exitCode"]) == (130, "wasm_oci: interrupted\n", 130)
    assert statuses(ended.document) <= {"interrupted", "content sent"}
    archive = tmp_path / "release.tar"
    assert (run("archive", f"{first.host}/releases:v1", archive).code, archive.exists()) == (130, False)
    one = run("promote", f"{first.host}/apps/one:latest", f"{second.host}/prod/one")
    assert (one.code, one.said) == (130, "wasm_oci: interrupted\n")


def test_a_promotion_says_each_error_once(run: Run, registries: list[RunningRegistry], members: dict[str, Image], tmp_path: Path) -> None:
    first, second = registries
    run("release", "--request", request(tmp_path, members, entry("first", first)))
    for name in NAMES[:2]:
        second.faults.add(Fault(path=f"/apps/{name}/", method="PUT", effect=Reply(status=403), times=None))
    ended = run("promote", f"{first.host}/releases:v1", f"{second.host}/releases")
    assert ended.code == 5
    assert f"Not released: {second.host}/releases:v1" in ended.out


def test_a_promotion_reads_back_as_push_does(
    run: Run, registries: list[RunningRegistry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "LIMITS", replace(LIMITS, read_back=64, read_back_end=16))
    first, second = registries
    image = signed_image(tmp_path, detached=True, padding=500)
    assert push(run, image, first, "v1").code == 0
    for name, flags, words in (("a", [], "by size and both ends"), ("b", ["--read-back=full"], "4 blobs whole")):
        assert words in run("promote", f"{first.host}/{NAME}:v1", f"{second.host}/{name}", *flags).out
