"""Manifests and indexes: golden bytes, other producers' forms, and refusals."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, WASM_CONFIG_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Index, Manifest, signature_referrer

HEX_A, HEX_B = "aa" * 32, "bb" * 32

GOLDEN = (
    '{"annotations":{"a.key":"1","org.opencontainers.image.description":"Grüße \\"q\\" <&>"},'
    f'"config":{{"digest":"sha256:{HEX_A}","mediaType":"application/vnd.wasm.config.v0+json","size":12}},'
    '"layers":[{"annotations":{"org.opencontainers.image.title":"hello.wasm"},'
    f'"digest":"sha256:{HEX_B}","mediaType":"application/wasm","size":34}}],'
    '"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}'
)


def _manifest() -> Manifest:
    return Manifest(
        config=Descriptor(media_type=WASM_CONFIG_MEDIA_TYPE, digest=Digest(f"sha256:{HEX_A}"), size=12),
        layers=(
            Descriptor(
                media_type=WASM_LAYER_MEDIA_TYPE,
                digest=Digest(f"sha256:{HEX_B}"),
                size=34,
                annotations={"org.opencontainers.image.title": "hello.wasm"},
            ),
        ),
        annotations={"org.opencontainers.image.description": 'Grüße "q" <&>', "a.key": "1"},
    )


def test_golden_bytes_and_digest() -> None:
    assert _manifest().encode().decode() == GOLDEN
    described = _manifest().descriptor()
    assert described.digest.hex == hashlib.sha256(GOLDEN.encode()).hexdigest()
    assert (described.size, described.media_type) == (len(GOLDEN.encode()), MANIFEST_MEDIA_TYPE)


def test_annotations_only_where_there_are_any() -> None:
    assert b"annotations" not in Manifest(config=_manifest().config, layers=()).encode()


def test_the_order_of_annotations_does_not_matter() -> None:
    reverse = replace(_manifest(), annotations=dict(reversed(list(_manifest().annotations.items()))))
    assert reverse.encode() == _manifest().encode()


def test_what_is_encoded_is_parsed_to_the_same() -> None:
    assert Manifest.parse(_manifest().encode(), where="m") == _manifest()


def test_other_key_order_is_read_and_keeps_its_own_digest() -> None:
    document = json.loads(GOLDEN)
    generator = random.Random(1)
    for _ in range(20):
        items = list(document.items())
        generator.shuffle(items)
        data = json.dumps(dict(items), indent=generator.choice((None, 1, 4))).encode()
        parsed = Manifest.parse(data, where="m")
        assert parsed == _manifest()
        assert parsed.raw == data
        assert parsed.descriptor() == Descriptor.of(data, MANIFEST_MEDIA_TYPE)


def test_a_changed_copy_of_a_parsed_manifest_forgets_the_old_bytes() -> None:
    data = json.dumps(json.loads(GOLDEN), indent=2).encode()
    changed = replace(Manifest.parse(data, where="m"), annotations={})
    assert changed.raw == changed.encode() != data


def _with(**change: Any) -> bytes:
    return json.dumps({**json.loads(GOLDEN), **change}).encode()


CONFIG = json.loads(GOLDEN)["config"]


def test_media_type_may_be_absent() -> None:
    document = json.loads(GOLDEN)
    del document["mediaType"]
    assert Manifest.parse(json.dumps(document).encode(), where="m") == _manifest()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "m: not valid JSON"),
        (b"<html>", "m: not valid JSON"),
        (b"\xff\xfe", "m: not valid JSON"),
        (b"[]", "m: expected a JSON object"),
        (b'{"schemaVersion":2,"schemaVersion":2}', "the same key twice"),
        (b'{"a":"\\ud800"}', "m: not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (_with(layers=None), "m.layers: must be a list, but is null"),
        (_with(schemaVersion=1), "m: schemaVersion must be 2, but is 1"),
        (_with(schemaVersion="2"), "m.schemaVersion: must be a whole number"),
        (_with(schemaVersion=True), "m.schemaVersion: must be a whole number"),
        (_with(mediaType="application/vnd.docker.distribution.manifest.v2+json"), "m: mediaType must be"),
        (_with(mediaType=3), "m.mediaType: must be a string"),
        (_with(manifests=[]), "m: manifests makes it ambiguous"),
        (_with(config=None), "m: config: must be an object"),
        (_with(config={**CONFIG, "size": -5}), "m: config.size: must not be negative"),
        (_with(layers=None), "m.layers: must be a list"),
        (_with(layers={}), "m.layers: must be a list"),
        (_with(layers=[CONFIG, {**CONFIG, "digest": "md5:1"}]), "m: layers[1].digest: 'md5:1' is not a digest"),
        (_with(annotations={"a": ["b"]}), "m.annotations: the value of 'a' must be a string"),
        (_with(subject="x"), "m.subject: must be an object"),
        (_with(subject={**CONFIG, "mediaType": ""}), "m: subject.mediaType"),
        (_with(config={**CONFIG, "mediaType": "application/vnd.oci.empty.v1+json"}), "artifactType is required"),
    ],
)
def test_refused_with_the_path(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        Manifest.parse(data, where="m")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b" " * (LIMITS.manifest + 1),
        _with(layers=[CONFIG] * (LIMITS.descriptors + 1)),
        _with(annotations={str(n): "" for n in range(LIMITS.annotations + 1)}),
    ],
)
def test_limits(data: bytes) -> None:
    with pytest.raises(LimitError):
        Manifest.parse(data, where="m")


def test_signature_referrer_golden_bytes() -> None:
    subject = Descriptor(
        media_type=MANIFEST_MEDIA_TYPE, digest=Digest(f"sha256:{HEX_A}"), size=7, annotations={"org.opencontainers.image.ref.name": "v1"}
    )
    signature_hex = hashlib.sha256(b"signature").hexdigest()
    empty_hex = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert signature_referrer(subject, b"signature").encode().decode() == (
        '{"artifactType":"application/vnd.wasmsign2.signature.v1",'
        f'"config":{{"digest":"sha256:{empty_hex}","mediaType":"application/vnd.oci.empty.v1+json","size":2}},'
        f'"layers":[{{"digest":"sha256:{signature_hex}","mediaType":"application/vnd.wasmsign2.signature.v1","size":9}}],'
        '"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2,'
        f'"subject":{{"digest":"sha256:{HEX_A}","mediaType":"application/vnd.oci.image.manifest.v1+json","size":7}}}}'
    )


def test_index_round_trip() -> None:
    entry = Descriptor.of(b"m", MANIFEST_MEDIA_TYPE)
    index = Index(manifests=(entry, replace(entry, annotations={"a": "b"}, artifact_type="a/b")), annotations={"x": "y"})
    parsed = Index.parse(index.encode(), where="i")
    assert parsed == index
    assert parsed.raw == index.encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"schemaVersion":2}', "i.manifests: must be a list"),
        (b'{"schemaVersion":2,"manifests":[1]}', "i: manifests[0]: must be an object"),
        (GOLDEN.encode(), "i: mediaType must be application/vnd.oci.image.index.v1+json"),
        (b'{"schemaVersion":2,"manifests":[],"layers":[]}', "i: layers makes it ambiguous"),
        (b'{"schemaVersion":2,"manifests":[],"config":{}}', "i: config makes it ambiguous"),
    ],
)
def test_index_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        Index.parse(data, where="i")
    assert message in str(caught.value)
