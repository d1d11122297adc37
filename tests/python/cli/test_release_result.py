"""The document of a release and of a promotion: its schema, and the file that `--result-file` writes, however a run ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, signed_image
from fakes.json_schema import problems
from fakes.program import Run
from fakes.release_files import NAMES, entry, request
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs/schemas/publish_result.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def registries() -> Iterator[list[RunningRegistry]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start()) for _ in range(2)]


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    return {name: signed_image(tmp_path / name, text=name, detached=name == "one") for name in NAMES}


def statuses(document: dict[str, Any]) -> set[str]:
    """Of the members of a release, where nothing is wrong with its document."""
    assert problems(SCHEMA, document) == []
    return {artifact["status"] for artifact in document["artifacts"]}


def test_results_are_as_the_schema_says(run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path) -> None:
    first, second = registries
    file, json_form = request(tmp_path, images, entry("first", first), entry("second", second)), ("--output", "json")
    for flags, status in ((["--dry-run"], "planned"), ([], "published"), ([], "unchanged"), (["--tag", "v2"], "unchanged")):
        assert statuses(run("release", "--request", file, *flags, *json_form).document) == {status}
    second.faults.add(Fault(method="GET", path="/manifests/", effect=Reply(status=500), times=None))
    ended = run("release", "--request", file, "--tag", "v3", "--ask-all", *json_form)
    assert (ended.code, statuses(ended.document)) == (6, {"failed"})
    lacks = entry("third", second) | {"auth": {"kind": "token", "variable": "NOT_SET"}}
    for flags, status in ((["--dry-run"], "incomplete"), ([], "failed")):
        assert statuses(run("release", "--request", request(tmp_path, images, lacks), *flags, *json_form).document) == {status}


def test_results_of_a_promotion_are_as_the_schema_says(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second = registries
    assert run("release", "--request", request(tmp_path, images, entry("first", first))).code == 0
    whole, one = f"{first.host}/releases:v1", f"{first.host}/apps/one:latest"
    for flags, status in ((["--dry-run"], "planned"), ([], "published"), ([], "unchanged")):
        assert statuses(run("promote", whole, f"{second.host}/releases", *flags, "--output", "json").document) == {status}
        document = run("promote", one, f"{second.host}/prod/one", *flags, "--output", "json").document
        assert (document["status"], problems(SCHEMA, document)) == (status, [])
    assert statuses(run("archive", whole, tmp_path / "release.tar", "--output", "json").document) == {"published"}
