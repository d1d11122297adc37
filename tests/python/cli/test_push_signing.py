"""`wasm_oci push --request` of an image whose key is outside the build: signed by the run, then published as it is."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import component, key, layout_of
from fakes.program import NAME, Run, tag_of, writes
from fakes.signing import padded
from instruments.registry import RunningRegistry

VARIABLE = "TEST_SIGNING_KEY"
SECRET = base64.b64encode(key(1).compact()).decode()
SPLIT = b"\0" + padded(12, 4) + b"\4name" + bytes(7)
"""A section whose size is not in its shortest form: signing writes it anew."""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hello.wasm").write_bytes(component() + SPLIT)
    for number in (1, 2):
        (tmp_path / f"{number}.public").write_bytes(key(number).public.openssh())
    (tmp_path / "2.secret").write_bytes(key(2).compact())
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


def request_file(folder: Path, registry: RunningRegistry, signing: dict[str, Any] | None = None, **change: Any) -> Path:
    """The request of a publish target of an image with a wasm_signing_key, embedded unless changed."""
    keys = [{"public_key": str(folder / "1.public"), "source": {"kind": "env", "ref": VARIABLE}}]
    image = {
        "component": str(folder / "hello.wasm"),
        "package_name": "hello",
        "signature_type": "embedded",
        "tag": "v1",
    }
    document = {
        "schema_version": 1,
        "layout": None,
        "signing": {"keys": keys, "image": image} | (signing or {}),
        "registry": registry.host,
        "namespace": "library",
        "repository": "hello",
        "tag": "v1",
        "target": "//hello:publish",
    }
    path = folder / "request.json"
    path.write_text(json.dumps(document | change))
    return path


def detached(folder: Path, run: Run) -> dict[str, Any]:
    """What changes in the request for a detached signature, whose layout the build made."""
    assert run("normalise", "-i", folder / "hello.wasm", "-o", folder / "normal.wasm").code == 0
    layout_of(folder / "layout", (folder / "normal.wasm").read_bytes())
    return {"signing": {"image": None}, "layout": str(folder / "layout")}


def test_embedded(run: Run, registry: RunningRegistry, files: Path) -> None:
    path = request_file(files, registry)
    ended = run("push", "--request", path, "--output", "json")
    assert ended.code == 0, ended.err
    assert str(tag_of(registry, NAME, "v1")) == ended.document["digest"]
    pulled = run("pull", f"{registry.host}/{NAME}:v1", "-o", files / "pulled.wasm", "-K", files / "1.public", "--output", "json")
    assert (pulled.code, pulled.document["signature"]["kind"]) == (0, "embedded")
    inspected = run("inspect", f"{registry.host}/{NAME}:v1", "--output", "json").document
    annotations = json.dumps(inspected)
    for text in ('"com.wasm.component.security": "signed"', '"com.wasmsign2.key.format": "openssh"'):
        assert text in annotations
    sent = len(writes(registry))
    again = run("push", "--request", path, "--output", "json")
    assert (again.code, again.document["digest"], again.document["status"]) == (0, ended.document["digest"], "unchanged")
    assert len(writes(registry)) == sent


def test_detached(run: Run, registry: RunningRegistry, files: Path) -> None:
    path = request_file(files, registry, **detached(files, run))
    assert run("push", "--request", path).code == 0
    pulled = run("pull", f"{registry.host}/{NAME}:v1", "-o", files / "pulled.wasm", "-K", files / "1.public", "--output", "json")
    assert (pulled.code, pulled.document["signature"]["kind"]) == (0, "detached")
    assert (files / "pulled.wasm").read_bytes() == (files / "normal.wasm").read_bytes()
    again = run("push", "--request", path, "--output", "json")
    assert (again.code, again.document["status"]) == (0, "unchanged")


def test_several_keys(run: Run, registry: RunningRegistry, files: Path) -> None:
    keys = [
        {"public_key": str(files / "1.public"), "source": {"kind": "env", "ref": VARIABLE}},
        {"public_key": str(files / "2.public"), "source": {"kind": "file", "ref": str(files / "2.secret")}},
    ]
    assert run("push", "--request", request_file(files, registry, {"keys": keys})).code == 0
    for number in (1, 2):
        assert run("pull", f"{registry.host}/{NAME}:v1", "-o", files / "pulled.wasm", "-K", files / f"{number}.public").code == 0


def test_a_dry_run_says_the_digest_and_writes_nothing(run: Run, registry: RunningRegistry, files: Path) -> None:
    path = request_file(files, registry)
    planned = run("push", "--request", path, "--dry-run", "--output", "json")
    assert (planned.code, planned.document["status"], writes(registry)) == (0, "planned", [])
    assert run("push", "--request", path, "--output", "json").document["digest"] == planned.document["digest"]


def test_a_detached_signature_of_the_same_key_takes_the_place_of_signing(
    run: Run, registry: RunningRegistry, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, given = request_file(files, registry, **detached(files, run)), files / "given.sig"
    (files / "1.secret").write_bytes(key(1).compact())
    sign = ["sign", "-i", files / "hello.wasm", "-o", files / "x.wasm", "-S", given]
    monkeypatch.delenv(VARIABLE)
    assert run(*sign, "-k", files / "2.secret").code == 0
    ended = run("push", "--request", path, "--signature-file", given)
    assert (ended.code, ended.is_one_clear_error, writes(registry)) == (4, True, [])
    assert "//hello:publish: it is not signed with key" in ended.err
    assert run(*sign, "-k", files / "1.secret").code == 0
    assert run("push", "--request", path, "--signature-file", given).code == 0
    assert run("pull", f"{registry.host}/{NAME}:v1", "-o", files / "pulled.wasm", "-K", files / "1.public").code == 0


@pytest.mark.parametrize("kind", ["embedded", "detached"])
def test_a_key_that_is_another_or_absent_publishes_nothing(
    run: Run, registry: RunningRegistry, files: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = request_file(files, registry, **(detached(files, run) if kind == "detached" else {}))
    for value, words in ((base64.b64encode(key(3).compact()).decode(), "does not belong to the secret key"), (None, VARIABLE)):
        if value is None:
            monkeypatch.delenv(VARIABLE)
        else:
            monkeypatch.setenv(VARIABLE, value)
        ended = run("push", "--request", path)
        assert (ended.code, ended.is_one_clear_error) == (2, True)
        assert words in ended.err
        assert value is None or value not in ended.err + ended.out
    assert registry.requests == []


@pytest.mark.parametrize(
    ("signing", "words"),
    [
        ({"image": None}, "layout: the layout is missing, and no image is made"),
        ({"type": "detached"}, "signing.type: unknown member 'type'"),
        ({"image": []}, "signing.image: expected an object, not a list"),
        ({"keys": []}, "signing.keys: fewer than 1 entries"),
        ({"keys": "none"}, "signing.keys: expected a list, not 'none'"),
        ({"keys": [{"source": "env"}]}, "signing.keys[0].public_key: the member is missing"),
        ({"keys": [{"source": {"kind": "stdin"}, "public_key": None}]}, "signing.keys[0].public_key: the public key is missing"),
        ({"image": {"component": __file__}}, "signing.image.package_name: the member is missing"),
        ({"image": {"schemaVersion": 1}}, "signing.image.schemaVersion: unknown member 'schemaVersion'"),
    ],
)
def test_requests_that_no_rule_writes(run: Run, registry: RunningRegistry, files: Path, signing: dict[str, Any], words: str) -> None:
    ended = run("push", "--request", request_file(files, registry, signing))
    assert (ended.code, ended.is_one_clear_error) == (2, True)
    assert words in ended.err


def test_a_layout_of_another_form_is_not_signed(run: Run, registry: RunningRegistry, files: Path) -> None:
    change = detached(files, run)
    layout_of(files / "raw", (files / "hello.wasm").read_bytes())
    ended = run("push", "--request", request_file(files, registry, **(change | {"layout": str(files / "raw")})))
    assert ended.code == 2
    assert "not in the form that is signed" in ended.err
    assert writes(registry) == []


def test_a_passphrase_is_for_what_the_run_signs(run: Run, registry: RunningRegistry, files: Path) -> None:
    change = detached(files, run) | {"signing": None}
    path = request_file(files, registry)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    ended = run("push", "--request", path, "--passphrase-env", "X")
    assert ended.code == 2
    assert "this image needs no signature of this run" in ended.err
    ended = run("push", files / "layout", "localhost:1/a/b:c", "--passphrase-env", "X")
    assert ended.code == 2
    assert "a passphrase only applies to signing" in ended.err


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "env", "ref": "ABSENT_KEY"},
        {"kind": "file", "ref": "absent.secret"},
        {"kind": "command", "ref": "false"},
        {"kind": "ssh-agent"},
    ],
    ids=lambda source: source["kind"],
)
@pytest.mark.parametrize("kind", ["embedded", "detached"])
def test_a_dry_run_without_the_key_plans_what_is_known(
    run: Run, registry: RunningRegistry, files: Path, kind: str, source: dict[str, str]
) -> None:
    change = detached(files, run) if kind == "detached" else {}
    assert run("push", "--request", request_file(files, registry, **change)).code == 0
    before = len(writes(registry))
    keys = {"keys": [{"public_key": str(files / "1.public"), "source": source}]}
    change["signing"] = change.get("signing", {}) | keys
    path = request_file(files, registry, **change, require_signed=True)
    ended = run("push", "--request", path, "--dry-run")
    assert (ended.code, ended.is_one_clear_error) == (2, True)
    assert ended.out.startswith(f"Plan for {registry.host}/{NAME}\n")
    assert "  signature: cannot be made: " in ended.out
    assert "Dry run" not in ended.out
    assert ("unchanged" in ended.out, f"v1  is {tag_of(registry, NAME, 'v1')} now" in ended.out) == (kind == "detached", kind == "embedded")
    assert "digest not known: " in ended.out
    document = run("push", "--request", path, "--dry-run", "--output", "json").document
    (there,) = document["destinations"]
    assert (document["status"], document["exitCode"], document["signers"], there["allowed"]) == ("incomplete", 2, None, None)
    assert there["tag"]["before"] == str(tag_of(registry, NAME, "v1"))
    assert (document["digest"] is None) == (document["reference"] is None) == (kind == "embedded")
    assert there["unknown"]["message"] in ended.err
    assert len(writes(registry)) == before
    ended = run("push", "--request", path)
    assert (ended.code, ended.out, ended.is_one_clear_error) == (2, "", True)
