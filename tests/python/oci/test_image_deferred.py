"""Images whose signature is still to be made: what the build says of them, and what it cannot say yet."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.signing import K1, K2, M, signed
from wasm_oci.cli.main import main
from wasm_oci.errors import UsageError
from wasm_oci.oci.image import build_image
from wasm_oci.oci.image_request import ImageRequest


@pytest.fixture
def request_(tmp_path: Path) -> ImageRequest:
    component, first, second = tmp_path / "m.wasm", tmp_path / "1.public", tmp_path / "2.public"
    component.write_bytes(M)
    first.write_bytes(K1.public.openssh())
    second.write_bytes(K2.public.compact())
    return ImageRequest(component=component, package_name="m", signature_type="detached", public_keys=(first, second))


def test_detached_has_its_digest(request_: ImageRequest, tmp_path: Path) -> None:
    image = build_image(request_)
    assert image.manifest.annotations["com.wasm.component.security"] == "detached-signed"
    assert image.manifest.annotations["com.wasmsign2.key.format"] == "mixed"
    metadata = image.metadata()
    assert metadata["digest"] == str(image.digest)
    ids = sorted(key.public.key_id.hex() for key in (K1, K2))
    assert metadata["signature"] == {"type": "detached", "keyIds": ids, "keyFormat": "mixed", "deferred": True}

    signature = tmp_path / "m.sig"
    assert main(["sign", "-i", str(request_.component), "-o", str(tmp_path / "x.wasm"), "-S", str(signature), "-k", _secret(tmp_path)]) == 0
    made = build_image(replace(request_, public_keys=(), signature=signature, key_format="mixed"))
    assert made.digest == image.digest, "the digest of a detached image does not depend on when it is signed"


def _secret(folder: Path) -> str:
    path = folder / "1.secret"
    path.write_bytes(K1.compact())
    return str(path)


def test_embedded_has_none_yet(request_: ImageRequest, tmp_path: Path) -> None:
    request = replace(request_, signature_type="embedded", annotations=("com.wasm.component.security=high", "a=b"))
    image = build_image(request)
    assert image.manifest.annotations["com.wasm.component.security"] == "unsigned"
    assert image.manifest.annotations["a"] == "b"
    metadata = image.metadata()
    assert metadata["signature"]["deferred"] is True
    assert not {"reference", "digest", "size", "config", "annotations"} & metadata.keys()
    assert not {"digest", "size"} & metadata["component"].keys()
    assert str(image.digest) not in json.dumps(metadata)

    component = tmp_path / "signed.wasm"
    component.write_bytes(signed(tmp_path, M, K1))
    made = build_image(replace(request, component=component, public_keys=(), key_format="openssh"))
    assert made.manifest.annotations["com.wasm.component.security"] == "high", "what the user says of a signed component is kept"


@pytest.mark.parametrize("change", [{"signature_type": "none"}, {"signature_type": None}, {"signature": Path("x.sig")}])
def test_keys_go_with_a_signature_that_is_to_come(request_: ImageRequest, change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="without a signature file") as caught:
        build_image(replace(request_, **change))  # type: ignore[arg-type]  # the table holds values of several types
    assert caught.value.where == "public_keys"


def _arguments(request: ImageRequest, kind: str) -> list[str]:
    """What the action of a rule says, but for its outputs."""
    facts = {"schema_version": 1, "package_name": "m", "signature_type": kind}
    keys = [text for path in request.public_keys for text in ("--public-key", str(path))]
    return ["image", "--quiet", "--input", str(request.component), *keys, f"--facts={json.dumps(facts)}"]


def test_a_rules_arguments_say_it(request_: ImageRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = ["--layout", str(tmp_path / "layout"), "--metadata", str(tmp_path / "m.json")]
    assert main([*_arguments(request_, "none"), *outputs]) == 2
    assert "public_keys" in capsys.readouterr().err
    assert main([*_arguments(request_, "embedded"), *outputs]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["signature"]["deferred"] is True


@pytest.mark.parametrize("option", ["--digest", "--reference"])
def test_no_digest_is_written_before_there_is_one(
    request_: ImageRequest, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, code in (("embedded", 2), ("detached", 0)):
        assert main([*_arguments(request_, kind), "-o", str(tmp_path / kind), option, str(tmp_path / "digest")]) == code
    assert f"{option}: no digest exists before the component is signed; publish the image" in capsys.readouterr().err
    assert not (tmp_path / "embedded").exists()


def test_normalise_refuses_a_signed_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "s.wasm"
    source.write_bytes(signed(tmp_path, M, K1))
    assert main(["normalise", "-i", str(source), "-o", str(tmp_path / "n.wasm")]) == 2
    assert "holds a signature already" in capsys.readouterr().err
    assert not (tmp_path / "n.wasm").exists()
