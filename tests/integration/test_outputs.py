"""What `bazel build` leaves: names, digests that agree, and signatures that any change breaks."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest
from peers import EXAMPLE, image_file, public_key

from wasm_oci.cli import wasmsign2
from wasm_oci.cli.main import main

SIGNED = image_file("hello_oci_signed_image", "oci.wasm")
DETACHED = image_file("hello_oci_detached_image", "oci.wasm")
SIGNATURE = image_file("hello_oci_detached_image", "signature.sig")


@pytest.mark.parametrize("image", ["unsigned", "signed", "detached"])
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
    assert reference == f"localhost:5000/wasm-examples/examples/hello-oci{'' if image == 'unsigned' else '-' + image}@{digest}"


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
    assert verify(image_file("hello_oci_openssh_signed_image", "oci.wasm"), openssh) == (0, 0)


def test_another_key_does_not_verify() -> None:
    openssh = public_key("oci_openssh_keys", "id_ed25519.pub")
    assert verify(SIGNED, openssh) == (4, 1)
    assert verify(DETACHED, openssh, SIGNATURE) == (4, 1)


def offsets(size: int, signature_end: int) -> list[int]:
    """All of the preamble and of the signature section, and 200 others."""
    rest = random.Random(3).sample(range(signature_end, size), 200)
    return [*range(signature_end), *rest, size - 1]


def test_every_flipped_byte_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(SIGNED.read_bytes())
    flipped = tmp_path / "flipped.wasm"
    for offset in offsets(len(data), 8 + 2 + data[9] + 2):
        data[offset] ^= 1 << offset % 8
        flipped.write_bytes(data)
        assert verify(flipped, public_key()) == (4, 1), f"offset {offset}"
        data[offset] ^= 1 << offset % 8
    assert "Traceback" not in capsys.readouterr().err


def test_every_flipped_byte_of_a_detached_signature_is_refused(tmp_path: Path) -> None:
    data = bytearray(SIGNATURE.read_bytes())
    flipped = tmp_path / "flipped.sig"
    for offset in range(len(data)):
        data[offset] ^= 1
        flipped.write_bytes(data)
        assert verify(DETACHED, public_key(), flipped) == (4, 1), f"offset {offset}"
        data[offset] ^= 1
