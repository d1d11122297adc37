"""`wasm_oci push` against a registry: plan, order, guard, and what every fault leads to."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, component, layout_of, signed_image
from fakes.clients import client_of
from fakes.program import Run, make_run, tag_of
from fakes.timing import IMPATIENT
from fakes.token_server import token_server
from wasm_oci.digest import Digest
from wasm_oci.local_registry.access import Bearer
from wasm_oci.local_registry.actions import (
    Action,
    Half,
    Hangup,
    Pretend,
    Redirect,
    Reply,
    Rewrite,
    Stall,
    Status,
    wrong_digest,
)
from wasm_oci.local_registry.faults import Fault
from wasm_oci.local_registry.server import RunningRegistry, start

NAME = "library/hello"
SECRET = "canary-9c2e"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return make_run(tmp_path, monkeypatch, capsys)


@pytest.fixture(params=[True, False], ids=["api", "fallback"])
def registry(request: pytest.FixtureRequest) -> Iterator[RunningRegistry]:
    with start(referrers_api=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, Image]:
    """Two images with detached signatures."""
    folder = tmp_path_factory.mktemp("images")
    return signed_image(folder / "one", text="one", detached=True), signed_image(folder / "two", text="two", detached=True)


def push(run: Run, image: Image, registry: RunningRegistry, tag: str, *args: str) -> Any:
    return run("push", image.folder, f"{registry.host}/{NAME}:{tag}", "--signature-file", image.signature, *args)


def writes(registry: RunningRegistry) -> list[str]:
    return [f"{record.method} {record.path}" for record in registry.requests if record.method not in ("GET", "HEAD")]


def test_a_publish_tells_what_it_did(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    image, _ = images
    ended = push(run, image, registry, "v1")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Plan for {registry.host}/{NAME}\n")
    assert f"Published {registry.host}/{NAME}:v1\n  reference {registry.host}/{NAME}@{image.digest}\n" in ended.out
    assert f"v1: absent -> {image.digest}" in ended.out
    assert tag_of(registry, NAME, "v1") == image.digest


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
        ("read back", "done"),
        ("tag", "done"),
    ]
    received = sum(record.received for record in registry.requests if TAG_PATH not in record.path and "sha256-" not in record.path)
    assert there["bytesSent"] == received
    assert there["signature"]["foundBy"] == ("referrers API" if registry.behaviour.referrers_api else "fallback tag")


TAG_PATH = "/manifests/v1"


def test_blobs_come_first_and_the_tag_last(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    assert push(run, images[0], registry, "v1").code == 0
    kinds = []
    for record in registry.requests:
        if record.method == "PUT":
            kinds.append("blob" if "/uploads/" in record.path else "tag" if record.path.endswith(TAG_PATH) else "manifest")
        elif record.method == "GET" and "/manifests/sha256:" in record.path:
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
    assert f"layer     {images[0].manifest.layers[0].digest}  upload, {images[0].manifest.layers[0].size} bytes" in ended.out
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
    registry.faults.add(Fault(method="POST|PUT|PATCH", action=Reply(status=409), times=None))
    ended = push(run, images[0], registry, "v1", "--output", "json")
    assert (ended.code, ended.document["status"]) == (0, "unchanged")
    assert {record.method for record in registry.requests} <= {"GET", "HEAD"}
    assert not [record for record in registry.requests if record.method == "GET" and "/blobs/" in record.path]
    assert ended.document["destinations"][0]["bytesSent"] == 0


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
    assert "a development key that was made anew (wasm_keygen)" in ended.err
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
    assert f"tag       v1  refuse: it is {old.digest}" in ended.out
    assert ended.is_one_clear_error
    ended = push(run, new, registry, "v1", "--dry-run", "--output", "json")
    document = ended.document
    assert (document["status"], document["exitCode"], document["error"]["reason"]) == ("refused", 7, "tag_conflict")


def test_a_tag_that_cannot_be_read_ends_before_any_write(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    registry.faults.add(Fault(path=TAG_PATH, action=Reply(status=500), times=None))
    ended = push(run, images[0], registry, "v1")
    assert (ended.code, writes(registry)) == (6, [])
    assert ended.is_one_clear_error


def test_a_tag_that_moves_meanwhile_is_left_alone(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    image, other = images
    push(run, other, registry, "other")
    with client_of(registry) as client:

        def interfere(data: bytes) -> bytes:
            client.put_manifest("latest", other.manifest.raw, other.manifest.MEDIA_TYPE)
            return data

        registry.faults.add(Fault(method="PUT", path=f"/manifests/{image.digest}$", action=Rewrite(change=interfere)))
        ended = push(run, image, registry, "latest")
    assert ended.code == 7
    assert "tag latest was absent when this was planned" in ended.err
    assert tag_of(registry, NAME, "latest") == other.digest


@pytest.mark.parametrize(
    "case",
    [
        (Hangup(stored=True), 0, True),
        (Hangup(), 0, True),
        (Reply(status=500), 0, True),
        (Status(status=202), 0, True),
        (Reply(status=202), 6, False),
        (Reply(status=403), 5, False),
        (Reply(status=409), 6, False),
        (Pretend(), 6, False),
        (wrong_digest(), 4, True),
    ],
)
def test_of_a_tag_counts_what_it_says_afterwards(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], case: tuple[Action, int, bool]
) -> None:
    action, code, written = case
    fault = registry.faults.add(Fault(method="PUT", path=TAG_PATH, action=action))
    ended = push(run, images[0], registry, "v1", "--output", "json")
    assert (ended.code, fault.hits) == (code, 1)
    assert tag_of(registry, NAME, "v1") == (images[0].digest if written else None)
    assert ended.document["destinations"][0]["tag"]["now"] == (str(images[0].digest) if written else None)
    assert ended.is_one_clear_error or code == 0


def test_a_tag_whose_state_is_unknown_is_called_so(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    registry.faults.add(Fault(method="PUT", path=TAG_PATH, action=Hangup(stored=True), times=None))
    registry.faults.add(Fault(method="HEAD", path=TAG_PATH, nth=3, action=Reply(status=500), times=None))
    ended = push(run, images[0], registry, "v1", "--output", "json")
    assert ended.code == 6
    assert "whether tag v1 was written is not known" in ended.err
    assert ended.document["destinations"][0]["steps"][-1] == {"step": "tag", "subject": "v1", "outcome": "unknown"}


def _rewritten(data: bytes) -> bytes:
    return json.dumps(json.loads(data), indent=2).encode()


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault(method="PUT", path="/manifests/sha256:", action=Rewrite(change=_rewritten)), "DIGEST_INVALID"),
        (Fault(method="PUT", path="/manifests/sha256:", action=Pretend()), "status 404"),
        (Fault(method="GET", path="/manifests/sha256:", action=Rewrite(change=_rewritten)), "the registry's content has digest"),
        (
            Fault(method="GET", path="/referrers/", nth=2, action=Reply(status=200, body=b'{"schemaVersion":2,"manifests":[]}')),
            "does not list it",
        ),
    ],
    ids=["rewritten", "dropped", "other content", "referrer lost"],
)
def test_a_read_back_that_fails_leaves_the_tag_alone(run: Run, images: tuple[Image, Image], fault: Fault, problem: str) -> None:
    with start() as registry:
        registry.faults.add(fault)
        ended = push(run, images[0], registry, "v1")
        assert fault.hits == 1
        assert ended.code in (4, 6)
        assert problem in ended.err
        assert ended.is_one_clear_error
        assert tag_of(registry, NAME, "v1") is None


HTML = Reply(status=200, headers={"Content-Type": "text/html"}, body=f"<html><body>{SECRET}\n\033[31m</body></html>".encode())
FAULTS: dict[str, tuple[Action, set[int]]] = {
    "html": (HTML, {6}),
    "401": (Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'}), {5}),
    "403": (Reply(status=403, body=b'{"errors":[{"code":"DENIED","message":"no"}]}'), {5}),
    "404": (Reply(status=404, body=b"404 page not found\n"), {6, 7}),
    "429": (Reply(status=429, headers={"Retry-After": "3600"}), {6}),
    "500": (Reply(status=500, body=b"<html>oops</html>"), {6}),
    "redirect": (Redirect(url="http://127.0.0.1:1{path}?sig=canary-9c2e"), {6}),
    "digest": (wrong_digest(), {0, 4, 6, 7}),
    "half": (Half(), {0, 6}),
    "nothing": (Hangup(), {6}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_from_any_request_on_a_broken_registry_is_one_clear_error(run: Run, images: tuple[Image, Image], name: str) -> None:
    """The fault is there from request number `index` to the end, for every index."""
    old, new = images
    action, codes = FAULTS[name]
    index, seen = 0, set()
    with start(referrers_api=False) as registry:
        while True:
            index += 1
            where = f"library/run{index}"
            assert run("push", old.folder, f"{registry.host}/{where}:latest").code == 0
            fault = registry.faults.add(Fault(nth=index, action=action, times=None))
            ended = run("push", new.folder, f"{registry.host}/{where}:latest", "--signature-file", new.signature)
            registry.faults.clear()
            tag = tag_of(registry, where, "latest")
            if not fault.hits:
                break
            seen.add(ended.code)
            assert ended.code in codes, (index, ended)
            assert ended.is_one_clear_error or ended.code == 0, (index, ended)
            assert SECRET not in ended.out + ended.err
            assert tag in (old.digest, new.digest)
            assert ended.code != 0 or tag == new.digest
    assert index > 15
    assert (codes - {0}) & seen


@pytest.mark.parametrize("name", ["429 soon", "500", "nothing", "stored", "half"])
def test_any_single_fault_that_passes_is_survived(run: Run, images: tuple[Image, Image], name: str) -> None:
    """The fault hits request number `index` only, for every index."""
    image, _ = images
    actions: dict[str, Action] = {
        "429 soon": Reply(status=429, headers={"Retry-After": "1"}),
        "500": Reply(status=500),
        "nothing": Hangup(),
        "stored": Hangup(stored=True),
        "half": Half(),
    }
    index = 0
    with start(referrers_api=False) as registry:
        while True:
            index += 1
            where = f"library/run{index}"
            fault = registry.faults.add(Fault(nth=index, action=actions[name]))
            ended = run("push", image.folder, f"{registry.host}/{where}:v1", "--signature-file", image.signature)
            registry.faults.clear()
            assert (ended.code, ended.err) == (0, ""), index
            assert tag_of(registry, where, "v1") == image.digest
            if not fault.hits:
                break
    assert index > 15


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/blobs/"), ("POST", ""), ("PUT", "/uploads/"), ("PUT", "/manifests/"), ("GET", "")])
def test_silence_ends_within_the_limit(run: Run, images: tuple[Image, Image], method: str, path: str) -> None:
    with start() as registry:
        registry.faults.add(Fault(method=method, path=path, action=Stall(seconds=60), times=None))
        ended = push(run, images[0], registry, "v1")
        assert (ended.code, "no answer in time" in ended.err) == (6, True)
        assert ended.is_one_clear_error
        assert f"{registry.host}: " in ended.err
        assert tag_of(registry, NAME, "v1") is None


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
        registry.faults.add(Fault(path="/blobs/", action=Reply(status=403, body=f"you sent {SECRET}".encode()), times=None))
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
        (["LAYOUT", "hello:v1"], 2, "names no registry host"),
        (["LAYOUT", "HOST/library/hello"], 2, "names no tag"),
        (["LAYOUT", f"HOST/library/hello:v1@sha256:{'0' * 64}"], 4, "the layout's manifest is sha256:"),
        (["/nowhere", "HOST/library/hello:v1"], 2, "there is no OCI layout"),
        (["LAYOUT"], 2, "LAYOUT and REFERENCE are needed"),
        ([], 2, "LAYOUT and REFERENCE are needed"),
        (["LAYOUT", "HOST/library/hello:v1", "--registry", "x"], 2, "--registry changes a request file"),
        (["LAYOUT", "HOST/library/hello:v1", "--movable-tag", "a b"], 2, "is not a tag"),
        (["LAYOUT", "HOST/library/hello:v1", "--signature-file", "/nowhere"], 2, "cannot read the signature file"),
        (["LAYOUT", "HOST/library/hello:v1", "--request", "/nowhere"], 2, "not for use with --request"),
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
        registry.faults.add(Fault(method="GET", action=Reply(status=200, body=b" " * (IMPATIENT.manifest + 1)), times=None))
        ended = push(run, images[0], registry, "v1")
        assert (ended.code, "the answer is larger than" in ended.err) == (6, True)


def test_digests_agree_with_the_registry(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    ended = push(run, images[0], registry, "v1", "--output", "json")
    with client_of(registry) as client:
        assert Digest.of(client.fetch_manifest("v1").data) == Digest.parse(ended.document["digest"])


def request_file(folder: Path, image: Image, **change: Any) -> Path:
    """A publish target's request for `image`, to an entry `here` unless changed."""
    document = {
        "schemaVersion": 1,
        "layout": str(image.folder),
        "signature": str(image.signature),
        "registry": "here",
        "namespace": "library",
        "repository": "hello",
        "tag": "v1",
        "registries": [],
        "target": "//hello:publish",
        "description": "greets",
    }
    path = folder / "request.json"
    path.write_text(json.dumps(document | change))
    return path


