"""`wasm_oci inspect`: of files, layouts and references."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import key
from fakes.wasm import COMPONENT, MODULE, TESTDATA, custom, section
from instruments.registry import start
from wasm_oci.cli.main import main
from wasm_oci.digest import Digest
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, SIGNATURE_MEDIA_TYPE, WASM_CONFIG_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE, Descriptor
from wasm_oci.oci.image import build_image
from wasm_oci.oci.image_request import ImageRequest
from wasm_oci.oci.layout import write_layout
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, Manifest, signature_referrer
from wasm_oci.wasmsign.sign import sign_file

KINDS = TESTDATA / "kinds_component.wasm"


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["inspect", *arguments, "--output", "json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def _text(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["inspect", *arguments]) == 0
    return capsys.readouterr().out


def _layout(folder: Path) -> Path:
    build_image(ImageRequest(component=KINDS, package_name="kinds", tag="v1")).write(folder)
    return folder


def test_a_component(capsys: pytest.CaptureFixture[str]) -> None:
    document = _json(capsys, str(KINDS))
    assert (document["type"], document["kind"], document["size"]) == ("wasm", "component", KINDS.stat().st_size)
    assert document["digest"] == "sha256:" + hashlib.sha256(KINDS.read_bytes()).hexdigest()
    assert document["imports"][0] == "wanted-type"
    assert document["metadata"]["name"] == "kinds"
    assert {"section": "custom", "name": "version", "count": 1, "bytes": 15} in document["sections"]
    assert {"section": "export", "count": 2, "bytes": 77} in document["sections"]
    assert sum(row["bytes"] for row in document["sections"]) == document["size"] - 8
    assert document["signature"] is None
    text = _text(capsys, str(KINDS))
    assert "ns:pkg/iface@1.2.3" in text
    assert "signature    none" in text


def test_a_module_has_other_names_of_sections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.wasm").write_bytes(MODULE + section(10, b"\0") + section(99, b""))
    rows = _json(capsys, str(tmp_path / "m.wasm"))["sections"]
    assert [row["section"] for row in rows] == ["code", "unknown_99"]


def test_a_signed_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "1.wasm", tmp_path / "2.wasm"
    sign_file(KINDS, one, key(1), key_id=None)
    sign_file(one, two, key(2), key_id=key(2).public.key_id)
    key_id = key(2).public.key_id.hex()
    signatures = [{"keyId": None, "algorithm": 1}, {"keyId": key_id, "algorithm": 1}]
    assert _json(capsys, str(two))["signature"] == {"sets": [{"hashes": 1, "signatures": signatures}]}
    assert f"set 1: 1 hash(es), not verified: claims no key id, {key_id}" in _text(capsys, str(two))


def test_a_malformed_signature_is_shown_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.wasm").write_bytes(COMPONENT + custom("signature", b"\x01\x01\x01\x09"))
    assert "malformed" in _json(capsys, str(tmp_path / "x.wasm"))["signature"]
    assert "signature    malformed: " in _text(capsys, str(tmp_path / "x.wasm"))


def test_text_cannot_be_forged_by_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.wasm").write_bytes(COMPONENT + custom("description", b"\x1b[2Jfake\nsignature ok") + custom("\x1b[31m", b""))
    text = _text(capsys, str(tmp_path / "x.wasm"))
    assert "\x1b" not in text
    assert "\nsignature ok" not in text
    assert r"\x1b[2Jfake\nsignature ok" in text


def test_many_names_of_custom_sections_are_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.wasm").write_bytes(COMPONENT + b"".join(custom(f"n{number}", b"") for number in range(150)))
    rows = _json(capsys, str(tmp_path / "x.wasm"))["sections"]
    assert rows[-1] == {"section": "custom", "name": "(others)", "count": 50, "bytes": 50 * 7}
    assert len(rows) == 101


def test_a_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _layout(tmp_path / "layout")
    digest = str(LayoutStore.open(folder).only_manifest().digest)
    document = _json(capsys, str(folder))
    assert (document["type"], document["digest"]) == ("layout", digest)
    assert document["annotations"]["com.wasm.component.security"] == "unsigned"
    assert document["config"]["content"]["os"] == "wasip2"
    assert document["layers"][0]["annotations"] == {"org.opencontainers.image.title": "kinds.wasm"}
    assert document["referrers"] == []
    assert _json(capsys, f"{folder}:v1")["digest"] == digest
    assert _json(capsys, f"{folder}@{digest}")["digest"] == digest
    text = _text(capsys, str(folder))
    assert digest in text
    assert "application/wasm kinds.wasm" in text
    assert "ns:pkg/iface@1.2.3" in text


def test_referrers_and_subjects_of_a_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _layout(tmp_path / "layout")
    layout = LayoutStore.open(folder)
    subject = layout.only_manifest()
    referrer = signature_referrer(subject, b"signature")
    layout.put_blob(EMPTY, lambda: iter((EMPTY_BLOB,)))
    layout.put_manifest(referrer.descriptor(), referrer.raw)
    digest = str(referrer.descriptor().digest)
    assert [entry["digest"] for entry in _json(capsys, str(folder))["referrers"]] == [digest]
    assert f"referrer     {digest}" in _text(capsys, f"{folder}:v1")
    assert f"subject      {subject.digest}" in _text(capsys, f"{folder}@{digest}")


def test_an_index_lists_its_manifests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _layout(tmp_path / "layout")
    layout = LayoutStore.open(folder)
    member = layout.only_manifest()
    index = Index(manifests=(Descriptor(media_type=member.media_type, digest=member.digest, size=member.size, platform={"os": "wasip2"}),))
    layout.put_manifest(index.descriptor(), index.raw, "multi")
    assert _json(capsys, f"{folder}:multi")["manifests"][0]["platform"] == {"os": "wasip2"}
    assert f"manifest     {member.digest}" in _text(capsys, f"{folder}:multi")


def test_a_malformed_config_is_shown_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = Manifest(config=Descriptor.of(b"junk", WASM_CONFIG_MEDIA_TYPE), layers=(Descriptor.of(b"x", WASM_LAYER_MEDIA_TYPE),))
    write_layout(tmp_path / "layout", manifest.encode(), {Digest.of(b"junk"): b"junk", Digest.of(b"x"): b"x"}, "v1")
    assert "not valid JSON" in _json(capsys, str(tmp_path / "layout"))["config"]["malformed"]
    assert "malformed:" in _text(capsys, str(tmp_path / "layout"))


def test_a_tampered_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _layout(tmp_path / "layout")
    digest = LayoutStore.open(folder).only_manifest().digest
    path = folder / "blobs" / "sha256" / digest.hex
    path.write_bytes(path.read_bytes().replace(b"kinds", b"other"))
    assert main(["inspect", str(folder)]) == 4
    assert "content has digest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("none.wasm", "none.wasm: no such file or folder; check the path"),
        ("./none", "./none: no such file or folder"),
        ("/none", "/none: no such file or folder"),
        ("./empty", "empty: not an OCI image layout: it has no file oci-layout"),
        ("hello", "has no registry host"),
        ("empty", "for a layout folder write ./empty"),
        ("oci:none", "oci:none: no such file or folder"),
        ("localhost:1/hello", "names neither tag nor digest"),
        ("./empty@sha256:1", "is not a digest"),
        ("junk", "neither a WebAssembly module nor a component"),
    ],
)
def test_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], target: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "junk").write_bytes(b"<html></html>")
    assert main(["inspect", target]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert (out, err.count("\n")) == ("", 1)


def test_a_tag_that_the_layout_does_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _layout(tmp_path / "layout")
    assert main(["inspect", f"{folder}:v9"]) == 6
    assert "has no manifest v9; use one of the tags v1" in capsys.readouterr().err


def test_a_reference_in_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    signed, signature = tmp_path / "signed.wasm", tmp_path / "signed.sig"
    sign_file(KINDS, signed, key(1), key_id=None, signature_file=signature)
    image = build_image(ImageRequest(component=signed, signature=signature, package_name="kinds", tag="v1"))
    image.write(tmp_path / "layout")
    with start() as registry:
        reference = f"{registry.host}/my-org/kinds"
        assert main(["push", str(tmp_path / "layout"), f"{reference}:v1", "--signature-file", str(signature)]) == 0
        capsys.readouterr()
        document = _json(capsys, f"{reference}:v1")
        assert (document["type"], document["digest"]) == ("registry", str(image.digest))
        assert document["annotations"] == image.manifest.annotations
        assert document["config"]["content"] == json.loads(image.config)
        assert [entry["artifactType"] for entry in document["referrers"]] == [SIGNATURE_MEDIA_TYPE]
        pinned = _json(capsys, f"{reference}@{image.digest}")
        assert pinned["digest"] == document["digest"]
        assert f"referrer     {document['referrers'][0]['digest']}" in _text(capsys, f"{reference}:v1")
        before = len(registry.requests)
        assert main(["inspect", f"{reference}:v9"]) == 6
        assert "v9" in capsys.readouterr().err
        assert len(registry.requests) > before
