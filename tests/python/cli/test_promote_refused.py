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


def test_an_index_that_refers_to_the_image_goes_with_what_it_names(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    """And with the signatures of that, to a registry, to an archive and from there."""
    first, second = registries
    push(run, images["one"], first, "v1")
    push(run, images["two"], first, "v2")
    other = replace(listing(images["two"]), subject=images["one"].manifest.descriptor(), artifact_type="a/b")
    LayoutStore(first.state / NAME).attach(other)
    archive = tmp_path / "one.tar"
    assert run("archive", f"{first.host}/{NAME}:v1", archive).code == 0
    with start() as third:
        for source, registry in ((f"{first.host}/{NAME}:v1", second), (f"oci-archive:{archive}", third)):
            ended = run("promote", source, f"{registry.host}/{NAME}", "--output", "json")
            assert ended.code == 0, ended.err
            children = [each["digest"] for each in ended.document["destinations"][0]["referrers"] if each.get("child")]
            assert children == [str(images["two"].digest)]
            store = LayoutStore(registry.state / NAME)
            assert other.descriptor().digest in {each.digest for each in store.referrers(images["one"].digest)}
            assert list(store.referrers(images["two"].digest)), "the signature"
            assert run("pull", f"{registry.host}/{NAME}@{images['two'].digest}", "--allow-unsigned", "-o", tmp_path / "x.wasm").code == 0
            assert (tmp_path / "x.wasm").read_bytes() == images["two"].wasm
            again = run("promote", source, f"{registry.host}/{NAME}", "--output", "json")
            assert again.document["destinations"][0]["status"] == "unchanged"
    assert run("push", f"oci-archive:{archive}", f"{tmp_path}/disk:v1").code == 0
    assert run("promote", f"{tmp_path}/disk:v1", f"{first.host}/again/hello").code == 0
    assert run("pull", f"{first.host}/again/hello@{images['two'].digest}", "--allow-unsigned", "-o", tmp_path / "y.wasm").code == 0


def test_an_index_that_names_an_index_cannot_be_copied(run: Run, registries: list[RunningRegistry], images: dict[str, Image]) -> None:
    first, second = registries
    push(run, images["one"], first, "v1")
    inner, store = listing(images["one"]), LayoutStore(first.state / NAME)
    store.put_manifest(inner.descriptor(), inner.raw)
    outer = Index(manifests=(inner.descriptor(),), subject=images["one"].manifest.descriptor(), artifact_type="a/b")
    store.attach(outer)
    refused = run("promote", f"{first.host}/{NAME}:v1", f"{second.host}/{NAME}")
    words = (
        f"the index {outer.descriptor().digest} is a referrer, and what it names cannot be copied: {inner.descriptor().digest} is an index"
    )
    assert (refused.code, words in refused.err, "oras cp --recursive" in refused.err, writes(second)) == (2, True, True, [])


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


def test_a_release_that_is_pulled_leads_to_its_members(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    ended = run("pull", f"{first.host}/releases:v1", "--allow-unsigned", "-o", tmp_path / "x.wasm")
    where = f"{first.host}/releases@{tag_of(first, 'releases', 'v1')}"
    words = f"{where}: this is a release, not a component; name one of its members, which `wasm_oci release show {where}` lists"
    assert (ended.code, words in ended.err) == (2, True), ended.err
    assert run("release", "show", where).code == 0
