"""`wasm_oci push` to a folder of a layout and to an archive, of a request and of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image
from fakes.program import Run, request_file
from wasm_oci.oci.archive import ArchiveStore


def archive_entry(file: Path) -> dict[str, Any]:
    return {"name": "file", "type": "archive", "path": str(file), "auth": {"kind": "anonymous"}}


def test_a_request_makes_an_archive_and_adds_to_it(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    file = tmp_path / "out.tar"

    def publish(image: Image, *flags: str) -> Any:
        path = request_file(tmp_path, image, registry="file", registries=[archive_entry(file)])
        return run("push", "--request", path, *flags, "--output", "json")

    assert (publish(images[0], "--dry-run").document["status"], file.exists()) == ("planned", False)
    first = publish(images[0])
    assert (first.code, first.document["status"], first.document["reference"]) == (0, "published", f"oci-archive:{file}@{images[0].digest}")
    before = file.stat()
    assert (publish(images[0]).document["status"], file.stat()) == ("unchanged", before)
    assert publish(images[1]).code == 7
    assert publish(images[1], "--tag", "v2").code == 0
    assert ArchiveStore(file).tags() == ("v1", "v2")
    for number, image in enumerate(images, start=1):
        assert run("pull", f"oci-archive:{file}:v{number}", "--allow-unsigned", "-o", tmp_path / "x.wasm").code == 0
        assert (tmp_path / "x.wasm").read_bytes() == image.wasm
    assert run("pull", first.document["reference"], "--allow-unsigned", "-o", tmp_path / "y.wasm").code == 0


def test_an_archive_that_cannot_be_written_fails_alone(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    disk = {"name": "disk", "type": "layout", "path": str(tmp_path / "disk"), "auth": {"kind": "anonymous"}}
    path = request_file(
        tmp_path,
        images[0],
        registry="",
        registries=[archive_entry(tmp_path / "absent" / "out.tar"), disk],
        target_registries=["file", "disk"],
        fail_fast=False,
    )
    ended = run("push", "--request", path, "--output", "json")
    assert [(each["status"], "error" in each) for each in ended.document["destinations"]] == [("failed", True), ("published", False)]
    assert (ended.code, "absent" in ended.err) == (2, True)


def test_an_archive_that_another_program_changed_is_left_alone(
    run: Run, images: tuple[Image, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wasm_oci.oci import archive

    file, pack = tmp_path / "out.tar", archive.pack
    assert run("push", images[0].folder, f"oci-archive:{file}:v1").code == 0
    put = archive.ArchiveOutput.put_manifest

    def put_late(store: archive.ArchiveOutput, *args: Any, **how: Any) -> None:
        put(store, *args, **how)
        pack(images[1].folder, file)

    monkeypatch.setattr(archive.ArchiveOutput, "put_manifest", put_late)
    ended = run("push", images[1].folder, f"oci-archive:{file}:v2")
    assert (ended.code, "another program has changed the archive meanwhile; run again" in ended.err) == (2, True)
    assert "v2" not in ArchiveStore(file).tags()


@pytest.mark.parametrize("form", ["oci-archive:{}/out.tar", "oci:{}/out", "{}/out"])
def test_the_command_line_names_a_file_or_a_folder(run: Run, images: tuple[Image, Image], tmp_path: Path, form: str) -> None:
    place = form.format(tmp_path)
    assert run("push", images[0].folder, f"{place}:v1").code == 0
    assert run("pull", f"{place}:v1", "--allow-unsigned", "-o", tmp_path / "x.wasm").code == 0
    ended = run("push", images[0].folder, place)
    assert (ended.code, "names no tag" in ended.err) == (2, True)


@pytest.mark.parametrize("command", ["archive", "promote", "push"])
@pytest.mark.parametrize("name", ["out.tar.gz", "out.tgz", "out.tar.zst"])
def test_no_compressed_archive_is_written(run: Run, images: tuple[Image, Image], tmp_path: Path, command: str, name: str) -> None:
    file = tmp_path / name
    where = {"archive": str(file), "promote": f"oci-archive:{file}", "push": f"oci-archive:{file}:v1"}[command]
    ended = run(command, images[0].folder, where)
    assert (ended.code, "archives are not compressed" in ended.err, f"write {tmp_path}/out.tar" in ended.err) == (2, True, True)
    assert not file.exists()
