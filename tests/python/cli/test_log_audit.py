"""`wasm_oci log audit`: what a registry serves otherwise than the log says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fakes.artifacts import Image
from fakes.program import NAME, Ended, Run, push
from fakes.release_files import entry
from fakes.release_files import request as release_request
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry
from wasm_oci.audit.recorder import LogRecorder
from wasm_oci.keys.key import SecretKey
from wasm_oci.log.settings import open_log


@pytest.fixture(autouse=True)
def log(tmp_path: Path, run: Run) -> Path:
    (tmp_path / "log.secret").write_bytes(SecretKey.generate().compact())
    assert run("log", "init", tmp_path / "audit", "--origin", "example.com/audit", "-k", tmp_path / "log.secret").code == 0
    return tmp_path / "audit"


@pytest.fixture
def published(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path) -> Image:
    assert push(run, images[0], registry, "v1", "--audit-log", str(log)).code == 0
    return images[0]


def audit(run: Run, log: Path, *args: str) -> Ended:
    return run("log", "audit", log, "--log-key", open_log(log).verifier, "--output", "json", *args)


def findings(ended: Ended) -> list[str]:
    assert ended.code == (4 if ended.document["findings"] else 0)
    return [f"{finding['kind']}: {finding['what']}" for finding in ended.document["findings"]]


def test_all_is_as_the_log_says(run: Run, registry: RunningRegistry, published: Image, log: Path) -> None:
    for line in ([], ["--registry", registry.host], ["--registry", f"{registry.host}/library"]):
        ended = audit(run, log, *line)
        assert findings(ended) == []
        assert (ended.document["repositories"], ended.document["tags"]) == ([f"{registry.host}/{NAME}"], 1)
    text = run("log", "audit", log, "--own-key")
    assert (text.code, text.out) == (0, "As the log says: 1 tag in 1 repository\n")
    assert published.digest


def test_a_tag_that_was_moved(run: Run, registry: RunningRegistry, published: Image, images: tuple[Image, Image], log: Path) -> None:
    assert push(run, images[1], registry, "v1", "--move-tags").code == 0
    moved = f"moved: tag v1 names {images[1].digest}; the log has {published.digest}"
    assert findings(audit(run, log)) == [moved]
    assert f"{registry.host}/{NAME}: {moved.removeprefix('moved: ')}\n1 difference: 1 tag in 1 repository\n" == run(
        "log", "audit", log, "--own-key"
    ).out.replace("\n    ", " ").replace("\n  ", " ")
    assert push(run, images[0], registry, "v1", "--move-tags", "--audit-log", str(log)).code == 0
    assert findings(audit(run, log)) == []


def test_what_is_gone(run: Run, registry: RunningRegistry, published: Image, log: Path) -> None:
    shutil.rmtree(registry.state / NAME)
    assert findings(audit(run, log)) == [f"gone: tag v1 is gone; the log has {published.digest}"]
    assert run("push", published.folder, f"{registry.host}/{NAME}:v1").code == 0
    (lost,) = findings(audit(run, log))
    assert lost.startswith("referrer gone: sha256:")
    assert lost.endswith(f", which was published with {published.digest} (tag v1), is gone")


def test_a_tag_that_the_log_lacks(run: Run, registry: RunningRegistry, published: Image, images: tuple[Image, Image], log: Path) -> None:
    assert push(run, images[1], registry, "v2").code == 0
    assert findings(audit(run, log)) == [f"unknown: tag v2 names {images[1].digest}, and the log does not have it"]
    assert published.digest != images[1].digest


def test_a_run_that_was_killed(
    run: Run, registry: RunningRegistry, published: Image, images: tuple[Image, Image], log: Path, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LogRecorder, "end", lambda *_: None)
        assert push(run, images[1], registry, "v1", "--move-tags", "--audit-log", str(log)).code == 0
    ended = audit(run, log)
    assert (findings(ended), ended.document["unfinished"]) == ([], [f"{registry.host}/{NAME}"])
    assert "a run was killed" in run("log", "audit", log, "--own-key").out
    assert published.digest != images[1].digest


def test_a_release(run: Run, registry: RunningRegistry, members: dict[str, Image], log: Path, tmp_path: Path) -> None:
    path = release_request(tmp_path, members, entry("first", registry))
    assert run("release", "--request", path, "--audit-log", log).code == 0
    ended = audit(run, log)
    assert findings(ended) == []
    assert (len(ended.document["repositories"]), ended.document["tags"]) == (4, 4)


def test_a_registry_that_does_not_respond_proves_nothing(run: Run, registry: RunningRegistry, published: Image, log: Path) -> None:
    registry.faults.add(Fault(path="/v2/", effect=Reply(status=500), times=None))
    ended = audit(run, log)
    assert (ended.code, published.digest is None) == (6, False)


def test_a_log_without_anything_there_or_that_is_damaged(run: Run, published: Image, log: Path) -> None:
    assert audit(run, log, "--registry", "ghcr.io").code == 2
    (log / "tile/entries/000.p/2").write_bytes(b"")
    assert (audit(run, log).code, published.digest is None) == (4, False)


@pytest.mark.parametrize("record", [{"event": "outcome"}, {"event": "outcome", "run": "1", "destination": "x", "digest": "y", "tags": []}])
def test_a_record_that_only_looks_like_one_of_publishing(run: Run, log: Path, tmp_path: Path, record: dict[str, object]) -> None:
    (tmp_path / "records").write_text(json.dumps(record))
    assert run("log", "append", log, tmp_path / "records").code == 0
    ended = audit(run, log)
    assert ended.code == 2
    assert "the record is not one of publishing" in ended.err
