"""Splitting: where delimiters go, what their bytes are, and what is refused."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from fakes.signing import K1, PARTS, C, M, delimiter, padded, random_module, signed
from fakes.wasm import MODULE, custom, section
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.limits import MIB
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.split import SplitResult, split_file
from wasm_oci.wasmsign.verify import verify_file

TYPE, NAME, OTHER = section(1, b"\x01\x60\0\0"), custom("name", b"foo"), custom("producers", b"p")
D = delimiter(b"d" * 16)
KEPT = delimiter(b"kept")


def fixed(number: int) -> bytes:
    return b"d" * 16


def split(folder: Path, data: bytes, expression: str | None, *, derived: bool = False) -> bytes:
    path, output = folder / "in.wasm", folder / "out.wasm"
    path.write_bytes(data)
    pattern = None if expression is None else SectionPattern(expression)
    split_file(path, output, pattern, delimiter=None if derived else fixed)
    assert path.read_bytes() == data
    return output.read_bytes()


CUTS = {
    "empty": (b"", "name", b""),
    "all of one part": (TYPE + NAME + OTHER, None, TYPE + NAME + OTHER + D),
    "a custom section that does not match": (TYPE + NAME + OTHER, "name", TYPE + NAME + D + OTHER + D),
    "between": (TYPE + NAME + TYPE, "nothing", TYPE + D + NAME + D + TYPE + D),
    "first not matching": (NAME + TYPE, "nothing", NAME + D + TYPE + D),
    "only what does not match": (NAME + OTHER, "nothing", NAME + OTHER + D),
    "delimiters that are there": (TYPE + KEPT + NAME + KEPT, "nothing", TYPE + KEPT + NAME + KEPT),
    "some of them": (TYPE + KEPT + NAME, "nothing", TYPE + KEPT + NAME + D),
    "delimiters elsewhere": (TYPE + KEPT + TYPE + NAME, "nothing", TYPE + KEPT + TYPE + D + NAME + D),
    "a delimiter first": (KEPT + NAME, "nothing", KEPT + NAME + D),
    "a delimiter first, then what matches": (KEPT + TYPE + NAME, "nothing", KEPT + TYPE + D + NAME + D),
    "only a delimiter": (KEPT, None, KEPT),
    "padded numbers": (b"\x01" + padded(3, 5) + b"abc" + NAME, "name", section(1, b"abc") + NAME + D),
    "odd names": (custom("", b"") + custom("\u00fc", b""), "^$", custom("", b"") + D + custom("\u00fc", b"") + D),
}


@pytest.mark.parametrize("name", CUTS)
def test_where_delimiters_go(tmp_path: Path, name: str) -> None:
    content, expression, expected = CUTS[name]
    for preamble in (MODULE, C[:8]):
        assert split(tmp_path, preamble + content, expression) == preamble + expected
        assert split(tmp_path, preamble + expected, expression) == preamble + expected


def test_the_vector_of_the_published_program(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M)
    result = split_file(
        path, path, SectionPattern("nothing"), delimiter=lambda number: bytes(range(0x10 + 0x10 * number, 0x20 + 0x10 * number))
    )
    assert (path.read_bytes(), result) == (PARTS, SplitResult(parts=2, added=(1, 3), signature_sections=0))


def test_bytes_that_follow_from_the_content(tmp_path: Path) -> None:
    def derived(number: int, before: bytes) -> bytes:
        text = b"signature_delimiter" + bytes((0, 0, 0, number)) + hashlib.sha256(before).digest()
        return delimiter(hashlib.sha256(text).digest()[:16])

    first = TYPE + derived(0, TYPE)
    second = first + NAME + derived(1, first + NAME)
    assert split(tmp_path, MODULE + TYPE + NAME, "nothing", derived=True) == MODULE + second
    assert split(tmp_path, MODULE + first + NAME, "nothing", derived=True) == MODULE + second
    assert split(tmp_path, C[:8] + TYPE + NAME, "nothing", derived=True)[8:] == second
    assert split(tmp_path, MODULE + section(1, b"other") + NAME, "nothing", derived=True)[-16:] != second[-16:]


def test_split_anywhere_then_signed_verifies_in_whole_and_in_part(tmp_path: Path) -> None:
    rng = random.Random(8)
    for _ in range(40):
        data = split(tmp_path, random_module(rng, rng.randrange(1, 20)) + TYPE, "^name$|^$", derived=True)
        path = tmp_path / "signed.wasm"
        path.write_bytes(signed(tmp_path, data, K1))
        assert verify_file(path, [K1.public]).skipped_parts == 0
        assert verify_file(path, [K1.public], pattern=SectionPattern("^name$|^$")).keys == (K1.public,)


@pytest.mark.parametrize(("content", "expression"), [(TYPE + NAME, "nothing"), (TYPE, None), (TYPE + D, None)])
def test_a_signed_file_is_split_only_where_nothing_changes(tmp_path: Path, content: bytes, expression: str | None) -> None:
    data = signed(tmp_path, MODULE + content, K1)
    if content.endswith(D):
        assert split(tmp_path, data, expression) == data
        data = data.replace(TYPE, b"\x01" + padded(4, 2) + TYPE[2:])
    path, output = tmp_path / "signed.wasm", tmp_path / "new.wasm"
    path.write_bytes(data)
    with pytest.raises(FormatError, match="would not fit") as caught:
        split_file(path, output, None if expression is None else SectionPattern(expression))
    assert caught.value.reason == "would_not_fit"
    assert not output.exists()


def test_no_more_parts_than_can_be_read_back(tmp_path: Path) -> None:
    assert split(tmp_path, MODULE + (TYPE + NAME) * 32, "nothing").count(D) == 64
    path, output = tmp_path / "in.wasm", tmp_path / "new.wasm"
    path.write_bytes(MODULE + (TYPE + NAME) * 32 + TYPE)
    with pytest.raises(FormatError, match="would have 65 parts") as caught:
        split_file(path, output, SectionPattern("nothing"))
    assert caught.value.reason == "too_many_hashes"
    assert not output.exists()


@pytest.mark.parametrize("data", [b"", b"no wasm at all", M[:-1], MODULE + b"\x80\0"])
def test_malformed_files(tmp_path: Path, data: bytes) -> None:
    path, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    path.write_bytes(data)
    with pytest.raises(FormatError):
        split_file(path, output, None)
    with pytest.raises(UsageError, match="cannot read"):
        split_file(tmp_path / "absent", output, None)
    assert [found.name for found in tmp_path.iterdir()] == ["in.wasm"]


def test_a_large_section_is_copied_in_pieces(tmp_path: Path) -> None:
    large = section(11, random.Random(1).randbytes(MIB + 5))
    assert split(tmp_path, MODULE + TYPE + large + NAME, "nothing") == MODULE + TYPE + large + D + NAME + D
