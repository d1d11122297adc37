"""Files of a run target, by a folder and by a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.lookups import deny_lookups
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.runfiles import Runfiles


def test_runfiles_by_manifest(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/file").write_text("x")
    (tmp_path / "layout/blobs").mkdir(parents=True)
    (tmp_path / "layout/blobs/one").write_text("x")
    (tmp_path / "plain").write_text("x")
    (tmp_path / "a layout").mkdir()
    (tmp_path / "a layout" / "b\\one").write_text("x")
    manifest = tmp_path / "MANIFEST"
    manifest.write_text(
        "\n".join(
            [
                f"_main/plain {tmp_path}/plain",
                rf" _main/with\sblank {tmp_path}/a b/file",
                f"_main/layout/blobs/one {tmp_path}/layout/blobs/one",
                rf" _main/a\slayout/b\bone {tmp_path}/a layout/b\bone",
                f"_main/whole {tmp_path}/layout",
                "_main/empty ",
                f"_main/gone {tmp_path}/gone",
            ]
        )
    )
    runfiles = Runfiles({"RUNFILES_MANIFEST_FILE": str(manifest)})
    assert runfiles.find("_main/plain", where="") == tmp_path / "plain"
    assert runfiles.find("_main/with blank", where="") == tmp_path / "a b/file"
    assert runfiles.find("_main/layout", where="") == tmp_path / "layout"
    assert runfiles.find("_main/a layout", where="") == tmp_path / "a layout"
    assert runfiles.find("_main/a layout/b\\one", where="") == tmp_path / "a layout/b\\one"
    assert runfiles.find("_main/whole/blobs/one", where="") == tmp_path / "layout/blobs/one"
    for name in ("_main/gone", "_main/empty", "_main/none"):
        with pytest.raises(UsageError, match="is not in the runfiles"):
            runfiles.find(name, where="")


def test_without_runfiles_only_absolute_paths_are_found(tmp_path: Path) -> None:
    assert Runfiles({}).find(str(tmp_path), where="") == tmp_path
    with pytest.raises(UsageError, match="start this with `bazel run`"):
        Runfiles({}).find("_main/x", where="request.json")


@pytest.mark.parametrize("path", ["_main/../x", "../x", "a/.."])
def test_a_path_that_leaves_the_runfiles(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match="leaves the runfiles"):
        Runfiles({"RUNFILES_DIR": str(tmp_path)}).find(path, where="request.json")


def test_what_the_manifest_does_not_list_is_looked_for_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "_main").mkdir()
    for name in ("listed", "_main/listed", "_main/other"):
        (tmp_path / name).write_text("x")
    manifest = tmp_path / "MANIFEST"
    manifest.write_text(f"_main/listed {tmp_path}/listed\n")
    runfiles = Runfiles({"RUNFILES_MANIFEST_FILE": str(manifest), "RUNFILES_DIR": str(tmp_path)})
    assert runfiles.find("_main/listed", where="") == tmp_path / "listed"
    assert runfiles.find("_main/other", where="") == tmp_path / "_main/other"


def test_a_manifest_that_is_not_there_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    runfiles = Runfiles({"RUNFILES_MANIFEST_FILE": str(tmp_path / "absent"), "RUNFILES_DIR": str(tmp_path)})
    assert runfiles.find("x", where="") == tmp_path / "x"


@pytest.mark.parametrize("path", ["n" * 5000, "d/" * 3000, "_main/" + "n" * 300, "/" + "n" * 5000, "a\0b"])
def test_a_path_that_no_file_can_have(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match=r"is not in the runfiles|the path contains invalid characters"):
        Runfiles({"RUNFILES_DIR": str(tmp_path), "RUNFILES_MANIFEST_FILE": "n" * 5000}).find(path, where="request.json")


def test_a_folder_of_runfiles_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with deny_lookups(monkeypatch), pytest.raises(UsageError, match="cannot look up the file of the runfiles: Permission denied"):
        Runfiles({"RUNFILES_DIR": str(tmp_path)}).find("x", where="request.json")
    manifest = {"RUNFILES_MANIFEST_FILE": str(tmp_path / "MANIFEST")}
    with deny_lookups(monkeypatch), pytest.raises(UsageError, match="cannot look up the runfiles manifest: Permission denied"):
        Runfiles(manifest).find("x", where="request.json")


def test_names_of_repositories_are_canonical(tmp_path: Path) -> None:
    """As they are for a caller who is outside the runfiles, where the library cannot tell who calls."""
    (tmp_path / "dep+").mkdir()
    (tmp_path / "dep+" / "x").write_text("x")
    (tmp_path / "_repo_mapping").write_text(",dep,dep+\ndep+,dep,dep+\n")
    assert Runfiles({"RUNFILES_DIR": str(tmp_path)}).find("dep+/x", where="") == tmp_path / "dep+/x"


@pytest.mark.parametrize("end", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_file_name_cannot_make_a_line_of_the_manifest(tmp_path: Path, end: str) -> None:
    (tmp_path / "evil").write_text("x")
    manifest = tmp_path / "MANIFEST"
    manifest.write_bytes(f"_main/a{end}_main/key.public {tmp_path}/evil\n_main/b {tmp_path}/evil\r\n".encode())
    with pytest.raises(FormatError, match=r"MANIFEST: line 1: .* ends a line for some programs only; rename the file") as caught:
        Runfiles({"RUNFILES_MANIFEST_FILE": str(manifest)}).find("_main/key.public", where="request.json")
    assert caught.value.reason == "ambiguous_text"


@pytest.mark.parametrize("content", [b"line\n", b"\xff x\n"])
def test_a_malformed_manifest_is_named(tmp_path: Path, content: bytes) -> None:
    manifest = tmp_path / "MANIFEST"
    manifest.write_bytes(content)
    with pytest.raises(UsageError, match="cannot read the runfiles manifest: it is malformed") as caught:
        Runfiles({"RUNFILES_MANIFEST_FILE": str(manifest)}).find("_main/x", where="request.json")
    assert caught.value.where == str(manifest)
