"""`wasm_oci push` against a registry that fails: what every fault leads to."""

from __future__ import annotations

import json

import pytest

from fakes.artifacts import Image
from fakes.clients import client_of
from fakes.program import NAME, TAG_PATH, Run, push, tag_of, writes
from instruments.effects import (
    Corrupt,
    Effect,
    Half,
    Hangup,
    Headers,
    Pretend,
    Redirect,
    Reply,
    Rewrite,
    Stall,
    Status,
    wrong_digest,
)
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start

SECRET = "canary-9c2e"


def test_a_tag_that_cannot_be_read_ends_before_any_write(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    registry.faults.add(Fault(path=TAG_PATH, effect=Reply(status=500), times=None))
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

        registry.faults.add(Fault(method="PUT", path=f"/manifests/{image.digest}$", effect=Rewrite(change=interfere)))
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
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], case: tuple[Effect, int, bool]
) -> None:
    effect, code, written = case
    fault = registry.faults.add(Fault(method="PUT", path=TAG_PATH, effect=effect))
    ended = push(run, images[0], registry, "v1", "--output", "json")
    assert (ended.code, fault.hits) == (code, 1)
    assert tag_of(registry, NAME, "v1") == (images[0].digest if written else None)
    assert ended.document["destinations"][0]["tag"]["now"] == (str(images[0].digest) if written else None)
    assert ended.is_one_clear_error or code == 0


def test_a_tag_whose_state_is_unknown_is_called_so(run: Run, registry: RunningRegistry, images: tuple[Image, Image]) -> None:
    registry.faults.add(Fault(method="PUT", path=TAG_PATH, effect=Hangup(stored=True), times=None))
    registry.faults.add(Fault(method="GET", path=TAG_PATH, nth=3, effect=Reply(status=500), times=None))
    ended = push(run, images[0], registry, "v1", "--output", "json")
    assert ended.code == 6
    assert "whether tag v1 was written is not known" in ended.err
    assert ended.document["destinations"][0]["steps"][-1] == {"step": "tag", "subject": "v1", "outcome": "unknown"}


def _rewritten(data: bytes) -> bytes:
    return json.dumps(json.loads(data), indent=2).encode()


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault(method="PUT", path="/manifests/sha256:", effect=Rewrite(change=_rewritten)), "DIGEST_INVALID"),
        (Fault(method="PUT", path="/manifests/", effect=Pretend(), times=None), " not found"),
        (Fault(method="GET", path="/manifests/sha256:", nth=2, effect=Rewrite(change=_rewritten)), "the registry's content has digest"),
        (Fault(method="GET", path="/manifests/sha256:", nth=3, effect=Rewrite(change=_rewritten)), "the registry's content has digest"),
        (Fault(method="GET", path="/blobs/", effect=Corrupt(position=-1)), "blob sha256:"),
        (Fault(method="GET", path="/blobs/", effect=Rewrite(change=lambda data: data + b"!")), "comes back with different content"),
    ],
    ids=["rewritten", "dropped", "another referrer", "another manifest", "damaged blob", "longer blob"],
)
def test_a_read_back_that_fails_leaves_the_tag_alone(run: Run, images: tuple[Image, Image], fault: Fault, problem: str) -> None:
    with start() as registry:
        registry.faults.add(fault)
        ended = push(run, images[0], registry, "v1")
        assert fault.hits >= 1
        assert ended.code in (4, 6)
        assert problem in ended.err
        assert ended.is_one_clear_error
        assert tag_of(registry, NAME, "v1") is None


HTML = Reply(status=200, headers={"Content-Type": "text/html"}, body=f"<html><body>{SECRET}\n\033[31m</body></html>".encode())
FAULTS: dict[str, tuple[Effect, set[int]]] = {
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
    effect, codes = FAULTS[name]
    index, seen = 0, set()
    with start(referrers_api=False) as registry:
        while True:
            index += 1
            where = f"library/run{index}"
            assert run("push", old.folder, f"{registry.host}/{where}:latest").code == 0
            fault = registry.faults.add(Fault(nth=index, effect=effect, times=None))
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
    effects: dict[str, Effect] = {
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
            fault = registry.faults.add(Fault(nth=index, effect=effects[name]))
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
        registry.faults.add(Fault(method=method, path=path, effect=Stall(seconds=60), times=None))
        ended = push(run, images[0], registry, "v1")
        assert (ended.code, "no response in time" in ended.err) == (6, True)
        assert ended.is_one_clear_error
        assert f"{registry.host}: " in ended.err
        assert tag_of(registry, NAME, "v1") is None


@pytest.mark.parametrize("moves", [False, True], ids=["kept", "moved"])
def test_a_head_that_claims_a_tag_is_right_already_proves_nothing(
    run: Run, registry: RunningRegistry, images: tuple[Image, Image], moves: bool
) -> None:
    image, other = images
    push(run, image, registry, "v2")
    push(run, other, registry, "v1")
    claims = {"Docker-Content-Digest": str(image.digest)}
    registry.faults.add(Fault(method="HEAD", path=TAG_PATH, effect=Headers(changes=claims), times=None))
    registry.requests.clear()
    ended = push(run, image, registry, "v1", *["--move-tags"] * moves)
    assert (ended.code, tag_of(registry, NAME, "v1")) == ((0, image.digest) if moves else (7, other.digest))
    assert bool(writes(registry)) == moves
