"""What `wasm_oci promote` and `release` refuse before anything is written, and what they say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import NAME, Run, push, tag_of, writes
from fakes.release_files import NAMES, entry, request
from instruments.registry import RunningRegistry, start
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index


@pytest.fixture
def registries() -> Iterator[list[RunningRegistry]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start()) for _ in range(2)]


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    return {name: signed_image(tmp_path / name, text=name, detached=True) for name in NAMES}


def listing(image: Image) -> Index:
    """An index of one image, as those for several architectures are."""
    return Index(manifests=(Descriptor(media_type=MANIFEST_MEDIA_TYPE, digest=image.digest, size=len(image.manifest.raw)),))


def test_an_index_that_is_no_release(run: Run, registries: list[RunningRegistry], images: dict[str, Image]) -> None:
    first, second = registries
    push(run, images["one"], first, "v1")
    other = listing(images["one"])
    LayoutStore(first.state / NAME).put_manifest(other.descriptor(), other.raw, "all")
    refused = run("promote", f"{first.host}/{NAME}:all", f"{second.host}/{NAME}")
    assert (refused.code, writes(second)) == (2, [])
    assert "this index is not a release; promote each of its manifests by digest" in refused.err


def test_an_index_that_refers_to_the_image(run: Run, registries: list[RunningRegistry], images: dict[str, Image]) -> None:
    first, second = registries
    push(run, images["one"], first, "v1")
    other = replace(listing(images["two"]), subject=images["one"].manifest.descriptor(), artifact_type="a/b")
    push(run, images["two"], first, "v2")
    LayoutStore(first.state / NAME).attach(other)
    refused = run("promote", f"{first.host}/{NAME}:v1", f"{second.host}/{NAME}")
    assert (refused.code, f"the index {other.descriptor().digest} refers to it" in refused.err, writes(second)) == (2, True, [])


def test_a_destination_with_a_digest_or_behind_an_entry(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    digest = tag_of(first, "releases", "v1")
    by_digest = run("promote", f"{first.host}/releases:v1", f"{second.host}/releases@{digest}")
    assert (by_digest.code, "the digest of a destination is that of the source" in by_digest.err) == (2, True)
    file = tmp_path / "promote.json"
    document = {"schema_version": 1, "source": f"{first.host}/releases:v1", "registries": [entry("second", second)]}
    file.write_text(json.dumps(document | {"destination": "second/more/releases", "target": "//:promote"}))
    behind = run("promote", "--request", file)
    assert (behind.code, "the release calls its repository releases; write second/releases" in behind.err) == (2, True)
    assert writes(second) == []


def test_a_release_of_nothing(run: Run, registries: list[RunningRegistry], tmp_path: Path) -> None:
    refused = run("release", "--request", request(tmp_path, {}, entry("first", registries[0])))
    assert (refused.code, "//:release: there is nothing to release; name images, or publish targets" in refused.err) == (2, True)


def test_a_tag_that_names_something_else_says_nothing_of_what_is_there(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = registries
    assert run("push", images["one"].folder, f"{first.host}/releases:v1").code == 0
    file = request(tmp_path, images, entry("first", first))
    assert run("release", "--request", file).code == 7
    assert "tag v1 is not used to find out what is there: " in caplog.text
    assert run("release", "--request", file, "--move-tags").code == 0
    assert run("release", "verify", f"{first.host}/releases:v1").code == 0


def test_other_tags_and_other_signatures_are_differences(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    without = {**images, "one": replace(images["one"], signature=None)}
    file = request(tmp_path, without, entry("first", first), tag="v2")
    two = tmp_path / "two.json"
    two.write_text(json.dumps(json.loads(two.read_text()) | {"tag": "2.0.0"}))
    assert run("release", "--request", file).code == 0
    words = run("release", "diff", f"{first.host}/releases:v1", f"{first.host}/releases:v2").out
    assert "~ apps/one  signatures or other referrers differ\n" in words
    assert "~ apps/two  tags latest -> 2.0.0\n" in words
