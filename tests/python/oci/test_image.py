"""From a component to an image: golden bytes, what must not matter, and what is refused."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import key
from fakes.wasm import COMPONENT, MODULE, TESTDATA, custom, entries, exported, section
from wasm_oci.errors import FormatError, LimitError, SignatureError, UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import TITLE_ANNOTATION
from wasm_oci.oci.image import build_image
from wasm_oci.oci.image_request import ImageRequest
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.shape import read_request
from wasm_oci.wasmsign.sign import sign_file

OCI = "org.opencontainers.image."


def _component(folder: Path) -> Path:
    path = folder / "in.wasm"
    path.write_bytes(COMPONENT + custom("description", b"from the file"))
    return path


def _request(component: Path, **change: Any) -> ImageRequest:
    return replace(ImageRequest(component=component, package_name="examples/hello", tag="v1"), **change)


def _signed(folder: Path, *, detached: bool = False) -> tuple[Path, Path]:
    output, signature = folder / "signed.wasm", folder / "signature.sig"
    secret = key(1)
    sign_file(_component(folder), output, secret, key_id=secret.public.key_id, signature_file=signature if detached else None)
    return output, signature


def test_golden_manifest_and_config(tmp_path: Path) -> None:
    path = _component(tmp_path)
    layer = hashlib.sha256(path.read_bytes()).hexdigest()
    image = build_image(_request(path, authors=("Ada", "Bob"), license="MIT", annotations=("org.opencontainers.image.source=https://x/y",)))
    config = (
        '{"created":"1970-01-01T00:00:00Z","author":null,"architecture":"wasm","os":"wasip2",'
        f'"layerDigests":["sha256:{layer}"],"component":{{"exports":[],"imports":[],"target":null}}}}'
    )
    manifest = (
        '{"annotations":{"com.wasm.component.security":"unsigned","com.wasm.component.type":"component",'
        '"org.opencontainers.image.authors":"Ada, Bob","org.opencontainers.image.description":"from the file",'
        '"org.opencontainers.image.licenses":"MIT","org.opencontainers.image.source":"https://x/y",'
        '"org.opencontainers.image.title":"hello","org.opencontainers.image.version":"v1"},'
        f'"config":{{"digest":"sha256:{hashlib.sha256(config.encode()).hexdigest()}",'
        f'"mediaType":"application/vnd.wasm.config.v0+json","size":{len(config)}}},'
        '"layers":[{"annotations":{"org.opencontainers.image.title":"hello.wasm"},'
        f'"digest":"sha256:{layer}","mediaType":"application/wasm","size":{path.stat().st_size}}}],'
        '"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}'
    )
    assert image.config.decode() == config
    assert image.manifest.encode().decode() == manifest
    assert image.digest.hex == hashlib.sha256(manifest.encode()).hexdigest()
    assert image.reference == f"localhost:5000/library/examples/hello@{image.digest}"


def test_the_layout_holds_it(tmp_path: Path) -> None:
    image = build_image(_request(TESTDATA / "hello_component.wasm"))
    image.write(tmp_path / "layout")
    layout = LayoutStore.open(tmp_path / "layout")
    fetched = layout.fetch_manifest("v1")
    assert (fetched.descriptor.digest, fetched.data) == (image.digest, image.manifest.encode())
    assert b"".join(layout.pieces(image.manifest.config)) == image.config
    assert b"".join(layout.pieces(image.manifest.layers[0])) == (TESTDATA / "hello_component.wasm").read_bytes()


def test_folder_time_and_registry_do_not_matter(tmp_path: Path) -> None:
    layouts = []
    for number, registry in enumerate(("localhost:5000", "ghcr.io", "my_entry")):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = _component(folder)
        os.utime(path, (number * 10_000, number * 10_000))
        image = build_image(_request(path, registry=registry, namespace="abc"[number]))
        image.write(folder / "layout")
        layouts.append({str(p.relative_to(folder)): p.read_bytes() for p in (folder / "layout").rglob("*") if p.is_file()})
        assert image.reference == f"{registry}/{'abc'[number]}/examples/hello@{image.digest}"
    assert layouts[0] == layouts[1] == layouts[2]


def test_name_takes_the_place_of_the_package_name(tmp_path: Path) -> None:
    request = _request(_component(tmp_path), name="other", namespace="")
    assert request.repository == "other"
    image = build_image(request)
    assert image.manifest.annotations[OCI + "title"] == "other"
    assert image.manifest.layers[0].annotations[OCI + "title"] == "other.wasm"


def test_version_beats_the_tag(tmp_path: Path) -> None:
    assert build_image(_request(_component(tmp_path), version="2.0")).manifest.annotations[OCI + "version"] == "2.0"


def test_created_is_in_the_config(tmp_path: Path) -> None:
    image = build_image(_request(_component(tmp_path), created="2026-01-02T03:04:05.123Z"))
    assert json.loads(image.config)["created"] == "2026-01-02T03:04:05.123Z"


def test_a_module(tmp_path: Path) -> None:
    (tmp_path / "m.wasm").write_bytes(MODULE)
    image = build_image(_request(tmp_path / "m.wasm"))
    config = json.loads(image.config)
    assert (config["os"], config["component"]) == ("wasip1", None)
    assert image.manifest.annotations["com.wasm.component.type"] == "module"


@pytest.mark.parametrize("key_format", ["compact", "openssh", "pem", "mixed"])
def test_the_form_of_the_key_is_said(tmp_path: Path, key_format: str) -> None:
    output, _ = _signed(tmp_path)
    image = build_image(_request(output, key_format=key_format))
    assert image.manifest.annotations["com.wasmsign2.key.format"] == key_format


@pytest.mark.parametrize("asked", ["embedded", "none", None])
def test_an_embedded_signature_counts_whatever_was_asked(tmp_path: Path, asked: str | None) -> None:
    output, _ = _signed(tmp_path)
    image = build_image(_request(output, signature_type=asked, key_format="openssh"))
    assert image.manifest.annotations["com.wasm.component.security"] == "signed"
    assert image.manifest.annotations["com.wasmsign2.signature.type"] == "embedded"
    assert image.manifest.annotations["com.wasmsign2.key.format"] == "openssh"
    assert image.metadata()["signature"] == {"type": "embedded", "keyFormat": "openssh", "keyIds": [key(1).public.key_id.hex()]}


@pytest.mark.parametrize("asked", ["detached", None])
def test_a_detached_signature(tmp_path: Path, asked: str | None) -> None:
    output, signature = _signed(tmp_path, detached=True)
    image = build_image(_request(output, signature=signature, signature_type=asked))
    assert image.manifest.annotations["com.wasm.component.security"] == "detached-signed"
    assert "com.wasmsign2.key.format" not in image.manifest.annotations
    assert len(image.manifest.layers) == 1
    data = signature.read_bytes()
    assert image.metadata()["signature"] == {
        "type": "detached",
        "keyIds": [key(1).public.key_id.hex()],
        "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "size": len(data),
    }


def test_embedded_was_asked_but_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the file has no signature; sign it first"):
        build_image(_request(_component(tmp_path), signature_type="embedded"))


def test_detached_was_asked_but_no_file_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no signature file is given"):
        build_image(_request(_component(tmp_path), signature_type="detached"))


@pytest.mark.parametrize("asked", ["embedded", "none"])
def test_a_signature_file_goes_with_detached_only(tmp_path: Path, asked: str) -> None:
    output, signature = _signed(tmp_path, detached=True)
    with pytest.raises(UsageError, match=f"cannot be combined with signature_type {asked}"):
        build_image(_request(output, signature=signature, signature_type=asked))


def test_a_signature_of_other_content(tmp_path: Path) -> None:
    output, signature = _signed(tmp_path, detached=True)
    output.write_bytes(output.read_bytes() + custom("more", b""))
    with pytest.raises(SignatureError, match="not of this content") as caught:
        build_image(_request(output, signature=signature))
    assert caught.value.reason == "content_changed"
    embedded, _ = _signed(tmp_path)
    data = embedded.read_bytes()
    embedded.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
    with pytest.raises(SignatureError, match="not of this content"):
        build_image(_request(embedded))


def test_a_malformed_signature_file(tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"\x01\x01\x01\x05")
    with pytest.raises(SignatureError, match="malformed"):
        build_image(_request(_component(tmp_path), signature=tmp_path / "junk"))
    (tmp_path / "junk").write_bytes(bytes(LIMITS.signature_section + 1))
    with pytest.raises(LimitError):
        build_image(_request(_component(tmp_path), signature=tmp_path / "junk"))


_CASES = ast.parse((TESTDATA / "package_names.bzl").read_text(encoding="utf-8")).body
PACKAGES = {ast.unparse(each.targets[0]): ast.literal_eval(each.value) for each in _CASES if isinstance(each, ast.Assign)}


@pytest.mark.parametrize(("package", "path"), PACKAGES["PACKAGE_PATHS"].items())
def test_a_wasm_package_is_where_wkg_looks_for_it(tmp_path: Path, package: str, path: str) -> None:
    request = _request(_component(tmp_path), package_name=package, namespace="")
    assert (request.repository, build_image(request).manifest.annotations[TITLE_ANNOTATION]) == (path, path.rpartition("/")[2])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"registry": "https://ghcr.io"}, "registry"),
        ({"registry": "ghcr.io/org"}, "registry"),
        ({"namespace": "My-Org"}, "namespace"),
        *(({"package_name": name}, "package_name") for name in PACKAGES["NOT_PACKAGES"]),
        ({"name": "Hello"}, "name_override"),
        ({"namespace": "a" * 200, "name": "b" * 200}, "namespace and name"),
        ({"tag": ""}, "tag"),
        ({"tag": "v1+meta"}, "tag"),
        ({"signature_type": "both"}, "signature_type"),
        ({"key_format": "der"}, "key_format"),
        ({"created": "2026-01-02T00:00:00.\u0661Z"}, "created"),
        ({"created": "2026-01-02"}, "created"),
        ({"created": "2026-13-02T00:00:00Z"}, "created"),
        ({"annotations": ("x",)}, "annotations[0]"),
        ({"description": "a\x00"}, "description"),
    ],
)
def test_refused_with_the_attribute(tmp_path: Path, change: dict[str, Any], where: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_image(_request(_component(tmp_path), **change))
    assert caught.value.where == where


def test_not_wasm(tmp_path: Path) -> None:
    (tmp_path / "x.wasm").write_bytes(b"<html>not wasm</html>")
    with pytest.raises(FormatError, match="neither a WebAssembly module nor a component"):
        build_image(_request(tmp_path / "x.wasm"))


REQUEST: dict[str, Any] = {
    "schema_version": 1,
    "component": "a/b.wasm",
    "signature": None,
    "package_name": "hello",
    "name": "",
    "version": "",
    "registry": "localhost:5000",
    "namespace": "library",
    "tag": "latest",
    "description": "d",
    "authors": ["A"],
    "license": "MIT",
    "annotations": ["k=v"],
    "signature_type": "none",
    "key_format": "none",
}


def read(folder: Path, document: dict[str, Any]) -> ImageRequest:
    (folder / "r").write_text(json.dumps(document))
    return read_request(folder / "r", ImageRequest)


def test_a_rules_request(tmp_path: Path) -> None:
    assert read(tmp_path, REQUEST) == ImageRequest(
        component=Path("a/b.wasm"),
        package_name="hello",
        description="d",
        authors=("A",),
        license="MIT",
        annotations=("k=v",),
        signature_type="none",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "r: unsupported schema_version 2: this program reads 1; build the target again"),
        ({"component": ""}, "r: component: expected a path, not ''; build the target again"),
        ({"component": None}, "r: component: expected a path, not null"),
        ({"signature": 1}, "r: signature: expected a path, not 1"),
        ({"authors": "A"}, "r: authors: expected a list, not 'A'"),
        ({"annotations": [1]}, "r: annotations[0]: expected text, not 1"),
        ({"tag": None}, "r: tag: expected text, not null"),
        ({"colour": "red"}, "r: colour: unknown member 'colour' (the members are package_name, "),
        ({"lisence": "MIT"}, "r: lisence: unknown member 'lisence' (did you mean license?); build the target again"),
    ],
)
def test_a_request_that_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read(tmp_path, {**REQUEST, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("member", ["component", "package_name"])
def test_a_request_without_what_is_needed(member: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=rf"r: {member}: the member is missing; build the target again"):
        read(tmp_path, {name: value for name, value in REQUEST.items() if name != member})


def test_without_a_registry_the_reference_has_no_host(tmp_path: Path) -> None:
    image = build_image(_request(_component(tmp_path), registry=""))
    assert image.reference == f"{image.request.repository}@{image.digest}"


def test_a_config_that_no_reader_takes(tmp_path: Path) -> None:
    path = tmp_path / "in.wasm"
    items = [exported('"' * 60_000)] * (LIMITS.config_blob // 120_000 + 1)
    path.write_bytes(COMPONENT + section(11, entries(*items)))
    with pytest.raises(LimitError, match="the config would have"):
        build_image(_request(path))
