"""`wasm_oci metadata`: what a component carries, and the annotations of an image of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import key
from fakes.wasm import COMPONENT, MODULE, TESTDATA
from wasm_oci.cli.main import main
from wasm_oci.oci.image import build_image
from wasm_oci.oci.image_request import ImageRequest
from wasm_oci.wasmsign.sign import sign_file

KINDS = TESTDATA / "kinds_component.wasm"
_IMAGE = "org.opencontainers.image."


def _run(*arguments: object) -> int:
    return main(["metadata", *map(str, arguments)])


def _mapped(tmp_path: Path, component: Path, *arguments: object) -> dict[str, Any]:
    output = tmp_path / "mapping.json"
    assert _run("map", "--quiet", "-i", component, "-o", output, *arguments) == 0
    return dict(json.loads(output.read_text()))


def _extracted(tmp_path: Path, component: Path) -> Path:
    output = tmp_path / "extracted.json"
    assert _run("extract", "--quiet", "-i", component, "-o", output) == 0
    return output


def _facts(**members: object) -> str:
    return f"--facts={json.dumps({'schema_version': 1, **members})}"


def test_what_is_extracted_is_what_inspect_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extracted = json.loads(_extracted(tmp_path, KINDS).read_text())
    assert capsys.readouterr() == ("", "")
    assert main(["inspect", str(KINDS), "--output", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in shown.items() if name != "target"} == extracted


def test_the_same_component_gives_the_same_file_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    copy = Path(shutil.copy(KINDS, tmp_path / "there" / "other.wasm"))
    assert _extracted(tmp_path, KINDS).read_bytes() == _extracted(tmp_path / "there", copy).read_bytes()


def test_annotations_are_those_of_an_image(tmp_path: Path) -> None:
    said = {"version": "2.0.0", "description": "two\nlines", "license": "MIT", "annotations": ["a=b", f"{_IMAGE}title=Kinds"]}
    mapping = _mapped(tmp_path, KINDS, _facts(**said))
    request = {**said, "annotations": tuple(said["annotations"])}
    image = build_image(ImageRequest(component=KINDS, package_name="kinds", **request))  # type: ignore[arg-type]
    assert mapping["annotations"] == dict(image.manifest.annotations)
    assert mapping["sources"].keys() == mapping["annotations"].keys()


def test_each_annotation_has_its_source(tmp_path: Path) -> None:
    bare = _mapped(tmp_path, KINDS)
    assert set(bare["sources"].values()) == {"component"}
    assert bare["annotations"][f"{_IMAGE}title"] == "kinds"
    said = _mapped(tmp_path, KINDS, "--title", "Other", "--annotation", "com.wasm.component.type=service")
    assert {name for name, source in said["sources"].items() if source == "attributes"} == {f"{_IMAGE}title", "com.wasm.component.type"}
    assert said["annotations"]["com.wasm.component.type"] == "service"


def test_options_and_facts_say_the_same(tmp_path: Path) -> None:
    options = ["--title", "t", "--version", "1", "--description", "d", "--license", "MIT", "--annotation", "a=b"]
    facts = _facts(title="t", version="1", description="d", license="MIT", annotations=["a=b"])
    assert _mapped(tmp_path, KINDS, *options) == _mapped(tmp_path, KINDS, facts)


def test_what_was_extracted_becomes_a_part(tmp_path: Path) -> None:
    extracted = _extracted(tmp_path, KINDS)
    component = json.loads(extracted.read_text())
    del component["schemaVersion"]
    assert _mapped(tmp_path, KINDS, "--extracted", extracted)["component"] == component


def test_what_was_extracted_of_another_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extracted, other = _extracted(tmp_path, KINDS), tmp_path / "other.wasm"
    other.write_bytes(COMPONENT)
    assert _run("map", "-i", other, "--extracted", extracted) == 2
    assert (
        capsys.readouterr().err
        == f"wasm_oci: {extracted}: it is about another file than the input; extract the metadata of the same component\n"
    )


@pytest.mark.parametrize("text", ["", "[]", "{", '{"digest": 7}'])
def test_a_damaged_extract_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "extracted.json").write_text(text)
    assert _run("map", "-i", KINDS, "--extracted", tmp_path / "extracted.json") == 2
    assert str(tmp_path / "extracted.json") in capsys.readouterr().err


@pytest.mark.parametrize("found", ["none", "embedded", "detached"])
@pytest.mark.parametrize("asked", [None, "embedded", "detached"])
def test_a_signature_that_is_said_to_be_there_is_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], found: str, asked: str | None
) -> None:
    component, signature = tmp_path / "c.wasm", tmp_path / "c.sig"
    if found == "none":
        shutil.copy(KINDS, component)
    else:
        sign_file(KINDS, component, key(1), key_id=None, signature_file=signature if found == "detached" else None)
    arguments = ["-i", component, *(["--signature-file", signature] if found == "detached" else [])]
    code = _run("map", *arguments, *(["--signature-type", asked] if asked else []))
    output = capsys.readouterr()
    if asked in (None, found):
        assert code == 0
        security = {"none": "unsigned", "embedded": "signed", "detached": "detached-signed"}[found]
        assert f"com.wasm.component.security={security}" in output.out.splitlines()
    else:
        assert code == 2
        assert f"said to have a signature that is {asked}, but has " in output.err


def test_the_format_of_keys_is_that_of_a_signature(tmp_path: Path) -> None:
    sign_file(KINDS, tmp_path / "signed.wasm", key(1), key_id=None)
    assert _mapped(tmp_path, tmp_path / "signed.wasm", "--key-format", "pem")["annotations"]["com.wasmsign2.key.format"] == "pem"
    assert "com.wasmsign2.key.format" not in _mapped(tmp_path, KINDS, "--key-format", "pem")["annotations"]


def test_text_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.wasm").write_bytes(MODULE)
    assert _run("map", "-i", tmp_path / "m.wasm", "--annotation", "b=2", "--annotation", "a=1") == 0
    assert capsys.readouterr().out == "a=1\nb=2\ncom.wasm.component.security=unsigned\ncom.wasm.component.type=module\n"
    assert _run("extract", "-i", tmp_path / "m.wasm") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "module"


def test_facts_stand_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("map", "-i", KINDS, _facts(), "--title", "t") == 2
    assert capsys.readouterr().err == "wasm_oci: command line: --title cannot be given with --facts; say it in the JSON\n"


@pytest.mark.parametrize("entry", ["a", "=b", "com.wasmsign2.key.id=1", "com.wasm.component.security=signed"])
def test_annotations_are_checked_as_those_of_images(capsys: pytest.CaptureFixture[str], entry: str) -> None:
    assert _run("map", "-i", KINDS, "--annotation", entry) == 2
    assert "annotations" in capsys.readouterr().err
