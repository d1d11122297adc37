"""`--audit-log`: each publish, refusal, promotion and override is recorded, and what cannot be recorded is not done."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, component, key, layout_of, public, signed_image
from fakes.program import NAME, Ended, Run, push, request_file, tag_of, writes
from fakes.release_files import entry
from fakes.release_files import request as release_request
from instruments.registry import RunningRegistry, start
from wasm_oci.audit import recorder as audit_recorder
from wasm_oci.errors import UsageError
from wasm_oci.keys.key import SecretKey
from wasm_oci.local_registry.access import Basic
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.settings import open_log
from wasm_oci.log.verify import verified_entries
from wasm_oci.publish import publisher
from wasm_oci.publish.release import release

SECRET = "canary-4f1d-password"
STRICT = """name: strict
registries: [{registry: here, signing: required, keys: [release_key]}]
overrides: [{name: outage, checks: [signing], components: ['*'], reason: the key server is down, approved_by: Ada, expires: 2999-01-01}]
"""


@pytest.fixture(autouse=True)
def log(tmp_path: Path, run: Run) -> Path:
    (tmp_path / "log.secret").write_bytes(SecretKey.generate().compact())
    assert run("log", "init", tmp_path / "audit", "--origin", "example.com/audit", "-k", tmp_path / "log.secret").code == 0
    return tmp_path / "audit"


def records(log: Path) -> list[dict[str, Any]]:
    """All records, from a log that is whole."""
    known = open_log(log)
    return [json.loads(entry) for _, entry in verified_entries(known.folder, known.folder.checkpoint(known.verifier))]


def audited(run: Run, image: Image, registry: RunningRegistry, log: Path, *args: str) -> Ended:
    return push(run, image, registry, "v1", "--audit-log", str(log), *args)


def policed(tmp_path: Path, there: RunningRegistry, image: Image, **change: Any) -> Path:
    (tmp_path / "strict.yaml").write_text(STRICT)
    (tmp_path / "1.public").write_bytes(public(1).openssh())
    named = {"name": "release_key", "label": "//keys:release_key", "public_key": str(tmp_path / "1.public")}
    members = {
        "registries": [entry("here", there)],
        "signature": str(image.signature) if image.signature else None,
        "policies": [str(tmp_path / "strict.yaml")],
        "policy_keys": [named],
    }
    return request_file(tmp_path, image, **(members | change))


def test_a_publish(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path) -> None:
    image, _ = images
    ended = audited(run, image, registry, log)
    assert (ended.code, ended.err) == (0, "")
    intent, outcome = records(log)
    assert intent["run"] == outcome["run"]
    assert intent["who"] == outcome["who"]
    assert set(intent["who"]) == {"user", "host"}
    assert intent["time"].endswith("Z")
    assert (intent["event"], intent["command"]) == ("intent", "push")
    assert intent["destination"] == f"{registry.host}/{NAME}"
    assert intent["digest"] == str(image.digest)
    assert intent["tags"] == [{"tag": "v1", "before": None, "after": str(image.digest)}]
    assert len(intent["referrers"]) == 1
    assert [signer["verified"] for signer in intent["signers"]] == [False]
    assert (outcome["event"], outcome["status"]) == ("outcome", "published")
    assert outcome["tags"] == [{"tag": "v1", "now": str(image.digest)}]
    assert "error" not in outcome
    shown = run("log", "show", log)
    assert f"    {registry.host}/{NAME}@{image.digest}" in shown.out


def test_what_changes_nothing_is_no_publish(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path) -> None:
    assert audited(run, images[0], registry, log, "--dry-run").code == 0
    assert records(log) == []
    assert audited(run, images[0], registry, log).code == 0
    assert audited(run, images[0], registry, log).code == 0
    assert len(records(log)) == 2


def test_nothing_is_said_where_no_log_is_asked_for(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path) -> None:
    ended = push(run, images[0], registry, "v1")
    assert (ended.code, "log" in ended.out) == (0, False)
    assert records(log) == []


def test_a_request_file_with_a_target(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path, tmp_path: Path) -> None:
    path = request_file(tmp_path, images[0], registries=[entry("here", registry)])
    assert run("push", "--request", path, "--audit-log", log).code == 0
    assert records(log)[0]["target"] == "//hello:publish"


def test_the_log_that_a_target_names(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is relative to the workspace, and the command line wins."""
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(log.parent))
    path = request_file(log.parent, images[0], registries=[entry("here", registry)], audit_log="audit")
    assert run("push", "--request", path, "--dry-run").code == 0
    assert records(log) == []
    other = log.parent / "other"
    assert run("log", "init", other, "--origin", "example.com/other", "-k", log.parent / "log.secret").code == 0
    assert run("push", "--request", path, "--audit-log", other, "--tag", "v2").code == 0
    assert (len(records(log)), len(records(other))) == (0, 2)
    assert run("push", "--request", path).code == 0
    assert len(records(log)) == 2
    absent = request_file(log.parent, images[1], registries=[entry("here", registry)], audit_log="none", tag="v3")
    registry.requests.clear()
    ended = run("push", "--request", absent)
    assert (ended.code, registry.requests) == (2, [])
    assert ended.err == f"wasm_oci: {log.parent}/none: there is no log in this folder; make one with `wasm_oci log init`\n"


