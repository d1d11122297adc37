"""The document of a result: its schema, and the file that `--result-file` writes, however a run ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image
from fakes.json_schema import problems
from fakes.program import NAME, Run, push, request_file, tag_of
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry
from wasm_oci.publish import publisher

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs/schemas/publish_result.schema.json").read_text(encoding="utf-8"))


def disk(path: Path) -> dict[str, Any]:
    return {"name": "disk", "type": "layout", "path": str(path), "auth": {"kind": "anonymous"}}


def here(registry: RunningRegistry, **auth: str) -> dict[str, Any]:
    return {"name": "here", "host": registry.host, "auth": auth or {"kind": "default"}}


def results(run: Run, registry: RunningRegistry, images: tuple[Image, Image], folder: Path) -> Iterator[dict[str, Any]]:
    """The documents of all kinds of ends."""
    path = request_file(folder, images[0], target_registries=["here", "disk"], registries=[here(registry), disk(folder / "disk")])
    for flags in (["--dry-run"], [], [], ["--tag", "a", "--tag", "b"]):
        yield run("push", "--request", path, *flags, "--output", "json").document
    for flags in (["--dry-run"], []):
        yield push(run, images[1], registry, "v1", *flags, "--output", "json").document
    lacks = request_file(folder, images[0], registries=[here(registry, kind="token", variable="NOT_SET")])
    for flags in (["--dry-run"], []):
        yield run("push", "--request", lacks, *flags, "--output", "json").document
    registry.faults.add(Fault(method="PUT", path="/manifests/v2", effect=Reply(status=500), times=None))
    yield push(run, images[0], registry, "v2", "--output", "json").document


def test_results_are_as_the_schema_says(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    statuses = []
    for document in results(run, registry, images, tmp_path):
        assert problems(SCHEMA, document) == []
        statuses.append(document.get("status"))
    assert statuses == ["planned", "published", "unchanged", "published", "refused", "failed", "incomplete", None, "failed"]


def test_the_schema_is_not_everything(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    document = push(run, images[0], registry, "v1", "--output", "json").document
    changes: list[dict[str, Any]] = [{"status": "fine"}, {"destinations": [{}]}, {"digest": "sha256:0"}, {"schemaVersion": 2}, {"more": 1}]
    for change in changes:
        assert problems(SCHEMA, document | change)


@pytest.mark.parametrize("flags", [[], ["--quiet"], ["--output", "json"]])
def test_a_result_file_has_the_document(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path, flags: list[str]
) -> None:
    file = tmp_path / "result.json"
    assert push(run, images[0], registry, "v1", "--result-file", str(file), *flags).code == 0
    first = json.loads(file.read_text())
    assert (first["schemaVersion"], first["status"], first["reference"]) == (1, "published", f"{registry.host}/{NAME}@{images[0].digest}")
    ended = push(run, images[0], registry, "v1", "--result-file", str(file), "--output", "json")
    assert json.loads(file.read_text()) == ended.document
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_a_result_file_of_a_failure(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    push(run, images[1], registry, "v1")
    assert push(run, images[0], registry, "v1", "--result-file", str(file)).code == 7
    document = json.loads(file.read_text())
    assert (document["exitCode"], document["status"], problems(SCHEMA, document)) == (7, "failed", [])
    assert run("push", tmp_path / "nothing", f"{registry.host}/{NAME}:v1", "--result-file", file).code == 2
    document = json.loads(file.read_text())
    assert (document["exitCode"], "destinations" in document, problems(SCHEMA, document)) == (2, False, [])


def test_a_result_file_that_cannot_be_written_ends_before_anything_is_done(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path
) -> None:
    for file in (tmp_path / "none/result.json", tmp_path):
        ended = push(run, images[0], registry, "v1", "--result-file", str(file))
        assert (ended.code, registry.requests, ended.is_one_clear_error) == (2, [], True)
        assert "the result file" in ended.err


def test_a_result_file_after_an_interruption(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content is there, and what is known of the tags is written: that they are absent."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = request_file(tmp_path, images[0], target_registries=["here", "disk"], registries=[here(registry), disk(tmp_path / "disk")])
    file = tmp_path / "result.json"
    monkeypatch.setattr(publisher, "_write_tags", interrupted)
    ended = run("push", "--request", path, "--result-file", file, "--output", "json")
    assert (ended.code, ended.said) == (130, "wasm_oci: interrupted\n")
    document = json.loads(file.read_text())
    assert document == ended.document
    assert (document["status"], document["exitCode"], problems(SCHEMA, document)) == ("interrupted", 130, [])
    assert {each["status"] for each in document["destinations"]} <= {"interrupted", "content sent"}
    assert [each["tag"]["now"] for each in document["destinations"]] == [None, None]
    assert tag_of(registry, NAME, "v1") is None


def test_an_interruption_before_anything_is_known(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wasm_oci.publish.release.plans_of", interrupted)
    file = tmp_path / "result.json"
    ended = push(run, images[0], registry, "v1", "--result-file", str(file))
    document = json.loads(file.read_text())
    assert (ended.code, document["error"]["reason"], problems(SCHEMA, document)) == (130, "interrupted", [])


def test_a_result_file_after_a_bug(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("wasm_oci.publish.release.plans_of", broken)
    file = tmp_path / "result.json"
    assert push(run, images[0], registry, "v1", "--result-file", str(file)).code == 70
    document = json.loads(file.read_text())
    assert (document["error"]["reason"], document["exitCode"], problems(SCHEMA, document)) == ("bug", 70, [])