def entry(registry: RunningRegistry, **auth: str) -> dict[str, Any]:
    return {"name": "here", "host": registry.host, "prefix": "", "type": "oci", "path": "", "auth": auth or {"kind": "default"}}


def test_a_request_is_published(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    path = request_file(tmp_path, images[0], registries=[entry(registry)])
    ended = run("push", "--request", path, "--output", "json")
    assert ended.code == 0
    assert (ended.document["target"], ended.document["description"]) == ("//hello:publish", "greets")
    assert ended.document["reference"] == f"{registry.host}/{NAME}@{images[0].digest}"
    assert tag_of(registry, NAME, "v1") == images[0].digest


def test_the_command_line_overrides_a_request(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    path = request_file(tmp_path, images[0], registry="elsewhere", dry_run=True)
    flags = ["--registry", registry.host, "--namespace", "team/x", "--tag", "v2"]
    assert run("push", "--request", path, *flags, "--output", "json").document["status"] == "planned"
    assert writes(registry) == []
    ended = run("push", "--request", path, *flags, "--no-dry-run", "--output", "json")
    assert (ended.code, ended.document["tagged"]) == (0, f"{registry.host}/team/x/hello:v2")


def test_movable_tags_are_those_of_the_request(run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path) -> None:
    old, new = images
    for tag, movable, code in (("latest", [], 7), ("v1", ["v1"], 0)):
        push(run, old, registry, tag)
        path = request_file(tmp_path, new, registries=[entry(registry)], tag=tag, movable_tags=movable)
        assert run("push", "--request", path).code == code


def test_a_request_to_a_folder(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    disk = {"name": "here", "type": "layout", "path": str(tmp_path / "disk"), "auth": {"kind": "anonymous"}}
    ended = run("push", "--request", request_file(tmp_path, images[0], registries=[disk]), "--output", "json")
    assert (ended.code, ended.document["reference"]) == (0, f"{tmp_path}/disk@{images[0].digest}")
    assert run("pull", f"{tmp_path}/disk:v1", "--allow-unsigned", "-o", tmp_path / "x.wasm").code == 0
    assert (tmp_path / "x.wasm").read_bytes() == images[0].wasm


@pytest.mark.parametrize(
    "case",
    [
        ({"registry": "her"}, "there is no registry 'her'; did you mean here?"),
        ({"registry": "docker.io", "namespace": "a/b"}, "set name_override"),
        ({"namespace": "Library"}, "write it in lower case"),
        ({"default_registry": "nobody", "registry": ""}, "there is no registry 'nobody'"),
        ({"registry": ""}, "no registry is named"),
    ],
)
def test_requests_that_end_before_any_connection(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], tmp_path: Path, case: tuple[dict[str, str], str]
) -> None:
    change, problem = case
    ended = run("push", "--request", request_file(tmp_path, images[0], **({"registries": [entry(registry)]} | change)))
    assert (ended.code, problem in ended.err, ended.is_one_clear_error) == (2, True, True)
    assert registry.requests == []


def test_the_credential_of_an_entry(run: Run, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with token_server(users={"robot": SECRET}) as tokens, start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
        path = request_file(tmp_path, images[0], registries=[entry(registry, kind="token", variable="TEST_TOKEN")])
        monkeypatch.delenv("TEST_TOKEN", raising=False)
        ended = run("push", "--request", path)
        assert (ended.code, registry.requests) == (2, [])
        assert "registry entry 'here': environment variable TEST_TOKEN is not set; set TEST_TOKEN and run again" in ended.err
        monkeypatch.setenv("TEST_TOKEN", f"robot:{SECRET}")
        ended = run("push", "--request", path, "--output", "json")
        assert ended.code == 0
        assert ended.document["destinations"][0]["credentialSource"] == "environment variable TEST_TOKEN"
        assert SECRET not in ended.out + ended.err
