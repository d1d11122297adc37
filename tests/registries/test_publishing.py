"""Publishing to real registries and pulling from them, as far as the local registry can behave like them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.artifacts import Image, public, signed_image
from fakes.program import NAME, Ended, Run, make_run, tag_of, writes
from instruments.registry import RunningRegistry, start
from real_registries import KEEPING, MOVING, REFUSING, Behave, github_redirecting, google_artifact_registry


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, ...]:
    """Two images that key 1 signed, and the first of them signed by key 2."""
    folder = tmp_path_factory.mktemp("images")
    return tuple(
        signed_image(folder / str(number), text=text, signer=signer, detached=True)
        for number, (text, signer) in enumerate([("one", 1), ("two", 1), ("one", 2)])
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        Path(f"{number}.public").write_bytes(public(number).compact())
    return make_run(tmp_path, monkeypatch, capsys)


@contextmanager
def behaving(behave: Behave, folder: Path) -> Iterator[RunningRegistry]:
    """A registry that behaves like a real one, and a login for it."""
    with start() as registry:
        (folder / "docker").mkdir(exist_ok=True)
        auths = {registry.host: {"auth": base64.b64encode(b"robot:password").decode()}}
        (folder / "docker" / "config.json").write_text(json.dumps({"auths": auths}))
        behave(registry)
        yield registry


def push(run: Run, image: Image, registry: RunningRegistry, *args: str) -> Ended:
    return run("push", image.folder, f"{registry.host}/{NAME}:v1", "--signature-file", image.signature, "--output", "json", *args)


def pull(run: Run, registry: RunningRegistry, key: int = 1) -> Ended:
    return run("pull", f"{registry.host}/{NAME}:v1", "-o", "pulled.wasm", "-K", f"{key}.public")


@pytest.mark.parametrize("behave", [*MOVING, *KEEPING], ids=lambda each: each.__name__)
def test_what_is_published_comes_back_and_is_published_once(run: Run, tmp_path: Path, images: tuple[Image, ...], behave: Behave) -> None:
    image = images[0]
    with behaving(behave, tmp_path) as registry:
        ended = push(run, image, registry)
        assert (ended.code, ended.err) == (0, "")
        assert tag_of(registry, NAME, "v1") == image.digest
        assert pull(run, registry).code == 0
        assert Path("pulled.wasm").read_bytes() == image.wasm
        assert pull(run, registry, key=2).code == (6 if behave is github_redirecting else 4)  # there may be more signatures than are listed
        registry.requests.clear()
        again = push(run, image, registry)
        assert (again.code, [each["status"] for each in again.document["destinations"]]) == (0, ["unchanged"])
        assert writes(registry) == []


@pytest.mark.parametrize("behave", [*MOVING, *KEEPING], ids=lambda each: each.__name__)
def test_a_tag_moves_only_where_that_is_asked_for_and_allowed(run: Run, tmp_path: Path, images: tuple[Image, ...], behave: Behave) -> None:
    first, second, _ = images
    with behaving(behave, tmp_path) as registry:
        assert push(run, first, registry).code == 0
        assert push(run, second, registry).code == 7
        assert tag_of(registry, NAME, "v1") == first.digest
        moved = push(run, second, registry, "--move-tags")
        if behave in MOVING:
            assert (moved.code, tag_of(registry, NAME, "v1")) == (0, second.digest)
        else:
            assert (moved.code, tag_of(registry, NAME, "v1")) == (7, first.digest)
            assert "immutab" in moved.err
            assert moved.is_one_clear_error


@pytest.mark.parametrize("behave", [*MOVING, *KEEPING], ids=lambda each: each.__name__)
def test_a_second_signature_keeps_the_first(run: Run, tmp_path: Path, images: tuple[Image, ...], behave: Behave) -> None:
    first, _, other = images
    assert first.digest == other.digest
    with behaving(behave, tmp_path) as registry:
        assert push(run, first, registry).code == 0
        ended = push(run, other, registry)
        if behave is google_artifact_registry:
            assert ended.code == 7
            assert "exempt tags that begin with sha256-" in ended.err
        else:
            assert ended.code == 0
            assert pull(run, registry, key=2).code == 0
        assert pull(run, registry, key=1).code == 0


@pytest.mark.parametrize("behave", REFUSING, ids=lambda each: each.__name__)
def test_what_a_registry_does_not_take_is_one_clear_error(run: Run, tmp_path: Path, images: tuple[Image, ...], behave: Behave) -> None:
    code, said = REFUSING[behave]
    with behaving(behave, tmp_path) as registry:
        ended = push(run, images[0], registry)
        assert (ended.code, ended.is_one_clear_error) == (code, True)
        assert said in ended.err
        assert tag_of(registry, NAME, "v1") is None
