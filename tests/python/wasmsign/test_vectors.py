"""Byte for byte what the published wasmsign2 writes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fakes.signing import (
    C_SIGNED,
    EMPTY_HASH,
    EMPTY_SIGNATURE,
    K1,
    K2,
    KEY_ID_1,
    KEY_ID_2,
    M_HASH,
    M_PAYLOAD,
    M_PAYLOAD_WITH_ID,
    M_SIGNED,
    M_SIGNED_SHA256,
    M_SIGNED_TWICE,
    M_SIGNED_WITH_ID_SHA256,
    PARTS,
    PARTS_SIGNED,
    SSH_LINE_1,
    C,
    M,
    signed,
)
from fakes.wasm import MODULE
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import SecretKey
from wasm_oci.wasmsign.section import read_signature
from wasm_oci.wasmsign.sign import sign_file
from wasm_oci.wasmsign.signature import message
from wasm_oci.wasmsign.verify import verify_file


@pytest.mark.parametrize(("key", "key_id"), [(K1, KEY_ID_1), (K2, KEY_ID_2)])
def test_public_half_and_key_id(key: SecretKey, key_id: bytes) -> None:
    assert ed25519.public_of(key.seed) == key.public.raw
    assert key.public.key_id == key_id


def test_key_files() -> None:
    assert K1.compact() == b"\x81" + K1.seed + K1.public.raw
    assert K1.public.compact() == b"\x01" + K1.public.raw
    assert K1.public.openssh().decode() == SSH_LINE_1 + "\n"


def test_message() -> None:
    assert message((bytes.fromhex(M_HASH),)).hex() == "7761736d736967010101" + M_HASH


@pytest.mark.parametrize(
    ("wasm", "expected"),
    [(M, M_SIGNED), (C, C_SIGNED), (PARTS, PARTS_SIGNED)],
    ids=["module", "component", "two parts"],
)
def test_signed_without_key_id(tmp_path: Path, wasm: bytes, expected: bytes) -> None:
    assert signed(tmp_path, wasm, K1, key_id=False) == expected


def test_signed_with_key_id(tmp_path: Path) -> None:
    data = signed(tmp_path, M, K1)
    assert len(data) == 159
    assert hashlib.sha256(data).hexdigest() == M_SIGNED_WITH_ID_SHA256
    assert hashlib.sha256(M_SIGNED).hexdigest() == M_SIGNED_SHA256


def test_second_signature_joins_the_first_set(tmp_path: Path) -> None:
    assert signed(tmp_path, signed(tmp_path, M, K1, key_id=False), K2) == M_SIGNED_TWICE


@pytest.mark.parametrize(("key_id", "payload"), [(None, M_PAYLOAD), (KEY_ID_1, M_PAYLOAD_WITH_ID)])
def test_detached_signature_is_the_payload(tmp_path: Path, key_id: bytes | None, payload: bytes) -> None:
    source, output, signature = tmp_path / "m.wasm", tmp_path / "out.wasm", tmp_path / "m.sig"
    source.write_bytes(M)
    result = sign_file(source, output, K1, key_id=key_id, signature_file=signature)
    assert signature.read_bytes() == result.signature == payload
    assert output.read_bytes() == M
    assert result.module_hash == M_HASH


def test_empty_module(tmp_path: Path) -> None:
    path = tmp_path / "empty.wasm"
    path.write_bytes(signed(tmp_path, MODULE, K1, key_id=False))
    data = read_signature(path)
    assert data is not None
    assert [record.signature for record in data.records] == [EMPTY_SIGNATURE]
    assert [digest.hex() for digest in data.sets[0].hashes] == [EMPTY_HASH]
    assert verify_file(path, [K1.public]).module_hash == EMPTY_HASH


@pytest.mark.parametrize("data", [M_SIGNED, M_SIGNED_TWICE, C_SIGNED, PARTS_SIGNED])
def test_vectors_verify_and_are_encoded_again(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "signed.wasm"
    path.write_bytes(data)
    assert verify_file(path, [K1.public]).key == K1.public
    signature = read_signature(path)
    assert signature is not None
    assert signature.encode() in data
