"""What is a reference and what a layout folder: the form of the text decides, never what exists."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import Run
from fakes.signing import C
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.oci.reference import has_registry
from wasm_oci.oci.target import is_path, layout_target


@pytest.mark.parametrize("text", ["./x", "../x:v1", "/x", ".", "..", "/", "C:\\x", "c:/x", ".\\x", "..\\x", "\\\\host\\share"])
def test_paths(text: str) -> None:
    assert is_path(text)


@pytest.mark.parametrize(
    "text", ["x", "x/y", "ghcr.io/a/b:v1", "localhost:5000/a", "...", ".x/y", "..x/y", "C:x", "a:/x", "~/x", "", "oci:x"]
)
def test_texts_that_are_no_path(text: str) -> None:
    assert is_path(text) == (text == "a:/x")


def test_hosts() -> None:
    assert all(map(has_registry, ("ghcr.io/a", "localhost/a", "h:1/a", "h.x/")))
    assert not any(map(has_registry, ("a", "a/b", "ghcr.io", "", "/a.b")))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "image")


def test_a_layout_by_each_form(tmp_path: Path, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(image.folder, "out/layout")
    shutil.copytree(image.folder, "ghcr.io/acme/tool")
    for folder in ("./out/layout", "../" + tmp_path.name + "/out/layout", str(image.folder), "oci:out/layout", "oci:ghcr.io/acme/tool"):
        for text, wanted in ((folder, image.digest), (f"{folder}:v1", "v1"), (f"{folder}@{image.digest}", image.digest)):
            target = layout_target(text)
            assert target, text
            assert (target.wanted, target.pinned) == (wanted, "@" in text)
            assert target.fetch().descriptor.digest == image.digest
    for text in ("out/layout", "out", "ghcr.io/acme/tool", "ghcr.io/acme/tool:v1", f"ghcr.io/acme/tool@{image.digest}"):
        assert layout_target(text) is None


@pytest.mark.parametrize("folder", ["out/layout", "ghcr.io/acme/tool", ".hidden/layout", "..x"])
def test_the_reference_that_a_command_shows_can_be_given_to_the_next(
    tmp_path: Path, image: Image, monkeypatch: pytest.MonkeyPatch, run: Run, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(image.folder, folder)
    shown = run("pull", f"oci:{folder}", "-o", "1.wasm", "--allow-unsigned", "--output", "json").document["reference"]
    assert run("pull", shown, "-o", "2.wasm", "--allow-unsigned").code == 0
    assert Path("2.wasm").read_bytes() == Path("1.wasm").read_bytes()


def test_a_layout_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: Image) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("./none", "./none:v1", "oci:none", "oci:", "./image"):
        with pytest.raises(UsageError):
            layout_target(text)
    for text in ("oci:@sha256:0", f"{image.folder}@sha256:0"):
        with pytest.raises(FormatError):
            layout_target(text)


@pytest.mark.parametrize(
    "reference", ["localhost:1/acme/tool:v1", "localhost:1/acme/tool", "localhost/acme/tool@sha256:0", "127.0.0.1:1/a/b:v1"]
)
@pytest.mark.parametrize("command", ["pull", "inspect"])
def test_no_folder_or_file_takes_the_place_of_a_registry(run: Run, tmp_path: Path, image: Image, command: str, reference: str) -> None:
    name = reference.partition("@")[0]
    for place in {name, name.removesuffix(":v1"), reference}:
        shutil.copytree(image.folder, tmp_path / place)
    options = ["-o", "x.wasm", "--allow-unsigned"] if command == "pull" else []
    ended = run(command, reference, *options)
    assert (ended.code in (2, 6), ended.out) == (True, "")
    if command == "inspect" and ":v1" in reference:
        shutil.rmtree(tmp_path / reference)
        (tmp_path / reference).write_bytes(image.wasm)
        assert run("inspect", reference).code == 6


def test_a_bare_name_is_no_folder(run: Run, tmp_path: Path, image: Image) -> None:
    shutil.copytree(image.folder, tmp_path / "acme/tool")
    for command, *options in (("pull", "-o", "x.wasm", "--allow-unsigned"), ("inspect",)):
        ended = run(command, "acme/tool:v1", *options)
        assert (ended.code, ended.is_one_clear_error) == (2, True)
        assert "has no registry host" in ended.err
        assert "for a layout folder write ./acme/tool:v1" in ended.err


def test_a_file_in_a_folder_with_a_dot_can_be_inspected(run: Run, tmp_path: Path, image: Image) -> None:
    (tmp_path / "out.d").mkdir()
    (tmp_path / "out.d/hello.wasm").write_bytes(image.wasm)
    assert run("inspect", "out.d/hello.wasm").code == 0
    assert "no such file" in run("inspect", "out.d/other.wasm").err


@pytest.mark.parametrize(
    "arguments",
    [
        ("push", "a b.wasm", "localhost:1/library/hello:v1"),
        ("push", "oci:a b.wasm", "localhost:1/library/hello:v1"),
        ("pull", "./a b.wasm", "-o", "out.wasm", "--allow-unsigned"),
        ("list", "./a b.wasm"),
        ("promote", "./a b.wasm", "localhost:1/library/hello:v1"),
    ],
)
def test_a_component_in_place_of_a_layout_leads_to_image(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b.wasm").write_bytes(C)
    done = run(*arguments)
    assert done.code == 2
    assert "a b.wasm: not an OCI image layout; make a layout of it first, with `wasm_oci image -i 'a b.wasm' -o DIR`" in done.err


def test_push_takes_a_layout_by_each_form(run: Run, tmp_path: Path, image: Image) -> None:
    for form in (str(image.folder), f"oci:{image.folder}"):
        done = run("push", form, "localhost:1/library/hello:v1", "--dry-run")
        assert (done.code, "not an OCI image layout" in done.err) == (6, False)
