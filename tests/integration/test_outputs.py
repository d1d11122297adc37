"""What `bazel build` leaves: names, digests that agree, and signatures that any change breaks."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from pathlib import Path

import pytest
from peers import EXAMPLE, image_file, public_key

from wasm_oci.cli.main import main
from wasm_oci.wasmsign2 import program as wasmsign2

SIGNED = image_file("hello_oci_signed_image", "oci.wasm")
DETACHED = image_file("hello_oci_detached_image", "oci.wasm")
OPENSSH_SIGNED = image_file("hello_oci_openssh_signed_image", "oci.wasm")
MODULE = b"\0asm\x01\0\0\0"
SIGNATURE = image_file("hello_oci_detached_image", "signature.sig")


IMAGE_ROLES = ["oci.wasm", "metadata.json", "digest.txt", "reference.txt"]


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("hello_oci_unsigned_image", IMAGE_ROLES),
        ("hello_oci_signed_image", IMAGE_ROLES),
        ("hello_oci_openssh_signed_image", IMAGE_ROLES),
        ("hello_oci_described_image", IMAGE_ROLES),
        ("hello_oci_detached_image", [*IMAGE_ROLES, "signature.sig"]),
    ],
)
def test_default_outputs_of_an_image(target: str, names: list[str]) -> None:
    """Names of files below bazel-bin are part of the API."""
    found = os.environ[f"OUTPUTS_{target}"].split()
    assert sorted(found) == sorted(f"{EXAMPLE}/{target}_{name}" for name in names)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("hello_oci_signed_image.digest", "hello_oci_signed_image_digest.txt"),
        ("hello_oci_signed_image.layout", "hello_oci_signed_image_layout"),
        ("outputs_of_oci_signing_keys", "oci_signing_keys/key.public"),
        ("outputs_of_oci_openssh_keys", "oci_openssh_keys/id_ed25519.pub"),
    ],
)
def test_companions_and_keys_have_one_output(target: str, path: str) -> None:
    assert os.environ[f"OUTPUTS_{target.replace('.', '_')}"].split() == [f"{EXAMPLE}/{path}"]


@pytest.mark.parametrize("path", ["oci_signing_keys/key.secret", "oci_openssh_keys/id_ed25519"])
def test_a_secret_key_is_its_owners(path: str) -> None:
    assert (EXAMPLE / path).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("image", ["unsigned", "signed", "described", "detached", "openssh_signed"])
def test_digest_file_layout_metadata_and_reference_agree(image: str) -> None:
    name = f"hello_oci_{image}_image"
    digest = image_file(name, "digest.txt").read_text().strip()
    layout = EXAMPLE / f"{name}_layout"
    index = json.loads((layout / "index.json").read_text())
    assert [entry["digest"] for entry in index["manifests"]] == [digest]
    manifest = (layout / "blobs" / digest.replace(":", "/")).read_bytes()
    assert "sha256:" + hashlib.sha256(manifest).hexdigest() == digest
    document = json.loads(manifest)
    wasm = image_file(name, "oci.wasm").read_bytes()
    assert [layer["digest"] for layer in document["layers"]] == ["sha256:" + hashlib.sha256(wasm).hexdigest()]
    assert json.loads(image_file(name, "metadata.json").read_text())["digest"] == digest
    reference = image_file(name, "reference.txt").read_text().strip()
    repository = "hello-oci" + ("" if image == "unsigned" else "-" + image.replace("_", "-"))
    assert reference == f"localhost:5000/wasm-examples/examples/{repository}@{digest}"


def test_a_description_is_in_the_annotations_of_the_image() -> None:
    mapping = json.loads((EXAMPLE / "hello_description_oci_mapping.json").read_text())
    annotations = json.loads(image_file("hello_oci_described_image", "metadata.json").read_text())["annotations"]
    assert annotations == mapping["annotations"]
    assert annotations["com.wasm.compliance.SOC2"] == "declared"
    assert annotations["com.wasm.component.security"] == "signed"
    component = image_file("hello_oci_described_image", "oci.wasm").read_bytes()
    assert mapping["component"]["digest"] == "sha256:" + hashlib.sha256(component).hexdigest()


def test_a_deployment_has_the_reference_of_an_entry_of_the_configuration() -> None:
    digest = image_file("publish_complete_workflow_image", "digest.txt").read_text().strip()
    repository = "localhost:5000/wasm-examples/examples/hello-complete"
    assert image_file("publish_complete_workflow_image", "reference.txt").read_text() == f"{repository}@{digest}\n"
    deployment, flux = (EXAMPLE / "deployment.yaml").read_text().split("---\n")
    assert f"image: {repository}@{digest}\n" in deployment
    assert f"url: oci://{repository}\n  ref:\n    digest: {digest}\n" in flux


def test_an_unsigned_image_holds_the_component_as_it_was_built() -> None:
    assert image_file("hello_oci_unsigned_image", "oci.wasm").read_bytes() == (EXAMPLE / "hello.wasm").read_bytes()


@pytest.mark.parametrize(
    ("image", "annotations"),
    [
        ("unsigned", {"com.wasm.component.security": "unsigned"}),
        (
            "signed",
            {
                "com.wasm.component.security": "signed",
                "com.wasmsign2.signature.type": "embedded",
                "com.wasmsign2.key.format": "compact",
            },
        ),
        (
            "openssh_signed",
            {
                "com.wasm.component.security": "signed",
                "com.wasmsign2.signature.type": "embedded",
                "com.wasmsign2.key.format": "openssh",
            },
        ),
        (
            "detached",
            {
                "com.wasm.component.security": "detached-signed",
                "com.wasmsign2.signature.type": "detached",
                "com.wasmsign2.key.format": "compact",
            },
        ),
    ],
)
def test_annotations(image: str, annotations: dict[str, str]) -> None:
    found = json.loads(image_file(f"hello_oci_{image}_image", "metadata.json").read_text())["annotations"]
    standard = {"description", "source", "version", "authors", "licenses", "title"}
    assert {f"org.opencontainers.image.{name}" for name in standard} <= found.keys()
    assert found["com.wasm.component.type"] == "command"
    assert {key: value for key, value in found.items() if key.startswith(("com.wasmsign2.", "com.wasm.component.security"))} == annotations


def verify(wasm: Path, key: Path, signature: Path | None = None) -> tuple[int, int]:
    """Exit codes of `wasm_oci verify` and of the drop-in."""
    detached = ["-S", str(signature)] if signature else []
    openssh = ["-Z"] if key.suffix == ".pub" else []
    ours = main(["verify", "-i", str(wasm), "-K", str(key), *detached])
    return ours, wasmsign2.main(["verify", "-i", str(wasm), "-K", str(key), *detached, *openssh])


def test_signed_images_verify() -> None:
    assert verify(SIGNED, public_key()) == (0, 0)
    assert verify(DETACHED, public_key(), SIGNATURE) == (0, 0)
    openssh = public_key("oci_openssh_keys", "id_ed25519.pub")
    assert verify(OPENSSH_SIGNED, openssh) == (0, 0)


def test_another_key_does_not_verify() -> None:
    openssh = public_key("oci_openssh_keys", "id_ed25519.pub")
    assert verify(SIGNED, openssh) == (4, 1)
    assert verify(OPENSSH_SIGNED, public_key()) == (4, 1)
    assert verify(DETACHED, openssh, SIGNATURE) == (4, 1)


def offsets(size: int, signature_end: int) -> list[int]:
    """All of the preamble and of the signature section, and 200 others."""
    rest = random.Random(3).sample(range(signature_end, size), 200)
    return [*range(signature_end), *rest, size - 1]


@pytest.mark.parametrize(
    ("wasm", "key"),
    [(SIGNED, public_key()), (OPENSSH_SIGNED, public_key("oci_openssh_keys", "id_ed25519.pub"))],
    ids=["compact", "openssh"],
)
def test_every_flipped_byte_is_refused(wasm: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(wasm.read_bytes())
    flipped = tmp_path / "flipped.wasm"
    for offset in offsets(len(data), 8 + 3 + (data[9] & 0x7F | data[10] << 7)):
        data[offset] ^= 1 << offset % 8
        flipped.write_bytes(data)
        assert verify(flipped, key) == (4, 1), f"offset {offset}"
        data[offset] ^= 1 << offset % 8
    assert "Traceback" not in capsys.readouterr().err


def test_every_flipped_byte_below_a_detached_signature_is_refused(tmp_path: Path) -> None:
    data = bytearray(DETACHED.read_bytes())
    flipped = tmp_path / "flipped.wasm"
    for offset in offsets(len(data), 64):
        data[offset] ^= 0x80
        flipped.write_bytes(data)
        assert verify(flipped, public_key(), SIGNATURE) == (4, 1), f"offset {offset}"
        data[offset] ^= 0x80


def test_another_preamble_is_refused_by_the_pinned_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A signature does not cover the preamble: written as a module's, it verifies; what was pinned does not hold it."""
    data = SIGNED.read_bytes()
    as_module = MODULE + data[len(MODULE) :]
    forged = tmp_path / "forged.wasm"
    forged.write_bytes(as_module)
    assert verify(forged, public_key()) == (0, 0)
    layout = tmp_path / "layout"
    shutil.copytree(EXAMPLE / "hello_oci_signed_image_layout", layout)
    layer = layout / "blobs" / "sha256" / hashlib.sha256(data).hexdigest()
    layer.chmod(0o600)
    layer.write_bytes(as_module)
    output = tmp_path / "pulled.wasm"
    capsys.readouterr()
    digest = image_file("hello_oci_signed_image", "digest.txt").read_text().strip()
    assert main(["pull", f"{layout}@{digest}", "-o", str(output), "-K", str(public_key())]) == 4
    assert "sha256:" + hashlib.sha256(as_module).hexdigest() in capsys.readouterr().err
    assert not output.exists()


def test_every_flipped_byte_of_a_detached_signature_is_refused(tmp_path: Path) -> None:
    data = bytearray(SIGNATURE.read_bytes())
    flipped = tmp_path / "flipped.sig"
    for offset in range(len(data)):
        data[offset] ^= 1
        flipped.write_bytes(data)
        assert verify(DETACHED, public_key(), flipped) == (4, 1), f"offset {offset}"
        data[offset] ^= 1
