"""The outer framing: what is found where, and everything malformed refused with its byte offset."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from fakes.signing import padded, random_module
from fakes.wasm import COMPONENT, MODULE, custom, section
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm import sections
from wasm_oci.wasm.sections import PREAMBLE_SIZE, WINDOW, Kind, Section, SectionSource, SeekingSource, iter_sections, read_preamble, walk
from wasm_oci.wasm.varint import encode_u32, read_minimal_u32, read_u32
from wasm_oci.wasmsign.hashing import HashingSource


def sections_of(data: bytes) -> list[Section]:
    stream = io.BytesIO(data)
    read_preamble(stream)
    return list(iter_sections(stream))


@pytest.mark.parametrize(
    ("number", "encoded"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (16383, "ff7f"), (16384, "808001"), (2**32 - 1, "ffffffff0f")],
)
def test_numbers(number: int, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert encode_u32(number) == data
    assert read_u32(b"x" + data, 1) == read_minimal_u32(b"x" + data, 1) == (number, 1 + len(data))


@pytest.mark.parametrize("number", [-1, 2**32])
def test_numbers_that_do_not_fit(number: int) -> None:
    with pytest.raises(FormatError, match="32 bits"):
        encode_u32(number)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [("", "truncated"), ("80", "truncated"), ("ffffffff1f", "leb128_overflow"), ("808080808000", "leb128")],
)
def test_malformed_numbers(encoded: str, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_u32(bytes.fromhex(encoded), 0)
    assert caught.value.reason == reason


def test_padded_numbers_are_read_but_not_minimal() -> None:
    assert read_u32(padded(5, 5), 0) == (5, 5)
    with pytest.raises(FormatError, match="shortest"):
        read_minimal_u32(padded(5, 2), 0)


@pytest.mark.parametrize(("data", "kind"), [(MODULE, Kind.MODULE), (COMPONENT, Kind.COMPONENT)])
def test_preamble(data: bytes, kind: Kind) -> None:
    assert read_preamble(io.BytesIO(data)) is kind


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "truncated"), (MODULE[:7], "truncated"), (b"#!/bin/sh\n", "not_wasm"), (MODULE[:4] + b"\x02\0\0\0", "not_wasm")],
)
def test_not_wasm(data: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match="neither a WebAssembly module nor a component") as caught:
        read_preamble(io.BytesIO(data), where="x.wasm")
    assert (caught.value.reason, caught.value.where) == (reason, "x.wasm")


@pytest.mark.parametrize(
    ("rest", "version"), [("0c000100", "0xc of layer 1"), ("0d000000", "0xd of layer 0"), ("01000200", "0x1 of layer 2")]
)
def test_another_version_is_named(rest: str, version: str) -> None:
    """Components of tools before the present binary format, and what may come."""
    with pytest.raises(FormatError, match=f"it has version {version}; build it again with current tools"):
        read_preamble(io.BytesIO(MODULE[:4] + bytes.fromhex(rest)))


def test_places() -> None:
    data = MODULE + section(1, b"abc") + b"\0" + padded(7, 3) + padded(2, 2) + b"hi" + b"xyz"
    first, second = sections_of(data)
    assert first == Section(id=1, name=None, offset=8, header_size=2, payload_offset=10, payload_size=3, data_offset=10)
    assert second == Section(id=0, name="hi", offset=13, header_size=4, payload_offset=17, payload_size=7, data_offset=21)
    assert data[second.data_offset : second.end] == b"xyz"
    assert (second.data_size, second.end) == (3, len(data))


def test_the_stream_may_be_moved_between_sections() -> None:
    stream = io.BytesIO(MODULE + section(1, b"abc") * 3)
    read_preamble(stream)
    offsets = []
    for found in iter_sections(stream):
        offsets.append(found.offset)
        stream.seek(0)
    assert offsets == [8, 13, 18]


@pytest.mark.parametrize(
    ("rest", "reason", "message"),
    [
        (b"\x01", "truncated", "byte 9: the data ends inside a number"),
        (b"\x01\x80", "truncated", "byte 9"),
        (b"\x01\x05abcd", "truncated", "byte 8: a section goes on to byte 15, but the file ends at byte 14"),
        (b"\x01\xff\xff\xff\xff\x0f", "truncated", "goes on to byte 4294967309"),
        (b"\x01" + padded(5 << 30, 5), "leb128_overflow", "the number 5368709120 does not fit 32 bits"),
        (b"\x01\x80\x80\x80\x80\x80\x00", "leb128", "longer than 5 bytes"),
        (b"\x80\x00", "section_id", "0x80 is not a section id"),
        (b"\x00\x00", "truncated", "byte 10: the data ends inside a number"),
        (b"\x00\x02\x05ab", "truncated", "name is longer than the section"),
        (b"\x00\x03\x02\xff\xfe", "utf8", "not UTF-8"),
        (MODULE, "joined", "byte 8: another WebAssembly file begins here"),
        (MODULE + section(1, b"x") * 40, "joined", "byte 8: another WebAssembly file begins here"),
    ],
)
@pytest.mark.parametrize("before", [b"", section(1, b"x") * 40])
def test_malformed(rest: bytes, reason: str, message: str, before: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        sections_of(MODULE + before + rest)
    assert caught.value.reason == reason
    if not before:
        assert message in str(caught.value)
    stream = io.BytesIO(MODULE + before + rest)
    with pytest.raises(FormatError) as again:
        list(walk(SeekingSource(stream), PREAMBLE_SIZE, every=False))
    assert str(again.value) == str(caught.value)


def test_declared_5_gib_in_a_sparse_file_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.wasm"
    with path.open("wb") as stream:
        stream.write(MODULE + b"\x0a\xff\xff\xff\xff\x0f")
        stream.truncate(5 << 30)
    with path.open("rb") as stream, pytest.raises(LimitError, match="larger than"):
        read_preamble(stream)
        list(iter_sections(stream))


def test_limits() -> None:
    long_name = custom("n" * (LIMITS.wasm_name + 1), b"")
    with pytest.raises(LimitError, match="name is longer"):
        sections_of(MODULE + long_name)
    assert sections_of(MODULE + custom("n" * LIMITS.wasm_name, b""))[0].name == "n" * LIMITS.wasm_name


@pytest.mark.parametrize("every", [True, False])
def test_too_many_sections(every: bool) -> None:
    stream = io.BytesIO(MODULE + b"\x01\x00" * (LIMITS.wasm_sections + 1))
    with pytest.raises(LimitError, match="sections"):
        for _ in walk(SeekingSource(stream), PREAMBLE_SIZE, every=every):
            pass


def test_the_fast_way_sees_what_the_slow_way_sees() -> None:
    rng = random.Random(11)
    for _ in range(60):
        data = random_module(rng, rng.randrange(60))
        stream = io.BytesIO(data + (rng.randbytes(3) if rng.random() < 0.3 else b""))
        results = []
        for every in (True, False):
            found = []
            try:
                for head in walk(SeekingSource(stream), PREAMBLE_SIZE, every=every):
                    if head.minimal() is not None or head.name in (b"signature", b"signature_delimiter"):
                        found.append(head)
            except FormatError as err:
                results.append((found, str(err)))
            else:
                results.append((found, ""))
        assert results[0] == results[1]


def test_a_file_that_shrinks_is_an_error() -> None:
    source = SeekingSource(io.BytesIO(MODULE + section(1, b"abc")))
    source.total += 1
    with pytest.raises(FormatError, match="became shorter"):
        list(walk(source, PREAMBLE_SIZE, every=True))


@pytest.mark.parametrize("source", [SeekingSource, lambda stream: HashingSource(stream, PREAMBLE_SIZE)], ids=["seeking", "hashing"])
@pytest.mark.parametrize("name", ["é", "é" * 60, "é" * 70, "n" * 200, "signaturé"], ids=len)
def test_a_window_is_searched_once_however_many_sections_it_holds(
    name: str, source: Callable[[BinaryIO], SectionSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that need a closer look must not have the whole window searched for each of them."""
    searched = []

    class Counted(sections._Window):
        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            searched.append(len(data))

    monkeypatch.setattr(sections, "_Window", Counted)
    data = MODULE + custom(name, b"x") * 20_000
    assert list(walk(source(io.BytesIO(data)), PREAMBLE_SIZE, every=False)) == []
    assert sum(searched) < 2 * len(data) + WINDOW


@pytest.mark.parametrize("name", [b"\xe9", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"])
def test_a_name_that_is_not_utf8_among_names_that_are(name: bytes) -> None:
    broken = b"\0" + bytes([len(name) + 1, len(name)]) + name
    data = MODULE + custom("é", b"") * 300 + broken + custom("é", b"") * 300
    with pytest.raises(FormatError, match=f"byte {8 + 300 * 5}: the section's name is not UTF-8"):
        list(walk(SeekingSource(io.BytesIO(data)), PREAMBLE_SIZE, every=False))