def test_the_log_that_a_list_of_registries_names(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path) -> None:
    assert push(run, images[0], registry, "v1").code == 0
    config = log.parent / "registries.yaml"
    config.write_text(f"audit_log: {log}\n")
    with start() as second:
        line = ["promote", f"{registry.host}/{NAME}:v1", f"{second.host}/{NAME}", "--registry-config", config]
        assert run(*line).code == 0
    assert [record["event"] for record in records(log)] == ["intent", "outcome"]


def test_a_release_of_targets_with_their_own_logs(
    run: Run, registry: RunningRegistry, members: dict[str, Image], log: Path, tmp_path: Path
) -> None:
    path = release_request(tmp_path, members, entry("first", registry))
    for name, folder in {"one": "a", "two": "a", "three": "b"}.items():
        member = tmp_path / f"{name}.json"
        member.write_text(json.dumps(json.loads(member.read_text()) | {"audit_log": str(tmp_path / folder)}))
    ended = run("release", "--request", path)
    assert (ended.code, writes(registry)) == (2, [])
    assert f"what is released names several logs: {tmp_path}/a, {tmp_path}/b; give --audit-log DIR" in ended.err
    assert run("release", "--request", path, "--audit-log", log).code == 0
    assert records(log)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"audit_log": str(log), "tag": "v2"}))
    before = len(records(log))
    assert run("release", "--request", path).code == 0
    assert len(records(log)) > before


def test_a_tag_that_may_not_move(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path) -> None:
    assert push(run, images[0], registry, "v1").code == 0
    registry.requests.clear()
    assert audited(run, images[1], registry, log).code == 7
    assert writes(registry) == []
    _, outcome = records(log)
    assert (outcome["status"], outcome["error"]["reason"], outcome["error"]["exitCode"]) == ("failed", "tag_conflict", 7)
    assert outcome["tags"] == [{"tag": "v1", "now": str(images[0].digest)}]


