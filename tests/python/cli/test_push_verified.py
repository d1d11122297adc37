"""`wasm_oci push`: all that goes with an image is verified before it is planned, and all that refers to it goes along."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.artifacts import CONFIG, Image, component, key, layout_of, public, signed_image
from fakes.clients import client_of
from fakes.program import NAME, Run, writes
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import SignatureError
from wasm_oci.oci.descriptor import (
    EMPTY,
    EMPTY_BLOB,
    MANIFEST_MEDIA_TYPE,
    SIGNATURE_MEDIA_TYPE,
    WASM_CONFIG_MEDIA_TYPE,
    WASM_LAYER_MEDIA_TYPE,
    Descriptor,
)
from wasm_oci.oci.layout import write_layout
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, Manifest, signature_referrer
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.signatures import KnownKey, check_signatures
from wasm_oci.registry.store import RegistryStore

SECURITY, SIGNATURE = "com.wasm.component.security", "com.wasmsign2.signature.type"
NOTE = "application/vnd.note"


def claiming(folder: Path, wasm: bytes, **annotations: str) -> Path:
    """A layout of an image whose manifest says something about its signature."""
    names = {"security": SECURITY, "signature": SIGNATURE}
    layer = Descriptor.of(wasm, WASM_LAYER_MEDIA_TYPE)
    config = Descriptor.of(CONFIG, WASM_CONFIG_MEDIA_TYPE)
    manifest = Manifest(config=config, layers=(layer,), annotations={names[name]: value for name, value in annotations.items()})
    write_layout(folder, manifest.encode(), {config.digest: CONFIG, layer.digest: wasm}, "v1")
    return folder


def note(subject: Descriptor, text: bytes) -> Manifest:
    """A manifest that refers to another one and is no signature."""
    return Manifest(config=EMPTY, layers=(Descriptor.of(text, "text/plain"),), artifact_type=NOTE, subject=subject)


def add(folder: Path, referrer: Manifest, *blobs: bytes) -> Descriptor:
    """Puts a manifest that refers to another one into a layout."""
    store = LayoutStore.open(folder)
    for data in (EMPTY_BLOB, *blobs):
        store.put_blob(Descriptor.of(data, "application/octet-stream"), lambda data=data: iter((data,)))  # type: ignore[misc]  # mypy sees no type of a default
    store.attach(referrer)
    return referrer.descriptor()


@pytest.mark.parametrize("kind", ["unsigned", "embedded", "detached"])
def test_a_signature_of_another_component_is_not_published(run: Run, tmp_path: Path, kind: str) -> None:
    other = signed_image(tmp_path / "other", text="other", detached=True)
    image = layout_of(tmp_path / "layout", component()) if kind == "unsigned" else signed_image(tmp_path, detached=kind == "detached")
    with start() as registry:
        for arguments in ([], ["--dry-run"]):
            ended = run("push", image.folder, f"{registry.host}/{NAME}:v1", "--signature-file", other.signature, *arguments)
            assert (ended.code, ended.is_one_clear_error, writes(registry)) == (4, True, [])
            assert f"{other.signature}: the signature is not of this component" in ended.err


def test_an_embedded_signature_of_another_content_is_not_published(run: Run, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "signed")
    changed = layout_of(tmp_path / "changed", image.wasm.replace(b"hello", b"jello"))
    with start() as registry:
        ended = run("push", changed.folder, f"{registry.host}/{NAME}:v1")
        assert (ended.code, writes(registry)) == (4, [])
        assert "the signature is not of this component" in ended.err


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({"security": "detached-signed"}, "promises a detached signature"),
        ({"signature": "detached"}, "promises a detached signature"),
        ({"signature": "detached", "security": "signed"}, "promises a signature"),
        ({"signature": "embedded"}, "promises an embedded signature"),
        ({"security": "signed"}, "promises a signature"),
    ],
)
def test_what_is_said_to_be_signed_and_is_not_is_refused(run: Run, tmp_path: Path, annotations: dict[str, str], words: str) -> None:
    folder = claiming(tmp_path / "layout", component(), **annotations)
    with start() as registry:
        ended = run("push", folder, f"{registry.host}/{NAME}:v1")
        assert (ended.code, ended.is_one_clear_error, writes(registry)) == (4, True, [])
        assert words in ended.err
        assert "give its signature with --signature-file" in ended.err


def test_what_is_said_to_be_signed_and_is_goes_through(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    detached, embedded = signed_image(tmp_path / "detached", detached=True), signed_image(tmp_path / "embedded")
    folder = claiming(tmp_path / "d", detached.wasm, security="detached-signed", signature="detached")
    assert run("push", folder, f"{registry.host}/{NAME}:v1", "--signature-file", detached.signature).code == 0
    folder = claiming(tmp_path / "e", embedded.wasm, security="signed", signature="embedded")
    assert run("push", folder, f"{registry.host}/{NAME}:v2").code == 0
    folder = claiming(tmp_path / "u", component(), security="unsigned")
    assert run("push", folder, f"{registry.host}/{NAME}:v3").code == 0


def test_what_refers_to_an_image_in_a_folder_goes_along(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    assert image.signature
    signature = image.signature.read_bytes()
    subject = image.manifest.descriptor()
    first = add(image.folder, signature_referrer(subject, signature), signature)
    second = add(image.folder, note(subject, b"for the image"), b"for the image")
    third = add(image.folder, note(second, b"for the note"), b"for the note")
    add(image.folder, note(Descriptor.of(b"something else", NOTE), b"strange"), b"strange")
    reference = f"{registry.host}/{NAME}:v1"
    ended = run("push", image.folder, reference, "--output", "json")
    assert (ended.code, ended.document["status"]) == (0, "published"), ended.err
    assert ended.document["destinations"][0]["signature"]["digest"] == str(first.digest)
    with client_of(registry) as client:
        store = RegistryStore(client)
        assert {entry.digest for entry in store.referrers(subject.digest)} == {first.digest, second.digest}
        assert [entry.digest for entry in store.referrers(second.digest)] == [third.digest]
        assert b"".join(store.pieces(Descriptor.of(b"for the note", "text/plain"))) == b"for the note"
    (tmp_path / "key").write_bytes(public(1).compact())
    assert run("pull", reference, "-K", "key", "-o", "pulled.wasm").code == 0
    again = run("push", image.folder, reference, "--signature-file", image.signature, "--output", "json")
    assert (again.code, again.document["status"]) == (0, "unchanged")


def test_a_signature_in_a_folder_that_is_of_another_component_is_refused(run: Run, tmp_path: Path) -> None:
    other = signed_image(tmp_path / "other", text="other", detached=True)
    assert other.signature
    image = layout_of(tmp_path / "layout", component())
    data = other.signature.read_bytes()
    add(image.folder, signature_referrer(image.manifest.descriptor(), data), data)
    with start() as registry:
        ended = run("push", image.folder, f"{registry.host}/{NAME}:v1")
        assert (ended.code, ended.is_one_clear_error, writes(registry)) == (4, True, [])


def test_a_folder_of_which_a_referrer_cannot_be_sent_is_refused(run: Run, tmp_path: Path) -> None:
    def refused(name: str, *words: str) -> None:
        with start() as registry:
            ended = run("push", tmp_path / name, f"{registry.host}/{NAME}:v1")
            assert (ended.code in (2, 4, 6), ended.is_one_clear_error, writes(registry)) == (True, True, [])
            assert all(word in ended.err for word in words), ended.err

    images = {name: layout_of(tmp_path / name, component()) for name in ("missing", "empty", "index", "entry")}
    subject = images["missing"].manifest.descriptor()
    add(images["missing"].folder, note(subject, b"gone"))
    refused("missing", f"blob {Digest.of(b'gone')} is missing")
    add(images["empty"].folder, replace(note(subject, b"x"), artifact_type=SIGNATURE_MEDIA_TYPE), b"x")
    refused("empty", "holds no signature")
    absent = Descriptor(media_type=MANIFEST_MEDIA_TYPE, digest=Digest.of(b"absent"), size=6)
    LayoutStore.open(images["index"].folder).attach(Index(subject=subject, artifact_type=NOTE, manifests=(absent,)))
    refused("index", "the index sha256:", "is a referrer, and what it names cannot be copied", str(absent.digest), "oras cp --recursive")
    path = images["entry"].folder / "index.json"
    index = json.loads(path.read_text())
    index["manifests"].append({"mediaType": "x", "size": "many"})
    path.write_text(json.dumps(index))
    refused("entry", "manifests[1]")


def test_a_damaged_component_is_found_where_something_is_written(run: Run, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    with start() as registry:
        assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
        registry.requests.clear()
        other = signed_image(tmp_path / "other", signer=2)
        (image.folder / "blobs/sha256" / image.manifest.layers[0].digest.hex).write_bytes(other.wasm)
        ended = run("push", image.folder, f"{registry.host}/{NAME}:v2")
        assert (ended.code, ended.is_one_clear_error, writes(registry)) == (4, True, [])
        assert "not checked again" in run("push", image.folder, f"{registry.host}/{NAME}:v1").out


def test_an_artifact_without_a_component_takes_no_signature(run: Run, tmp_path: Path) -> None:
    signed = signed_image(tmp_path / "signed", detached=True)
    for name, image in (
        ("none", layout_of(tmp_path / "none", b"text", media_type="text/plain")),
        ("two", layout_of(tmp_path / "two", signed.wasm, layers=2)),
    ):
        with start() as registry:
            reference = f"{registry.host}/{NAME}:{name}"
            ended = run("push", image.folder, reference, "--signature-file", signed.signature)
            assert (ended.code, writes(registry)) == (4, [])
            assert "an image with exactly one WebAssembly component" in ended.err
            assert run("push", image.folder, reference).code == 0


def artifact_of(image: Image, signature: bytes | None = None) -> list[Path]:
    if signature is None:
        return list(image.signatures)
    path = image.folder.parent / "changed.sig"
    path.write_bytes(signature)
    return [path]


@pytest.mark.parametrize("detached", [False, True])
def test_the_expected_keys_have_to_have_signed(tmp_path: Path, detached: bool) -> None:
    image = signed_image(tmp_path / "image", detached=detached)
    artifact = load_artifact(image.folder, artifact_of(image))
    one, two = (KnownKey(public=public(number), name=f"key{number}") for number in (1, 2))
    found = check_signatures(artifact)
    assert (found.verified, found.unverified, found.none) == ((), (public(1).key_id.hex(),), False)
    found = check_signatures(artifact, [one])
    assert (found.verified, found.unverified) == ((one,), ())
    for keys in ([two], [one, two]):
        with pytest.raises(SignatureError, match="it is not signed with key key2") as caught:
            check_signatures(artifact, keys)
        assert caught.value.reason == "no_trusted_key"


def test_a_flipped_byte_of_a_signature_is_found(tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    assert image.signature
    data = image.signature.read_bytes()
    artifact = load_artifact(image.folder, artifact_of(image, data[:-1] + bytes([data[-1] ^ 1])))
    with pytest.raises(SignatureError, match="is not of key mine, or was changed"):
        check_signatures(artifact, [KnownKey(public=public(1), name="mine")])
    secret = key(1)
    assert secret.public.key_id.hex() in check_signatures(artifact).unverified
