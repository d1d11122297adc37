"""Signing: what is written, what is refused before anything is written, and that it verifies."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fakes.signing import (
    K1,
    K2,
    KEY_ID_1,
    M_PAYLOAD,
    M_SIGNED,
    M_SIGNED_TWICE,
    PARTS,
    C,
    M,
    delimiter,
    detached,
    padded,
    random_module,
    signed,
)
from fakes.wasm import MODULE, custom, section
from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError, WasmOciError
from wasm_oci.wasm import sections
from wasm_oci.wasm.sections import Kind
from wasm_oci.wasmsign.section import read_signature
from wasm_oci.wasmsign.sign import sign_file
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes
from wasm_oci.wasmsign.verify import verify_file


def sign_embedded(folder: Path, data: bytes, *, as_reference: bool = False) -> bytes:
    source, output = folder / "in.wasm", folder / "out.wasm"
    source.write_bytes(data)
    sign_file(source, output, K1, key_id=KEY_ID_1, as_reference=as_reference)
    return output.read_bytes()


def test_result(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(C)
    result = sign_file(source, output, K1, key_id=KEY_ID_1)
    assert result.digest == Digest.of(output.read_bytes())
    assert (result.size, result.kind, result.key_id) == (len(output.read_bytes()), Kind.COMPONENT, KEY_ID_1)
    assert (result.signature_count, result.added, result.dropped) == (1, True, 0)
    assert sign_file(source, output, K1, key_id=None, with_digest=False).digest is None


def test_sign_then_verify_random_files(tmp_path: Path) -> None:
    rng = random.Random(2)
    for _ in range(40):
        data = random_module(rng, rng.choice((0, 1, 2, 5, 30, 50)))
        path = tmp_path / "signed.wasm"
        path.write_bytes(signed(tmp_path, data, K1, K2))
        result = verify_file(path, [K2.public, K1.public])
        assert result.keys == (K2.public, K1.public)
        plain, signature = detached(tmp_path, data, K1)
        path.write_bytes(plain)
        assert verify_file(path, [K1.public], signature=signature).detached
        assert path.read_bytes()[8:] in signed(tmp_path, data, K1)


def test_padded_numbers_are_written_in_their_shortest_form(tmp_path: Path) -> None:
    name = padded(2, 3) + b"hi"
    data = MODULE + b"\x01" + padded(3, 5) + b"abc" + b"\0" + padded(len(name) + 1, 2) + name + b"x" + section(9, b"z" * 200)
    plain, _ = detached(tmp_path, data, K1)
    assert plain == MODULE + section(1, b"abc") + custom("hi", b"x") + section(9, b"z" * 200)


def test_pieces_of_every_size_around_the_buffers(tmp_path: Path) -> None:
    parts = [MODULE]
    for size in (1, 0xFFFF, 0x10000, 0x10001, 0x40000, 0x40001, 0x90000):
        data = bytes([size & 0xFF]) * size
        parts += [b"\x01" + padded(size, 5) + data, section(2, data), delimiter(data[:16])]
    plain, signature = detached(tmp_path, b"".join(parts), K1)
    path = tmp_path / "plain.wasm"
    path.write_bytes(plain)
    assert len(verify_file(path, [K1.public], signature=signature).module_hash) == 64
    shortest = b"".join(section(part[0], part[6:]) if part[:1] == b"\x01" else part for part in parts[1:])
    assert plain == MODULE + shortest


def test_input_and_output_may_be_one_file(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M)
    sign_file(path, path, K1, key_id=None)
    assert path.read_bytes() == M_SIGNED


@pytest.mark.parametrize("key_id", [KEY_ID_1, None])
def test_signing_again_changes_nothing(tmp_path: Path, key_id: bytes | None) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M_SIGNED_TWICE)
    result = sign_file(path, path, K1, key_id=key_id)
    assert (result.added, result.signature_count) == (False, 2)
    assert path.read_bytes() == M_SIGNED_TWICE


def test_as_the_reference_the_same_signature_twice_is_an_error(tmp_path: Path) -> None:
    once = sign_embedded(tmp_path, M, as_reference=True)
    with pytest.raises(FormatError) as caught:
        sign_embedded(tmp_path, once, as_reference=True)
    assert caught.value.reason == "duplicate"
    without_id_then_with = tmp_path / "both.wasm"
    without_id_then_with.write_bytes(sign_embedded(tmp_path, M_SIGNED, as_reference=True))
    data = read_signature(without_id_then_with)
    assert data is not None
    assert [record.key_id for record in data.records] == [b"", KEY_ID_1]


def test_changed_content_gets_a_new_set(tmp_path: Path) -> None:
    changed = signed(tmp_path, signed(tmp_path, M, K1) + section(1, b"more"), K1)
    path = tmp_path / "changed.wasm"
    path.write_bytes(changed)
    data = read_signature(path)
    assert data is not None
    assert [len(one.signatures) for one in data.sets] == [1, 1]
    assert verify_file(path, [K1.public]).key == K1.public


def test_a_signature_section_that_is_not_first_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M + custom("signature", M_PAYLOAD) + custom("signature", b"rubbish"))
    result = sign_file(path, path, K1, key_id=None)
    assert result.dropped == 2
    assert path.read_bytes() == M_SIGNED


def test_dropped_section_after_the_last_delimiter_adds_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(PARTS + custom("signature", b"rubbish"))
    assert len(sign_file(path, path, K1, key_id=None).hashes) == 2


def sets_of(count: int, algorithm: int = 1) -> bytes:
    """A signature payload of so many sets, of one signature each."""
    record = SignatureRecord(key_id=b"", signature=bytes(64), algorithm=algorithm)
    return SignatureData(sets=tuple(SignedHashes(hashes=(bytes([n]) * 32,), signatures=(record,)) for n in range(count))).encode()


REFUSED = {
    "not wasm": (b"#!/bin/sh\necho hi\n", "neither a WebAssembly module"),
    "empty": (b"", "neither a WebAssembly module"),
    "truncated": (M[:-1], "the file ends at byte"),
    "over-long section": (MODULE + b"\x01\xff\xff\xff\x7fabc", "goes on to byte"),
    "5 GiB": (MODULE + b"\x0a" + padded(5 << 30, 5), "does not fit 32 bits"),
    "65 parts": (MODULE + delimiter(b"x") * 65, "more than the 64 parts"),
    "64 parts and an open end": (MODULE + delimiter(b"x") * 64 + section(1, b""), "more than the 64 parts"),
    "malformed signature": (MODULE + custom("signature", M_PAYLOAD + b"x"), "no signature can be added"),
    "unknown version": (MODULE + custom("signature", b"\x02" + M_PAYLOAD[1:]), "no signature can be added"),
    "unknown algorithm": (MODULE + custom("signature", sets_of(1, algorithm=2)), "unknown algorithm"),
    "full": (MODULE + custom("signature", sets_of(64)), "65 sets"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    data, message = REFUSED[name]
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(data)
    output.write_bytes(b"before")
    with pytest.raises(FormatError, match=message) as caught:
        sign_file(source, output, K1, key_id=None)
    assert caught.value.where == str(source)
    assert caught.value.exit_code == 2
    assert output.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wasm", "out.wasm"]


def test_64_parts_verify(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(signed(tmp_path, MODULE + delimiter(b"x") * 64, K1))
    assert verify_file(path, [K1.public]).key == K1.public


@pytest.mark.parametrize("data", [M_SIGNED, M + custom("signature", M_PAYLOAD)], ids=["first", "last"])
def test_no_detached_signature_that_could_not_verify(tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "in.wasm"
    source.write_bytes(data)
    with pytest.raises(FormatError, match="holds a signature already"):
        sign_file(source, tmp_path / "out.wasm", K1, key_id=None, signature_file=tmp_path / "out.sig")
    assert [path.name for path in tmp_path.iterdir()] == ["in.wasm"]


def test_files_that_cannot_be(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(M)
    for arguments, message in (
        ((tmp_path / "absent.wasm", output, None), "No such file"),
        ((tmp_path, output, None), "input file"),
        ((source, tmp_path / "no" / "out.wasm", None), "cannot write the output file"),
        ((source, tmp_path, None), "the output file is a folder"),
        ((source, output, tmp_path / "no" / "out.sig"), "cannot write the signature file"),
        ((source, output, output), "also the input or output"),
        ((source, output, source), "also the input or output"),
    ):
        with pytest.raises(UsageError, match=message):
            sign_file(arguments[0], arguments[1], K1, key_id=None, signature_file=arguments[2])
        assert [path.name for path in tmp_path.iterdir()] == ["in.wasm"]


def test_an_input_that_shrinks_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (100, 0x20000):
        source = tmp_path / "in.wasm"
        source.write_bytes(MODULE + section(1, bytes(size)))
        from wasm_oci.wasmsign import content

        def scanned(source_: sections.SeekingSource, *args: object, path: Path = source, **options: object) -> list[sections.Header]:
            with path.open("r+b") as stream:
                stream.truncate(50)
            return []

        monkeypatch.setattr(content, "walk", scanned)
        with pytest.raises(UsageError, match="became shorter"):
            sign_file(source, tmp_path / "out.wasm", K1, key_id=None)
        monkeypatch.undo()
        assert [path.name for path in tmp_path.iterdir()] == ["in.wasm"]


def test_every_cut_of_a_signed_file_is_refused_or_signed_correctly(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    ends = set()
    for end in range(len(M_SIGNED)):
        source.write_bytes(M_SIGNED[:end])
        try:
            sign_file(source, output, K2, key_id=None)
        except WasmOciError:
            continue
        ends.add(end)
        assert verify_file(output, [K2.public]).key == K2.public
    assert ends == {8, len(M_SIGNED) - 19, len(M_SIGNED) - 13}


def test_a_changed_key_id_is_not_taken_for_a_signature(tmp_path: Path) -> None:
    changed = signed(tmp_path, M, K1).replace(KEY_ID_1, bytes(len(KEY_ID_1)))
    again = sign_embedded(tmp_path, changed)
    assert verify_file(tmp_path / "out.wasm", [K1.public]).key == K1.public
    assert sign_embedded(tmp_path, again) == again
