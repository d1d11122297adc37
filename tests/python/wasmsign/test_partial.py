"""Partial verification: what may differ, what may not, and that messages name the part that changed."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from fakes.signing import K1, K2, delimiter, detached, random_module, signed
from fakes.wasm import COMPONENT, MODULE, custom, section
from wasm_oci.errors import SignatureError
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes, message
from wasm_oci.wasmsign.verify import VerifyResult, verify_file

TYPE, CODE, NAME, DEBUG = section(1, b"\x01\x60\0\0"), section(10, b"\0"), custom("name", b"\0\4\3foo"), custom(".debug_info", b"1234")
D1, D2, D3 = (delimiter(bytes((number,)) * 16) for number in (1, 2, 3))
PARTS = (TYPE + CODE + D1, NAME + D2, DEBUG + D3)
SPLIT = MODULE + b"".join(PARTS)
"""Three parts; `name` and `.debug_info` are custom sections."""


@pytest.fixture
def verify(tmp_path: Path) -> type[Verifier]:
    Verifier.folder = tmp_path
    return Verifier


class Verifier:
    """Verifies bytes by K1."""

    folder: Path

    @classmethod
    def of(cls, data: bytes, pattern: str | None, signature: bytes | None = None) -> VerifyResult:
        path = cls.folder / "checked.wasm"
        path.write_bytes(data)
        return verify_file(path, [K1.public, K2.public], signature=signature, pattern=None if pattern is None else SectionPattern(pattern))

    @classmethod
    def refusal(cls, data: bytes, pattern: str | None, signature: bytes | None = None) -> tuple[str, str]:
        with pytest.raises(SignatureError) as caught:
            cls.of(data, pattern, signature)
        assert caught.value.exit_code == 4
        return caught.value.reason, caught.value.what


def split_signed(folder: Path, data: bytes = SPLIT) -> bytes:
    return signed(folder, data, K1)


def test_all_parts_as_they_were_signed(tmp_path: Path, verify: type[Verifier]) -> None:
    data = split_signed(tmp_path)
    for pattern, skipped in ((None, 0), ("^name$", 1), ("^.debug", 1), ("nothing", 2), ("", 0), ("name|debug", 0)):
        result = verify.of(data, pattern)
        assert (result.keys, result.parts, result.skipped_parts) == ((K1.public,), 3, skipped), pattern
        assert result.module_hash == hashlib.sha256(SPLIT[8:]).hexdigest()


CHANGES = {
    "the last skipped part": (SPLIT.replace(b"1234", b"5678"), "^name$", None),
    "sections added to it": (SPLIT[: -len(D3)] + custom(".more", b"") + D3, "^name$", None),
    "its delimiter": (SPLIT.replace(D3, delimiter(bytes(16))), "^name$", None),
    "two last skipped parts": (SPLIT.replace(b"foo", b"bar").replace(b"1234", b"5678"), "^nothing$", None),
    "a skipped part, from which hashes go on": (
        SPLIT.replace(b"foo", b"bar"),
        "debug",
        "the part of sections 4 to 5 (from custom section 'name' on)",
    ),
    "a checked part": (SPLIT.replace(b"foo", b"bar"), "name", "the part of sections 4 to 5"),
    "standard sections": (SPLIT.replace(CODE, section(10, b"\1")), "name", "the part of sections 1 to 3 (from a section of id 1 on)"),
    "a checked part's delimiter": (SPLIT.replace(D2, delimiter(bytes(16))), "name", "the part of sections 4 to 5"),
    "one more delimiter": (SPLIT + D1, "name", "section 8 (custom section 'signature_delimiter') came after all"),
    "one part more": (SPLIT + custom("x", b"") + D1, "name", "the part of sections 8 to 9 (from custom section 'x' on) came after all"),
    "content after the last delimiter": (SPLIT + custom("x", b""), "name", "section 8 (custom section 'x') came after all"),
    "a skipped part cut off": (SPLIT[: -len(PARTS[2])], "name", "parts of what was signed are missing: it ends after 2 of 3"),
    "the last delimiter cut off": (SPLIT[: -len(D3)], "name", "section 6 (custom section '.debug_info') changed"),
    "all but the first part cut off": (MODULE + PARTS[0], "name", "it ends after 1 of 3"),
    "everything cut off": (MODULE + D1, "", "no section matches ''"),
    "no content at all": (MODULE, "name", "the file has no delimiters"),
    "two parts exchanged": (
        MODULE + PARTS[0] + PARTS[2] + PARTS[1],
        "name",
        "the part of sections 4 to 5 (from custom section '.debug_info' on)",
    ),
    "a delimiter left out": (
        SPLIT.replace(D2, b""),
        "name",
        "custom section '.debug_info' does not match 'name', unlike others of its part",
    ),
    "a section that matches in a part that does not": (
        SPLIT.replace(DEBUG, DEBUG + NAME),
        "name",
        "custom section 'name' matches 'name', unlike",
    ),
    "not split for the pattern": (SPLIT.replace(D1, b"").replace(D3, b""), "debug", "custom section 'name' does not match 'debug'"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("kind", ["embedded", "detached"])
def test_changes_to_a_split_file(tmp_path: Path, verify: type[Verifier], name: str, kind: str) -> None:
    data, pattern, text = CHANGES[name]
    signature = None
    if kind == "embedded":
        data = split_signed(tmp_path)[: 8 - len(SPLIT)] + data[8:]
    else:
        signature = detached(tmp_path, SPLIT, K1)[1]
    if text is None:
        assert verify.of(data, pattern, signature).keys == (K1.public,)
        assert verify.refusal(data, None, signature)[0] == "content_changed"
        return
    reason, what = verify.refusal(data, pattern, signature)
    assert reason == ("not_split" if "match" in text or "no delimiters" in text else "content_changed")
    if kind == "embedded":
        assert text in what


def test_whole_files_say_which_part_changed(tmp_path: Path, verify: type[Verifier]) -> None:
    data = split_signed(tmp_path)
    assert verify.refusal(data.replace(b"foo", b"bar"), None) == (
        "content_changed",
        "the part of sections 4 to 5 (from custom section 'name' on) changed: it is not what was signed",
    )
    plain = signed(tmp_path, MODULE + TYPE + NAME, K1)
    assert verify.refusal(plain.replace(b"foo", b"bar"), None) == ("content_changed", "the content is not what was signed")


def test_detached_sections_are_counted_from_the_first(tmp_path: Path, verify: type[Verifier]) -> None:
    plain, signature = detached(tmp_path, SPLIT, K1)
    assert "the part of sections 3 to 4 (from" in verify.refusal(plain.replace(b"foo", b"bar"), "name", signature)[1]


def test_a_long_or_odd_name_is_cut_and_escaped(tmp_path: Path, verify: type[Verifier]) -> None:
    data = signed(tmp_path, MODULE + D1 + custom("\x1b" + "n" * 500, b"data"), K1)
    assert f"section 2 (custom section '\\x1b{'n' * 59}')" in verify.refusal(data.replace(b"data", b"atad"), None)[1]


def test_a_file_without_delimiters_cannot_be_verified_in_part(tmp_path: Path, verify: type[Verifier]) -> None:
    data = signed(tmp_path, MODULE + TYPE + NAME, K1)
    for pattern in ("name", "", "other"):
        assert verify.refusal(data, pattern)[0] == "not_split"
    assert verify.of(data, None).skipped_parts == 0


def test_some_part_must_match(tmp_path: Path, verify: type[Verifier]) -> None:
    for content in (NAME + D1, D1, NAME + D1 + D2):
        data = signed(tmp_path, MODULE + content, K1)
        assert verify.refusal(data, "other") == ("not_split", "no section matches 'other'")
    assert verify.of(signed(tmp_path, MODULE + NAME + D1, K1), "name").skipped_parts == 0


def test_the_end_is_covered_whatever_it_is_named(tmp_path: Path, verify: type[Verifier]) -> None:
    data = signed(tmp_path, MODULE + TYPE + D1 + NAME + D2 + DEBUG, K1)
    result = verify.of(data, "nothing")
    assert (result.parts, result.skipped_parts) == (3, 1)
    for old, new in ((b"1234", b"4321"), (b"foo", b"bar")):
        assert verify.refusal(data.replace(old, new), "nothing")[0] == "content_changed"


def test_hashes_count_at_their_own_place_and_in_their_own_set(tmp_path: Path, verify: type[Verifier]) -> None:
    ends = [len(MODULE) + sum(map(len, PARTS[: count + 1])) for count in range(3)]
    first, second, third = (hashlib.sha256(SPLIT[8:end]).digest() for end in ends)

    def by(*sets: tuple[bytes, ...]) -> bytes:
        signed_sets = tuple(
            SignedHashes(hashes=hashes, signatures=(SignatureRecord(key_id=b"", signature=K1.sign(message(hashes))),)) for hashes in sets
        )
        return MODULE + custom("signature", SignatureData(sets=signed_sets).encode()) + SPLIT[8:]

    other = bytes(32)
    for sets in (((first, second, third),), ((other,), (first, second, other)), ((first, second, other), (other, other, other))):
        assert verify.of(by(*sets), "name").key == K1.public
    for wrong in (
        ((second, first, third),),
        ((first, second),),
        ((first, second, third, third),),
        ((third,),),
        ((other, second, third),),
        ((first, other, third),),
        ((first, other, other), (other, second, other)),
    ):
        assert verify.refusal(by(*wrong), "name")[0] == "content_changed"


@pytest.mark.parametrize("preamble", [MODULE, COMPONENT])
def test_keys_that_signed_are_told_apart(tmp_path: Path, verify: type[Verifier], preamble: bytes) -> None:
    older = signed(tmp_path, preamble + b"".join(PARTS), K1)
    newer = signed(tmp_path, older.replace(b"1234", b"5678"), K2)
    assert verify.of(newer, None).keys == (K2.public,)
    assert verify.of(newer, "name").keys == (K1.public, K2.public)


def test_any_flipped_bit_of_a_checked_part_is_refused(tmp_path: Path, verify: type[Verifier]) -> None:
    """But for those that rename a section: it is then none that the pattern is about, and no reader finds it as one."""
    data = split_signed(tmp_path)
    renamed = data.index(b"\4name", len(data) - len(SPLIT))
    for index in range(8, len(data) - len(PARTS[2])):
        flipped = bytearray(data)
        flipped[index] ^= 1 << index % 7
        if index in range(renamed, renamed + 5):
            assert verify.of(bytes(flipped), "^name$").skipped_parts == 2
        else:
            assert verify.refusal(bytes(flipped), "^name$")


def test_in_part_nobody_notices_what_is_missing_at_the_end(tmp_path: Path, verify: type[Verifier]) -> None:
    """The danger that docs/signature-format.md tells of: the format does not say which parts matched. Whole files do notice."""
    parts = (TYPE + D1, DEBUG + D2, CODE + NAME + D3)
    data = split_signed(tmp_path, MODULE + b"".join(parts))
    assert verify.of(data, "^name$").skipped_parts == 1
    replaced = data.replace(parts[1] + parts[2], custom("evil", b"1") + D2 + custom("evil", b"2") + D1)
    assert verify.of(replaced, "^name$").skipped_parts == 2
    for pattern in (None, "evil"):
        assert verify.refusal(replaced, pattern)[0] == "content_changed"
    assert verify.refusal(replaced.replace(parts[0], custom("evil", b"0") + D3), "^name$")[0] == "not_split"


def test_a_second_signature_section_is_refused(tmp_path: Path, verify: type[Verifier]) -> None:
    data = split_signed(tmp_path).replace(DEBUG, custom("signature", b""))
    assert verify.refusal(data, "name")[0] == "malformed_signature"


def test_a_match_of_everything_is_as_strict_as_no_pattern(tmp_path: Path, verify: type[Verifier]) -> None:
    rng = random.Random(5)
    for _ in range(30):
        data = bytearray(signed(tmp_path, random_module(rng, rng.randrange(1, 15)) + TYPE + D1, K1))
        assert verify.of(bytes(data), "").skipped_parts == 0
        data[rng.randrange(8, len(data))] ^= 1 << rng.randrange(8)
        assert verify.refusal(bytes(data), "")
