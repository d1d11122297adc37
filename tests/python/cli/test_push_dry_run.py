"""`wasm_oci push --dry-run` where something cannot be asked: it says what is known, what is not and why, and does not end well."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image
from fakes.program import NAME, Run, push, request_file
from instruments.effects import Effect, Hangup, Reply
from instruments.faults import Fault
from instruments.registry import start


def dry_run_file(folder: Path, image: Image, **change: Any) -> Path:
    """A request whose registry wants the token in TEST_TOKEN."""
    entry = {"name": "here", "host": "registry.example", "type": "oci", "auth": {"kind": "token", "variable": "TEST_TOKEN"}}
    return request_file(folder, image, **{"registries": [entry], "dry_run": True, **change})


def test_without_the_credential(run: Run, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = images
    monkeypatch.delenv("TEST_TOKEN", raising=False)
    monkeypatch.setattr(socket, "create_connection", None)
    monkeypatch.setattr(socket, "getaddrinfo", None)
    path = dry_run_file(tmp_path, image)
    ended = run("push", "--request", path)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    problem = "registry entry 'here': environment variable TEST_TOKEN is not set; set TEST_TOKEN and run again"
    assert ended.err == f"wasm_oci: {problem}\n"
    for line in (
        f"Plan for registry.example/{NAME}\n",
        f"  manifest  {image.digest}  unknown\n",
        "  tag       v1  unknown\n",
        "  signature: ",
        "  credential: missing\n",
        f"  not known: {problem}\n",
    ):
        assert line in ended.out
    document = run("push", "--request", path, "--output", "json").document
    assert (document["status"], document["exitCode"], document["dryRun"]) == ("incomplete", 2, True)
    assert document["reference"] == f"registry.example/{NAME}@{image.digest}"
    (there,) = document["destinations"]
    assert (there["allowed"], there["manifest"], there["credentialSource"]) == (None, "unknown", "missing")
    assert {blob["action"] for blob in there["blobs"]} == {"unknown"}
    assert there["tag"] == {"tag": "v1", "action": "unknown", "before": None, "after": str(image.digest)}
    assert there["unknown"] == {"reason": "usage", "message": problem, "exitCode": 2}
    ended = run("push", "--request", path, "--no-dry-run")
    assert (ended.code, ended.out, ended.is_one_clear_error) == (2, "", True)


@pytest.mark.parametrize(
    ("effect", "code"),
    [(Hangup(), 6), (Reply(status=500), 6), (Reply(status=401), 5), (Reply(status=403), 5), (Reply(status=200, body=b"<html>"), 6)],
    ids=str,
)
def test_without_a_registry_that_responds(run: Run, images: tuple[Image, Image], effect: Effect, code: int) -> None:
    with start() as registry:
        registry.faults.add(Fault(effect=effect, times=None))
        ended = push(run, images[0], registry, "v1", "--dry-run", "--output", "json")
        assert (ended.code, ended.document["status"], ended.document["exitCode"]) == (code, "incomplete", code)
        assert ended.document["destinations"][0]["tag"]["action"] == "unknown"
        assert ended.is_one_clear_error


def test_nothing_more_is_asked_after_the_first_failure(run: Run, images: tuple[Image, Image]) -> None:
    with start() as registry:
        registry.faults.add(Fault(path="/blobs/", effect=Reply(status=403), times=None))
        ended = push(run, images[0], registry, "v1", "--dry-run")
        assert (ended.code, len({record.path for record in registry.requests if "/blobs/" in record.path})) == (5, 1)
        assert "  tag       v1  create\n" in ended.out
        assert ended.out.count("unknown") == 5
        assert "Dry run" not in ended.out


def test_a_refusal_that_is_known_comes_first(run: Run, images: tuple[Image, Image]) -> None:
    with start() as registry:
        assert push(run, images[1], registry, "v1").code == 0
        registry.faults.add(Fault(path="/blobs/", effect=Reply(status=403), times=None))
        ended = push(run, images[0], registry, "v1", "--dry-run", "--output", "json")
        assert (ended.code, ended.document["status"], ended.document["destinations"][0]["allowed"]) == (7, "refused", False)


def test_no_network(run: Run, images: tuple[Image, Image]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = run("push", images[0].folder, f"127.0.0.1:{port}/{NAME}:v1", "--dry-run")
    assert ended.code == 6
    assert ended.err.count("\n") == 1
    assert "not known: " in ended.out


@pytest.mark.parametrize(
    "change", [{"registry": "nobody"}, {"namespace": "Library"}, {"registry": "docker.io", "namespace": "a/b"}, {"layout": "/nowhere"}]
)
def test_what_is_wrong_is_no_plan(run: Run, images: tuple[Image, Image], tmp_path: Path, change: dict[str, Any]) -> None:
    ended = run("push", "--request", dry_run_file(tmp_path, images[0], **change))
    assert (ended.code, ended.out, ended.is_one_clear_error) == (2, "", True)
