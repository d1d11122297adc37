"""Copying sections: the bytes that are written, and the hashes that are taken, are those of a model of a few lines."""

from __future__ import annotations

import random
from hashlib import sha256
from io import BytesIO

import pytest

from fakes.signing import padded
from fakes.wasm import MODULE, custom, section
from wasm_oci.errors import UsageError
from wasm_oci.limits import KIB
from wasm_oci.wasm import rewrite
from wasm_oci.wasm.rewrite import Ranges, SectionWriter
from wasm_oci.wasm.sections import PREAMBLE_SIZE, SeekingSource, walk

SIZES = (0, 1, 100, 127, 128, 70 * KIB, 300 * KIB)


def drawn(draw: random.Random) -> tuple[bytes, bytes, str]:
    """One section as it is in the file, as it is written, and what kind it is."""
    kind = draw.choices(("standard", "custom", "signature_delimiter", "signature"), (10, 10, 2, 1))[0]
    data = draw.randbytes(draw.choices(SIZES, (9, 9, 9, 9, 9, 1, 1))[0])
    if kind == "standard":
        short = section(7, data)
        long = b"\x07" + padded(len(data), 5) + data
    else:
        short = custom(kind, data)
        named = padded(len(kind), 3) + kind.encode() + data
        long = b"\0" + padded(len(named), 5) + named
    return (long if draw.random() < 0.3 else short), short, kind


def model(sections: list[tuple[bytes, bytes, str]]) -> tuple[bytes, tuple[bytes, ...]]:
    content, hashes, open_end = b"", list[bytes](), True
    for _, short, kind in sections:
        content += b"" if kind == "signature" else short
        if kind == "signature_delimiter":
            hashes.append(sha256(content).digest())
        open_end = open_end if kind == "signature" else kind != "signature_delimiter"
    return MODULE + b"".join(short for _, short, _ in sections), (*hashes, *([sha256(content).digest()] if open_end else []))


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("kept", [0, 3, 4096])
def test_random_files(monkeypatch: pytest.MonkeyPatch, every: bool, kept: int) -> None:
    monkeypatch.setattr(rewrite, "_MANY", kept)
    draw = random.Random(kept)
    for _ in range(12):
        sections = [drawn(draw) for _ in range(draw.randrange(40))]
        stream, target = BytesIO(MODULE + b"".join(long for long, _, _ in sections)), BytesIO()
        source, writer = SeekingSource(stream), SectionWriter(stream, target, "x")
        for head in walk(source, PREAMBLE_SIZE, every=every):
            writer.copy(head)
        hashes = writer.finish(source.total)
        assert (target.getvalue(), hashes) == model(sections)
        assert writer.delimiters == sum(kind == "signature_delimiter" for _, _, kind in sections)
        assert writer.rewritten == any(long != short for long, short, _ in sections)


def test_ranges_are_copied_as_often_as_is_wanted() -> None:
    content = section(1, b"x") + custom("signature", b"s") + custom("signature_delimiter", b"d") + b"\x02\x81\x00y"
    stream, ranges = BytesIO(MODULE + content), Ranges()
    for head in walk(SeekingSource(stream), PREAMBLE_SIZE, every=True):
        (ranges.skip if head.name == b"signature" else ranges.copy)(head)
    results = []
    for gap in (0, 5):
        target = BytesIO()
        writer = SectionWriter(stream, target, "x")
        writer.leave_gap(gap)
        results.append((writer.write(ranges), target.getvalue()[PREAMBLE_SIZE + gap :]))
    assert results[0] == results[1]
    assert results[0][1] == section(1, b"x") + custom("signature_delimiter", b"d") + section(2, b"y")


@pytest.mark.parametrize("size", [10, 100 * KIB])
def test_a_file_that_becomes_shorter(size: int) -> None:
    stream, target = BytesIO(MODULE + section(1, bytes(size))), BytesIO()
    source, writer = SeekingSource(stream), SectionWriter(stream, target, "x")
    (head,) = walk(source, PREAMBLE_SIZE, every=True)
    writer.copy(head)
    stream.truncate(PREAMBLE_SIZE + 5)
    with pytest.raises(UsageError, match="became shorter"):
        writer.finish(source.total)
