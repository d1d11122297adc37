"""What a reviewer and a parser see differently is refused before it is parsed, in every text that grants trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.signing import K1, K2, SPKI_1, SSH_LINE_1
from wasm_oci.errors import FormatError
from wasm_oci.keys.key import parse_public_keys
from wasm_oci.plaintext import check_line_ends, check_plain
from wasm_oci.trust.trust_store import load_trust_store

LINE_ENDS = ["\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
SPACES = ["\xa0", "\u1680", "\u2000", "\u2007", "\u200a", "\u202f", "\u205f", "\u3000", "\u2800"]
DIRECTIONS = ["\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]
INVISIBLE = [
    *("\xad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180e", "\u200b", "\u200c", "\u200d", "\u2060", "\u2061", "\u206f", "\u3164"),
    *("\ufe00", "\ufe0f", "\ufeff", "\uffa0", "\ufff9", "\U0001bca0", "\U0001d173", "\U000e0001", "\U000e0041", "\U000e01ef"),
]
CONTROLS = ["\0", "\x01", "\b", "\x1b", "\x1f", "\x7f", "\x80", "\x9b", "\x9f"]
EVIL = f"  - {{name: evil, public_key: {K2.public.openssh().decode().strip()}}}"
STORE = f"keys:\n  - name: good\n    public_key: {SSH_LINE_1}\n"


@pytest.mark.parametrize("character", LINE_ENDS, ids=ascii)
def test_a_comment_cannot_hide_a_key(tmp_path: Path, character: str) -> None:
    path = tmp_path / "trust.yaml"
    path.write_bytes(f"{STORE}  # the old one was{character}{EVIL}\n".encode())
    with pytest.raises(
        FormatError, match=r"trust\.yaml: line 4: .* ends a line for some programs only; end lines with a line feed"
    ) as caught:
        load_trust_store(path)
    assert caught.value.reason == "ambiguous_text"


@pytest.mark.parametrize("character", [*LINE_ENDS, *SPACES, *DIRECTIONS, *INVISIBLE, *CONTROLS], ids=ascii)
@pytest.mark.parametrize("place", ["# {}x", "x: y{}z", "x: '{}'", '{{"x": "{}"}}', "x{}: y"])
def test_what_is_seen_differently_is_refused(tmp_path: Path, character: str, place: str) -> None:
    text = f"# über dem Schlüssel 鍵\r\n\n{place.format(character)}\n"
    with pytest.raises(FormatError, match=r"^t: line 3: ") as caught:
        check_plain(text, where="t")
    assert caught.value.reason == "ambiguous_text"
    assert str(caught.value).isprintable()
    (tmp_path / "t").write_bytes(text.encode())
    with pytest.raises(FormatError, match="line 3: "):
        load_trust_store(tmp_path / "t")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a\u2028b", "t: line 1: U+2028 (LINE SEPARATOR) ends a line for some programs only; end lines with a line feed"),
        ("a\n\r\nb\rc", "t: line 3: a carriage return without a line feed ends a line for some programs only; end lines with a line feed"),
        ("a\xa0b", "t: line 1: U+00A0 (NO-BREAK SPACE) looks like a space, and is none to a parser; write an ordinary space"),
        ("a\u202eb", "t: line 1: U+202E (RIGHT-TO-LEFT OVERRIDE) is invisible or changes how the text is shown; delete it"),
        ("a\x1bb", "t: line 1: control character U+001B; delete it"),
    ],
)
def test_the_message_names_line_and_character(text: str, problem: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_plain(text, where="t")
    assert str(caught.value) == problem


@pytest.mark.parametrize("text", ["", "a\tb\r\nc\n", "Schlüssel, ключ, 鍵, مفتاح, clé, \U0001f511"])
def test_other_text_is_plain(text: str) -> None:
    check_plain(text, where="t")


@pytest.mark.parametrize("character", ["\t", "\xa0", "\u202e", "\u200b", "\x1b"])
def test_line_ends_alone_are_another_question(character: str) -> None:
    check_line_ends(f"a{character}b\r\n\n", where="t", hint="")


@pytest.mark.parametrize("character", LINE_ENDS, ids=ascii)
def test_a_list_of_openssh_keys_is_such_a_text_too(character: str) -> None:
    """A terminal shows what follows a carriage return over what came before it."""
    with pytest.raises(FormatError, match="line 1: "):
        parse_public_keys(f"{K2.public.openssh().decode().strip()} {character}{SSH_LINE_1}\n".encode(), where="k")


@pytest.mark.parametrize("data", [f"\ufeff{SSH_LINE_1}\r\n".encode(), b"\xef\xbb\xbf" + SPKI_1])
def test_a_mark_at_the_beginning_is_no_character_of_the_text(data: bytes) -> None:
    assert parse_public_keys(data, where="k") == (K1.public,)