def test_a_refusal_by_a_policy(run: Run, registry: RunningRegistry, log: Path, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", component())
    path = policed(tmp_path, registry, image)
    assert run("push", "--request", path, "--dry-run", "--audit-log", log).code == 3
    assert records(log) == []
    assert run("push", "--request", path, "--audit-log", log).code == 3
    assert writes(registry) == []
    (refusal,) = records(log)
    assert (refusal["event"], refusal["digest"], refusal["destination"]) == ("refusal", str(image.digest), f"{registry.host}/{NAME}")
    assert refusal["policy"]["decision"] == "deny"
    assert refusal["policy"]["decidedBy"]["rule"] == "registry:here"
    assert refusal["policy"]["policy"]["name"] == "strict"
    assert refusal["error"]["reason"] == "signing"


def test_a_verdict_and_an_override(run: Run, registry: RunningRegistry, log: Path, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", component())
    path = policed(tmp_path, registry, image)
    reason = ("--override", "outage", "--override-reason", "release night")
    assert run("push", "--request", path, "--audit-log", log, *reason).code == 0
    intent, _ = records(log)
    assert intent["policy"]["decision"] == "allow"
    (override,) = intent["policy"]["overrides"]
    assert (override["name"], override["approvedBy"], override["requestedBecause"]) == ("outage", "Ada", "release night")


def test_a_registry_that_fails(run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path) -> None:
    (log.parent / "docker").mkdir()
    with start(auth=Basic(user="robot", password=SECRET)) as closed:
        assert audited(run, images[0], closed, log).code == 5
    (failure,) = records(log)
    assert (failure["event"], failure["requestedCount"]) == ("failure", 1)
    assert failure["requested"][0]["destination"] == f"{closed.host}/{NAME}"
    assert failure["error"]["exitCode"] == 5


@pytest.mark.parametrize("damage", ["no log", "checkpoint", "tile", "key", "folder"])
def test_what_cannot_be_recorded_is_not_published(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path, *, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert audited(run, images[1], registry, log).code == 0
    registry.requests.clear()
    match damage:
        case "no log":
            (log / "settings.json").unlink()
        case "checkpoint":
            (log / "checkpoint").write_bytes((log / "checkpoint").read_bytes().replace(b"\n2\n", b"\n1\n"))
        case "tile":
            (log / "tile/0/000.p/2").write_bytes(bytes(64))
        case "key":
            (log.parent / "log.secret").write_bytes(SecretKey.generate().compact())
        case "folder":

            def refuse(*_: object) -> None:
                raise UsageError("cannot write the log: No space left on device", where=str(log))

            monkeypatch.setattr(audit_recorder, "append", refuse)
    ended = audited(run, images[0], registry, log, "--move-tags")
    assert ended.code in (2, 4)
    assert ended.is_one_clear_error, ended.err
    assert writes(registry) == []
    assert tag_of(registry, NAME, "v1") == images[1].digest
    if damage in ("checkpoint", "tile", "folder"):
        assert "nothing was published, because it cannot be recorded: " in ended.err


def test_an_outcome_that_cannot_be_recorded(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage(*_: object) -> Iterator[dict[str, Any]]:
        (log / "checkpoint").write_bytes(b"")
        return iter([])

    before = LogFolder(log).checkpoint(open_log(log).verifier)
    monkeypatch.setattr(audit_recorder, "outcomes", damage)
    ended = audited(run, images[0], registry, log, "--output", "json")
    assert ended.code == 4
    assert "the outcome could not be recorded" in ended.err
    assert "the log has what was intended, as run " in ended.err
    assert (ended.document["status"], ended.document["exitCode"]) == ("published", 4)
    assert tag_of(registry, NAME, "v1") == images[0].digest
    assert before.size == 0


def test_ctrl_c_is_an_outcome(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(publisher, "_write_tags", interrupted)
    assert audited(run, images[0], registry, log).code == 130
    intent, outcome = records(log)
    assert (intent["event"], outcome["event"], outcome["status"]) == ("intent", "outcome", "interrupted")


def test_the_intent_is_there_before_the_first_write(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    send = publisher._send_content

    def watched(*args: Any, **options: Any) -> str:
        seen.append([record["event"] for record in records(log)])
        assert writes(registry) == []
        return send(*args, **options)

    monkeypatch.setattr(publisher, "_send_content", watched)
    assert audited(run, images[0], registry, log).code == 0
    assert seen == [["intent"]]


def test_a_release_and_its_promotion(run: Run, registry: RunningRegistry, members: dict[str, Image], log: Path, tmp_path: Path) -> None:
    path = release_request(tmp_path, members, entry("first", registry))
    assert run("release", "--request", path, "--audit-log", log).code == 0
    found = records(log)
    assert {record["command"] for record in found} == {"release"}
    intended = [(record["destination"], record["digest"]) for record in found if record["event"] == "intent"]
    done = [(record["destination"], record["digest"]) for record in found if record["event"] == "outcome"]
    assert intended == done
    for name, image in members.items():
        assert (f"{registry.host}/apps/{name}", str(image.digest)) in intended
        assert (f"{registry.host}/releases", str(image.digest)) in intended
    (index,) = [record for record in found if record["event"] == "intent" and record["destination"].endswith("releases") and record["tags"]]
    with start() as second:
        assert run("promote", f"{registry.host}/releases:v1", f"{second.host}/releases", "--audit-log", log).code == 0
        promoted = records(log)[len(found) :]
    assert {record["command"] for record in promoted} == {"promote"}
    assert (f"{second.host}/releases", index["digest"]) in {(record["destination"], record["digest"]) for record in promoted}


def test_a_promotion_that_is_refused(run: Run, registry: RunningRegistry, log: Path, tmp_path: Path) -> None:
    assert push(run, signed_image(tmp_path / "image", detached=True), registry, "v1").code == 0
    (tmp_path / "2.public").write_bytes(public(2).compact())
    with start() as second:
        line = ["promote", f"{registry.host}/{NAME}:v1", f"{second.host}/{NAME}", "-K", tmp_path / "2.public"]
        assert run(*line, "--audit-log", log).code == 4
        assert writes(second) == []
    (refusal,) = records(log)
    assert (refusal["event"], refusal["command"]) == ("refusal", "promote")
    assert refusal["requested"][0]["destination"] == f"{second.host}/{NAME}"


def test_no_secret_is_in_a_log(run: Run, images: tuple[Image, Image], log: Path, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir(exist_ok=True)
    with start(auth=Basic(user="robot", password=SECRET)) as closed:
        auth = base64.b64encode(f"robot:{SECRET}".encode()).decode()
        (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {closed.host: {"auth": auth}}}))
        reason = ("--override", "x", "--override-reason", f"because {SECRET}")
        assert audited(run, images[0], closed, log).code == 0
        assert audited(run, images[1], closed, log, *reason).code == 2
        assert len(records(log)) == 3
    written = b"".join(path.read_bytes() for path in log.rglob("*") if path.is_file())
    for secret in (SECRET, auth, key(1).compact().hex()):
        assert secret.encode() not in written
    assert (tmp_path / "log.secret").read_bytes() not in written


def test_the_variable_with_the_log_key_is_hidden_from_other_programs(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_KEY", base64.b64encode(SecretKey.generate().compact()).decode())
    log = tmp_path / "of variable"
    assert run("log", "init", log, "--origin", "example.com/audit", "--key-source", "env", "--key-ref", "LOG_KEY").code == 0
    seen: list[bool] = []

    def watched(*args: Any, **options: Any) -> Any:
        seen.append("LOG_KEY" in options["environ"])
        return release(*args, **options)

    monkeypatch.setattr("wasm_oci.cli.publishing.published.release", watched)
    assert audited(run, images[0], registry, log).code == 0
    assert seen == [False]
    assert len(records(log)) == 2
