"""Commands on artifacts of others whose digests are SHA-512."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import NAME, Run
from fakes.release_files import entry, request
from instruments.registry import RunningRegistry
from wasm_oci.digest import SHA512, Digest
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "image")


@pytest.fixture
def foreign(tmp_path: Path, image: Image) -> LayoutStore:
    """The layout of an image in which every digest is a SHA-512 one."""
    layout, source = LayoutStore(tmp_path / "foreign"), LayoutStore(image.folder)
    blobs = []
    for blob in (image.manifest.config, *image.manifest.layers):
        data = b"".join(source.pieces(blob))
        described = Descriptor(media_type=blob.media_type, digest=Digest.of(data, SHA512), size=blob.size, annotations=blob.annotations)
        layout.put_blob(described, lambda data=data: iter((data,)))  # type: ignore[misc]
        blobs.append(described)
    manifest = Manifest(config=blobs[0], layers=tuple(blobs[1:]), annotations=image.manifest.annotations)
    listed = Descriptor(media_type=MANIFEST_MEDIA_TYPE, digest=Digest.of(manifest.raw, SHA512), size=len(manifest.raw))
    layout.put_manifest(listed, manifest.raw, "v1")
    return layout


def test_a_layout_is_pulled_and_inspected(run: Run, foreign: LayoutStore, image: Image, trusted: Path) -> None:
    digest = foreign.only_manifest().digest
    assert digest.algorithm == SHA512
    for name in (f"./{foreign.folder.name}:v1", f"./{foreign.folder.name}@{digest}"):
        assert run("pull", name, "-K", trusted, "-o", "hello.wasm").code == 0
    found = json.loads(run("inspect", f"{foreign.folder}:v1", "--output", "json").out)
    assert found["digest"] == str(digest)
    assert [layer["digest"].partition(":")[0] for layer in found["layers"]] == [SHA512]


def test_a_damaged_layout_is_refused(run: Run, foreign: LayoutStore, trusted: Path) -> None:
    (layer,) = Manifest.parse(foreign.fetch_manifest("v1").data, where="").layers
    path = foreign.blob_path(layer)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    ended = run("pull", f"{foreign.folder}:v1", "-K", trusted, "-o", "hello.wasm")
    assert (ended.code, ended.is_one_clear_error) == (4, True)


def test_a_layout_is_pushed_and_pulled_by_either_digest(run: Run, foreign: LayoutStore, registry: RunningRegistry, trusted: Path) -> None:
    fetched = foreign.fetch_manifest("v1")
    reference = f"{registry.host}/{NAME}"
    pushed = run("push", foreign.folder, f"{reference}:v1")
    assert pushed.code == 0, pushed.err
    stored = LayoutStore(registry.state / NAME)
    assert stored.tagged() == {"v1": Digest.of(fetched.data)}
    (layer,) = Manifest.parse(fetched.data, where="").layers
    assert (layer.media_type, stored.has_blob(layer)) == (WASM_LAYER_MEDIA_TYPE, True)
    for name in (f"{reference}:v1", f"{reference}@{Digest.of(fetched.data)}"):
        assert run("pull", name, "-K", trusted, "-o", "hello.wasm").code == 0
    stored.put_manifest(fetched.descriptor, fetched.data)
    assert run("pull", f"{reference}@{fetched.descriptor.digest}", "-K", trusted, "-o", "hello.wasm").code == 0


def test_a_release_of_one_is_whole(run: Run, foreign: LayoutStore, image: Image, registry: RunningRegistry, tmp_path: Path) -> None:
    """The registry names its tag by the other digest."""
    file = request(tmp_path, {"one": replace(image, folder=foreign.folder)}, entry("here", registry))
    assert run("release", "--request", file).code == 0
    assert LayoutStore(registry.state / "apps/one").tagged() == {"latest": Digest.of(foreign.fetch_manifest("v1").data)}
    verified = run("release", "verify", f"{registry.host}/releases:v1", "--output", "json")
    assert (verified.code, verified.document["findings"]) == (0, [])
    assert run("release", "--request", file).out.endswith("\n  sent      0 bytes\n")
