"""Detaching and attaching: the same bytes back, and nothing that could not fit."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.signing import (
    C_SIGNED,
    K1,
    M_PAYLOAD,
    M_SIGNED,
    M_SIGNED_TWICE,
    PARTS,
    PARTS_SIGNED,
    C,
    M,
    delimiter,
    detached,
    padded,
    random_module,
    signed,
)
from fakes.wasm import MODULE, custom, section
from wasm_oci.errors import FormatError, LimitError, UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign.detach import attach_file, detach_file
from wasm_oci.wasmsign.verify import verify_file


@pytest.fixture
def detach(tmp_path: Path) -> Callable[..., tuple[bytes, bytes]]:
    def run(data: bytes) -> tuple[bytes, bytes]:
        source, output, signature = (tmp_path / name for name in ("in.wasm", "out.wasm", "out.sig"))
        source.write_bytes(data)
        detach_file(source, output, signature)
        return output.read_bytes(), signature.read_bytes()

    return run


@pytest.fixture
def attach(tmp_path: Path) -> Callable[..., bytes]:
    def run(data: bytes, payload: bytes) -> bytes:
        source, output, signature = (tmp_path / name for name in ("in.wasm", "attached.wasm", "in.sig"))
        source.write_bytes(data)
        signature.write_bytes(payload)
        attach_file(source, output, signature)
        return output.read_bytes()

    return run


Detach = Callable[..., tuple[bytes, bytes]]
Attach = Callable[..., bytes]


@pytest.mark.parametrize(
    ("data", "plain"),
    [(M_SIGNED, M), (M_SIGNED_TWICE, M), (C_SIGNED, C), (PARTS_SIGNED, PARTS)],
    ids=["module", "twice", "component", "parts"],
)
def test_out_and_in_again(detach: Detach, attach: Attach, tmp_path: Path, data: bytes, plain: bytes) -> None:
    output, payload = detach(data)
    assert output == plain
    assert data.endswith(payload + plain[8:])
    (tmp_path / "out.wasm").write_bytes(output)
    assert verify_file(tmp_path / "out.wasm", [K1.public], signature=payload).detached
    assert attach(output, payload) == data


def test_random_files_come_back(detach: Detach, attach: Attach, tmp_path: Path) -> None:
    rng = random.Random(4)
    for _ in range(40):
        data = random_module(rng, rng.randrange(20))
        embedded, (plain, payload) = signed(tmp_path, data, K1), detached(tmp_path, data, K1)
        assert detach(embedded) == (plain, payload)
        assert attach(plain, payload) == embedded
        assert attach(data, payload) == embedded


def test_in_place(tmp_path: Path) -> None:
    path, signature = tmp_path / "m.wasm", tmp_path / "m.sig"
    path.write_bytes(M_SIGNED)
    detach_file(path, path, signature)
    assert (path.read_bytes(), signature.read_bytes()) == (M, M_PAYLOAD)
    attach_file(path, path, signature)
    assert path.read_bytes() == M_SIGNED


def test_numbers_are_written_short(detach: Detach, attach: Attach) -> None:
    name = b"\x09signature"
    odd = MODULE + b"\0" + padded(len(name + M_PAYLOAD), 5) + name + M_PAYLOAD + b"\x01" + padded(4, 3) + M[10:]
    assert detach(odd) == (M, M_PAYLOAD)
    assert attach(MODULE + b"\x01" + padded(4, 3) + M[10:], M_PAYLOAD) == M_SIGNED


DETACH_REFUSED = {
    "not signed": (M, "unsigned"),
    "empty module": (MODULE, "unsigned"),
    "signature not first": (M + custom("signature", M_PAYLOAD), "unsigned"),
    "second signature": (M_SIGNED + custom("signature", M_PAYLOAD), "malformed_signature"),
    "unreadable signature": (MODULE + custom("signature", b"\x01\x01\x01") + M[8:], "malformed_signature"),
    "left-over byte": (MODULE + custom("signature", M_PAYLOAD + b"x") + M[8:], "malformed_signature"),
    "other version": (MODULE + custom("signature", b"\x02" + M_PAYLOAD[1:]) + M[8:], "unsupported_version"),
    "too large": (MODULE + custom("signature", bytes(LIMITS.signature_section + 1)), "malformed_signature"),
    "cut off": (M_SIGNED[:-1], "truncated"),
    "not wasm": (b"no wasm at all", "not_wasm"),
}


@pytest.mark.parametrize("name", DETACH_REFUSED)
def test_what_cannot_be_detached(detach: Detach, tmp_path: Path, name: str) -> None:
    data, reason = DETACH_REFUSED[name]
    with pytest.raises(FormatError) as caught:
        detach(data)
    assert (caught.value.reason, caught.value.where) == (reason, str(tmp_path / "in.wasm"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.wasm"]


OTHER_PART = PARTS.replace(b"\x03foo", b"\x03bar")
ATTACH_REFUSED = {
    "signed already": (M_SIGNED, M_PAYLOAD, "signed"),
    "a signature elsewhere": (M + custom("signature", b""), M_PAYLOAD, "signed"),
    "of another file": (M + section(1, b"more"), M_PAYLOAD, "unfit"),
    "of other parts": (MODULE + section(1, b"") + PARTS[8:], PARTS_SIGNED[21 : 8 - len(PARTS)], "unfit"),
    "of a file with more parts": (M + delimiter(bytes(16)) + section(1, b""), M_PAYLOAD, "unfit"),
    "empty signature": (M, b"", "malformed_signature"),
    "left-over byte": (M, M_PAYLOAD + b"x", "malformed_signature"),
    "other version": (M, b"\x03" + M_PAYLOAD[1:], "unsupported_version"),
    "cut off": (M[:-1], M_PAYLOAD, "truncated"),
    "not wasm": (b"no wasm at all", M_PAYLOAD, "not_wasm"),
}


@pytest.mark.parametrize("name", ATTACH_REFUSED)
def test_what_cannot_be_attached(attach: Attach, tmp_path: Path, name: str) -> None:
    data, payload, reason = ATTACH_REFUSED[name]
    with pytest.raises(FormatError) as caught:
        attach(data, payload)
    assert caught.value.reason == reason
    assert not (tmp_path / "attached.wasm").exists()


def test_one_part_as_it_was_signed_is_enough(attach: Attach, detach: Detach) -> None:
    _, payload = detach(PARTS_SIGNED)
    assert attach(OTHER_PART, payload)[8:].endswith(OTHER_PART[8:])
    with pytest.raises(FormatError, match="not of this file"):
        attach(OTHER_PART.replace(b"\x01\x60", b"\x02\x60"), payload)


@pytest.mark.parametrize("action", [detach_file, attach_file])
def test_files_that_cannot_be_used(tmp_path: Path, action: Callable[[Path, Path, Path], None]) -> None:
    source, other = tmp_path / "in.wasm", tmp_path / "other"
    source.write_bytes(M_SIGNED)
    for output, signature in ((other, source), (other, other), (source, source)):
        with pytest.raises(UsageError, match="also the input or output"):
            action(source, output, signature)
    with pytest.raises(UsageError, match="cannot"):
        action(tmp_path / "absent", tmp_path / "out", other)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wasm"]


def test_a_signature_file_beyond_the_limit(attach: Attach) -> None:
    with pytest.raises(LimitError, match="larger than"):
        attach(M, bytes(LIMITS.signature_section + 1))
