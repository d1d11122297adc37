"""`wasm_oci push`: plan, order and guard."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.artifacts import Image, component, layout_of
from fakes.clients import client_of
from fakes.program import NAME, TAG_PATH, Run, push, tag_of, writes
from fakes.timing import IMPATIENT
from fakes.token_server import token_server
from instruments.effects import (
    Reply,
)
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.local_registry.access import Bearer

SECRET = "canary-9c2e"


def test_a_publish_tells_what_it_did(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    image, _ = images
    ended = push(run, image, registry, "v1")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Plan for {registry.host}/{NAME}\n")
    assert f"Published {registry.host}/{NAME}:v1\n  reference {registry.host}/{NAME}@{image.digest}\n" in ended.out
    assert f"v1: absent -> {image.digest}" in ended.out
    assert tag_of(registry, NAME, "v1") == image.digest


def test_quiet_prints_nothing_on_success(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    for flags in (["--quiet", "--dry-run"], ["--quiet"]):
        ended = push(run, images[0], registry, "v1", *flags)
        assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_a_push_loads_nothing_that_it_does_not_need(registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    arguments = ["push", "--quiet", str(images[0].folder), f"{registry.host}/{NAME}:v1"]
    absent = ["rich", "subprocess", "wasm_oci.oci.image", "wasm_oci.wasmsign.sign", "yaml"]
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from wasm_oci.cli.main import main; code = main({arguments!r}); "
        f"print([name for name in {absent!r} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_the_result_as_json(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    image, _ = images
    ended = push(run, image, registry, "v1", "--output", "json")
    document = ended.document
    assert (ended.code, ended.err, document["status"], document["dryRun"]) == (0, "", "published", False)
    assert document["reference"] == f"{registry.host}/{NAME}@{image.digest}"
    assert document["tagged"] == f"{registry.host}/{NAME}:v1"
    assert document["digest"] == str(image.digest)
    (there,) = document["destinations"]
    assert there["tag"] == {"tag": "v1", "action": "create", "before": None, "after": str(image.digest), "now": str(image.digest)}
    assert [(step["step"], step["outcome"]) for step in there["steps"]] == [
        *[("blob", "done")] * 4,
        ("manifest", "done"),
        ("referrer", "done"),
        *[("read back", "done (whole)")] * 5,
        ("tag", "done"),
    ]
    received = sum(record.received for record in registry.requests if TAG_PATH not in record.path and "sha256-" not in record.path)
    assert there["bytesSent"] == received
    assert there["signature"]["foundBy"] == ("referrers API" if registry.behaviour.referrers_api else "fallback tag")


def test_blobs_come_first_and_the_tag_last(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    assert push(run, images[0], registry, "v1").code == 0
    kinds = []
    for record in registry.requests:
        if record.method == "PUT":
            kinds.append("blob" if "/uploads/" in record.path else "tag" if record.path.endswith(TAG_PATH) else "manifest")
        elif (record.method, record.status) == ("GET", 200) and record.path.endswith(f"/manifests/{images[0].digest}"):
            kinds.append("read back")
    order = ["blob", "manifest", "read back", "tag"]
    assert kinds == sorted(kinds, key=order.index)
    assert kinds.count("tag") == 1
    assert set(kinds) == set(order)


def test_a_dry_run_only_reads(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    ended = push(run, images[0], registry, "v1", "--dry-run")
    assert ended.code == 0
    assert {record.method for record in registry.requests} == {"GET", "HEAD"}
    assert "Dry run: nothing was written" in ended.out
    assert f"layer     {images[0].manifest.layers[0].digest}  upload, {images[0].manifest.layers[0].size} bytes\n" in ended.out
    assert "tag       v1  create" in ended.out


def test_a_publish_does_what_the_dry_run_said(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    (planned,) = push(run, images[0], registry, "v1", "--dry-run", "--output", "json").document["destinations"]
    (done,) = push(run, images[0], registry, "v1", "--output", "json").document["destinations"]
    assert {name: done[name] for name in ("blobs", "manifest", "reference")} == {
        name: planned[name] for name in ("blobs", "manifest", "reference")
    }
    uploads = [record.query["digest"] for record in registry.requests if record.method == "PUT" and "/uploads/" in record.path]
    assert uploads == [blob["digest"] for blob in planned["blobs"] if blob["action"] == "upload"]


@pytest.mark.parametrize("immutable", [False, True])
def test_an_unchanged_rerun_writes_nothing_and_reads_no_blob(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], immutable: bool
) -> None:
    assert push(run, images[0], registry, "v1").code == 0
    registry.requests.clear()
    registry.behave(immutable_tags=immutable)
    registry.faults.add(Fault(method="POST|PUT|PATCH", effect=Reply(status=409), times=None))
    ended = push(run, images[0], registry, "v1", "--output", "json")
    assert (ended.code, ended.document["status"]) == (0, "unchanged")
    assert {record.method for record in registry.requests} <= {"GET", "HEAD"}
    assert not [record for record in registry.requests if record.method == "GET" and "/blobs/" in record.path]
    assert ended.document["destinations"][0]["bytesSent"] == 0
    assert [record.method for record in registry.requests if record.path.endswith(TAG_PATH)] == ["GET"]


@pytest.mark.parametrize("code", ["NAME_UNKNOWN", "MANIFEST_UNKNOWN"])
def test_a_repository_that_does_not_exist_is_not_asked_for_blobs(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], code: str
) -> None:
    body = json.dumps({"errors": [{"code": code, "message": "absent"}]}).encode()
    registry.faults.add(Fault(method="GET", path=TAG_PATH, effect=Reply(status=404, body=body), times=1))
    assert push(run, images[0], registry, "v1").code == 0
    asked = [record.path for record in registry.requests if record.method == "HEAD" and "/blobs/" in record.path]
    assert len(asked) == (0 if code == "NAME_UNKNOWN" else 4)


def test_what_is_missing_is_added_without_touching_the_tag(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    image, _ = images
    assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
    registry.requests.clear()
    ended = push(run, image, registry, "v1", "--output", "json")
    assert (ended.code, ended.document["status"]) == (0, "published")
    assert not [line for line in writes(registry) if line.endswith(TAG_PATH)]
    assert ended.document["destinations"][0]["tag"]["action"] == "unchanged"


def test_a_tag_is_not_moved_by_accident(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    old, new = images
    assert push(run, old, registry, "v1").code == 0
    registry.requests.clear()
    ended = push(run, new, registry, "v1")
    assert (ended.code, writes(registry)) == (7, [])
    assert ended.is_one_clear_error
    assert str(old.digest) in ended.err
    assert str(new.digest) in ended.err
    assert "--move-tags" in ended.err
    assert "nothing was written" in ended.err
    assert "development key" not in ended.err
    assert tag_of(registry, NAME, "v1") == old.digest


@pytest.mark.parametrize(("tag", "args"), [("v1", ["--move-tags"]), ("v1", ["--movable-tag", "v1"]), ("latest", [])])
def test_a_tag_moves_where_it_may(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tag: str, args: list[str]) -> None:
    old, new = images
    assert push(run, old, registry, tag).code == 0
    ended = push(run, new, registry, tag, *args, "--output", "json")
    assert ended.code == 0
    assert ended.document["destinations"][0]["tag"] == {
        "tag": tag,
        "action": "move",
        "before": str(old.digest),
        "after": str(new.digest),
        "now": str(new.digest),
    }
    assert tag_of(registry, NAME, tag) == new.digest


def test_a_dry_run_of_a_refused_tag_is_7(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    old, new = images
    push(run, old, registry, "v1")
    registry.requests.clear()
    ended = push(run, new, registry, "v1", "--dry-run")
    assert (ended.code, writes(registry)) == (7, [])
    assert f"tag       v1  refused: it already names {old.digest}" in ended.out
    assert ended.is_one_clear_error
    ended = push(run, new, registry, "v1", "--dry-run", "--output", "json")
    document = ended.document
    assert (document["status"], document["exitCode"], document["error"]["reason"]) == ("refused", 7, "tag_conflict")


def test_a_secret_is_found_nowhere(run: Run, images: tuple[Image, Image], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image, _ = images
    encoded = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    with token_server(users={"robot": SECRET}) as tokens, start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
        (tmp_path / "docker").mkdir()
        (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {registry.host: {"auth": encoded}}}))
        caplog.set_level("DEBUG")
        ended = push(run, image, registry, "v1", "--output", "json")
        assert ended.code == 0
        (there,) = ended.document["destinations"]
        assert there["credentialSource"] == f"auths['{registry.host}'] in {tmp_path}/docker/config.json"
        registry.faults.add(Fault(path="/blobs/", effect=Reply(status=403, body=f"you sent {SECRET}".encode()), times=None))
        refused = push(run, image, registry, "v2")
        assert refused.code == 5
        assert there["credentialSource"] in refused.err
        shown = ended.out + ended.err + refused.out + refused.err + caplog.text
        assert "HEAD http://" in caplog.text
        assert SECRET not in shown
        assert encoded not in shown
        assert {scope for asked in tokens.requests for scope in asked.scopes} == {f"repository:{NAME}:pull,push"}


def test_a_large_blob_is_streamed(run: Run, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "large", component(padding=5_000_000))
    with start() as registry:
        assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
        (upload,) = [record for record in registry.requests if record.received > 1_000_000]
        assert upload.headers["content-length"] == str(len(image.wasm))


@pytest.mark.parametrize(
    ("args", "code", "problem"),
    [
        (["LAYOUT", "HOST/library/Hello:v1"], 2, "write it in lower case: library/hello"),
        (["LAYOUT", "HOST/library/hello:v 1"], 2, "is not a tag"),
        (["LAYOUT", "hello:v1"], 2, "has no registry host"),
        (["LAYOUT", "HOST/library/hello"], 2, "names no tag"),
        (["LAYOUT", f"HOST/library/hello:v1@sha256:{'0' * 64}"], 4, "the layout's manifest is sha256:"),
        (["/nowhere", "HOST/library/hello:v1"], 2, "not an OCI image layout"),
        (["LAYOUT"], 2, "LAYOUT and REFERENCE are needed"),
        ([], 2, "LAYOUT and REFERENCE are needed"),
        (["LAYOUT", "HOST/library/hello:v1", "--registry", "x"], 2, "--registry changes a request file"),
        (["LAYOUT", "HOST/library/hello:v1", "--movable-tag", "a b"], 2, "is not a tag"),
        (["LAYOUT", "HOST/library/hello:v1", "--signature-file", "/nowhere"], 2, "cannot read the signature file"),
        (["LAYOUT", "HOST/library/hello:v1", "--request", "/nowhere"], 2, "cannot be given with --request"),
        (["--request", "/nowhere"], 2, "cannot read the request file"),
    ],
)
def test_what_cannot_be_asked_for(run: Run, images: tuple[Image, Image], args: list[str], code: int, problem: str) -> None:
    with start() as registry:
        ended = run("push", *(arg.replace("HOST", registry.host).replace("LAYOUT", str(images[0].folder)) for arg in args))
        assert (ended.code, registry.requests) == (code, [])
        assert ended.is_one_clear_error
        assert problem in ended.err


def test_a_signature_file_that_is_none(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    path = tmp_path / "wrong.sig"
    path.write_bytes(b"not a signature")
    with start() as registry:
        ended = run("push", images[0].folder, f"{registry.host}/{NAME}:v1", "--signature-file", path)
        assert (ended.code, ended.is_one_clear_error, registry.requests) == (4, True, [])


def test_a_digest_alone_publishes_without_a_tag(run: Run, images: tuple[Image, Image]) -> None:
    with start() as registry:
        ended = run("push", images[0].folder, f"{registry.host}/{NAME}@{images[0].digest}")
        assert ended.code == 0
        with client_of(registry) as client:
            assert client.tags() == ()
            assert client.find_manifest(images[0].digest)


def test_a_damaged_layout_is_not_published(run: Run, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", component())
    blob = image.folder / "blobs/sha256" / image.manifest.layers[0].digest.hex
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    with start() as registry:
        ended = run("push", image.folder, f"{registry.host}/{NAME}:v1")
        assert (ended.code, ended.is_one_clear_error) == (4, True)
        assert tag_of(registry, NAME, "v1") is None


def test_the_largest_registry_answer_is_bounded(run: Run, images: tuple[Image, Image]) -> None:
    with start() as registry:
        registry.faults.add(Fault(method="GET", effect=Reply(status=200, body=b" " * (IMPATIENT.manifest + 1)), times=None))
        ended = push(run, images[0], registry, "v1")
        assert (ended.code, "the response is larger than" in ended.err) == (6, True)


def test_digests_agree_with_the_registry(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    ended = push(run, images[0], registry, "v1", "--output", "json")
    with client_of(registry) as client:
        assert Digest.of(client.fetch_manifest("v1").data) == Digest.parse(ended.document["digest"])
