"""`wasm_oci push` of a large component, compared with its signatures while it is sent: no destination gets the whole of a wrong one."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from fakes.artifacts import Image, layout_of, signed_image
from fakes.clients import client_of
from fakes.program import NAME, Ended, Run, request_file, tag_of, writes
from fakes.release_files import entry
from instruments.effects import Hangup, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import RegistryError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.signatures import check_signatures
from wasm_oci.registry.upload import upload_blob

PADDING = LIMITS.checked_early + 2 * LIMITS.chunk
EITHER = pytest.mark.parametrize("detached", [False, True])


def changed_after_signing(folder: Path, *, detached: bool) -> Image:
    """An undamaged layout of a component whose last byte is not what was signed."""
    image = signed_image(folder / "signed", detached=detached, padding=PADDING)
    return layout_of(folder / "changed", image.wasm[:-1] + b"x", signature=image.signature)


def has_blob(registry: RunningRegistry, digest: Digest) -> bool:
    return (registry.state / NAME / "blobs/sha256" / digest.hex).exists()


def push(run: Run, image: Image, registry: RunningRegistry, *more: object) -> Ended:
    signatures = [word for file in image.signatures for word in ("--signature-file", file)]
    return run("push", image.folder, f"{registry.host}/{NAME}:v1", *signatures, *more)


def push_to_all(run: Run, image: Image, folder: Path, *places: RunningRegistry | Path) -> Ended:
    entries = [
        {"name": f"place{number}", "type": "layout", "path": str(place), "auth": {"kind": "anonymous"}}
        if isinstance(place, Path)
        else entry(f"place{number}", place)
        for number, place in enumerate(places)
    ]
    names = [each["name"] for each in entries]
    return run(
        "push", "--request", request_file(folder, image, signature=None, registry=names[0], registries=entries, target_registries=names)
    )


def is_refused(ended: Ended, image: Image, *registries: RunningRegistry) -> bool:
    """Whether no registry has the component, the manifest or the tag."""
    layer = image.manifest.layers[0].digest
    there = [has_blob(each, digest) for each in registries for digest in (layer, image.digest)]
    return (ended.code, any(there), [tag_of(each, NAME, "v1") for each in registries]) == (4, False, [None] * len(registries))


@EITHER
def test_it_is_published_and_every_thread_ends(run: Run, tmp_path: Path, detached: bool) -> None:
    image = signed_image(tmp_path, detached=detached, padding=PADDING)
    with start() as registry:
        assert push(run, image, registry).code == 0
        assert (has_blob(registry, image.manifest.layers[0].digest), tag_of(registry, NAME, "v1")) == (True, image.digest)
    assert "content-check" not in {thread.name for thread in threading.enumerate()}


@EITHER
def test_content_that_changed_after_signing_never_arrives(run: Run, tmp_path: Path, detached: bool) -> None:
    image = changed_after_signing(tmp_path, detached=detached)
    with start() as registry:
        ended = push(run, image, registry)
        assert "the signature is not of this component" in ended.err
        assert is_refused(ended, image, registry)
    assert "content-check" not in {thread.name for thread in threading.enumerate()}


def test_it_arrives_after_a_lost_connection(run: Run, tmp_path: Path) -> None:
    image = signed_image(tmp_path, padding=PADDING)
    with start() as registry:
        registry.faults.add(Fault(method="PUT", path="/uploads/", effect=Hangup(), nth=2))
        assert push(run, image, registry).code == 0
        assert tag_of(registry, NAME, "v1") == image.digest


@pytest.mark.parametrize("refused", [0, 1], ids=["whole", "in chunks"])
def test_no_thread_is_left_while_the_error_is_known(tmp_path: Path, refused: int) -> None:
    """Of each artifact that failed the error is kept until the run ends."""
    image = signed_image(tmp_path, padding=PADDING)
    content = check_signatures(load_artifact(image.folder)).content
    assert content
    with start() as registry, client_of(registry) as client:
        if refused:
            registry.faults.add(Fault(method="PUT", path="/uploads/", effect=Reply(status=413)))
        registry.faults.add(Fault(method="PUT|PATCH", path="/uploads/", effect=Hangup(), times=None))
        with pytest.raises(RegistryError) as caught:
            upload_blob(client, image.manifest.layers[0], content.pieces)
        assert caught.value
        assert "content-check" not in {thread.name for thread in threading.enumerate()}


def test_no_thread_is_left_by_a_folder_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = signed_image(tmp_path, padding=PADDING)
    content = check_signatures(load_artifact(image.folder)).content
    assert content

    class Full(BytesIO):
        def write(self, _piece: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    @contextmanager
    def full(*_anything: object, **_more: object) -> Iterator[BytesIO]:
        yield Full()

    monkeypatch.setattr("wasm_oci.oci.layout_store.atomic_output", full)
    with pytest.raises(OSError, match="No space left") as caught:
        LayoutStore(tmp_path / "place").put_blob(image.manifest.layers[0], content.pieces)
    assert caught.value
    assert "content-check" not in {thread.name for thread in threading.enumerate()}


@EITHER
def test_content_that_is_damaged_never_arrives(run: Run, tmp_path: Path, detached: bool) -> None:
    image = signed_image(tmp_path, detached=detached, padding=PADDING)
    file = image.folder / "blobs/sha256" / image.manifest.layers[0].digest.hex
    file.write_bytes(image.wasm[:-1] + b"x")
    with start() as registry:
        ended = push(run, image, registry)
        assert "content has digest sha256:" in ended.err
        assert is_refused(ended, image, registry)


def test_an_unsigned_one_that_is_damaged_never_arrives(run: Run, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", signed_image(tmp_path / "signed", detached=True, padding=PADDING).wasm)
    file = image.folder / "blobs/sha256" / image.manifest.layers[0].digest.hex
    file.write_bytes(image.wasm[:-1] + b"x")
    with start() as registry:
        assert is_refused(push(run, image, registry), image, registry)


def test_a_dry_run_reads_it(run: Run, tmp_path: Path) -> None:
    image = changed_after_signing(tmp_path, detached=False)
    with start() as registry:
        ended = push(run, image, registry, "--dry-run")
        assert (ended.code, writes(registry)) == (4, [])


def test_where_it_is_there_already_it_is_read_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    image = changed_after_signing(tmp_path, detached=False)
    with start() as registry, start() as other:
        with client_of(registry) as client:
            upload_blob(client, image.manifest.layers[0], lambda: iter((image.wasm,)))
        registry.requests.clear()
        ended = push_to_all(run, image, tmp_path, other, registry)
        assert (ended.code, writes(registry), writes(other)) == (4, [], [])


def test_where_another_program_stores_it_meanwhile_it_is_read_all_the_same(run: Run, tmp_path: Path) -> None:
    image = changed_after_signing(tmp_path, detached=False)
    layer = image.manifest.layers[0]
    with start() as registry:

        def store_it() -> None:
            with client_of(registry) as client:
                upload_blob(client, layer, lambda: iter((image.wasm,)), missing=True)

        stored = layout_of(tmp_path / "again", image.wasm)  # the same image: what the upload is answered is that it is there
        store_it()
        registry.faults.add(Fault(method="HEAD", path=f"/blobs/{layer.digest}", effect=Reply(status=404)))
        registry.faults.add(Fault(method="GET", path=f"/blobs/{layer.digest}", effect=Reply(status=404)))
        registry.faults.add(Fault(method="POST", path="/uploads/", effect=Reply(status=201), nth=2))
        ended = push(run, stored, registry)
        assert (ended.code, tag_of(registry, NAME, "v1")) == (4, None)


def test_no_destination_gets_what_one_of_them_is_refused(run: Run, tmp_path: Path) -> None:
    image = changed_after_signing(tmp_path, detached=False)
    with start() as one, start() as two:
        assert is_refused(push_to_all(run, image, tmp_path, one, two), image, one, two)


def test_a_folder_does_not_get_it_either(run: Run, tmp_path: Path) -> None:
    image = changed_after_signing(tmp_path, detached=False)
    assert push_to_all(run, image, tmp_path, tmp_path / "place").code == 4
    assert not list(tmp_path.glob(f"place/**/{image.manifest.layers[0].digest.hex}"))
