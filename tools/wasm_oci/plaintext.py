"""Text that a reviewer and a parser see alike: no hidden line ends, no invisible or reordering characters.

Programs disagree about what ends a line (YAML 1.1, section 5.4; Unicode Standard Annex 14), and a display may hide or reorder
characters (Unicode Technical Standard 55, "Unicode Source Code Handling"). What grants trust is refused where they could.
"""

from __future__ import annotations

import re

from wasm_oci.errors import FormatError

_LINE_ENDS = "\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_LINE_END = re.compile(f"[{_LINE_ENDS}]")
_SPACES = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800"
_INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point (Unicode Standard Annex 44), the interlinear marks, and a symbol without a shape."""


def check_line_ends(text: str, *, where: str, hint: str = "") -> None:
    """Raises FormatError (reason `ambiguous_text`) where another line end than LF or CRLF is in `text`; `hint` is the remedy."""
    if found := _LINE_END.search(text.replace("\r\n", "\n")):
        raise _refused(text, found[0], where, hint)


def check_plain(text: str, *, where: str) -> None:
    """Raises FormatError (reason `ambiguous_text`) for a character of `text` that a reader and a parser may see differently.

    Those are other line ends than LF and CRLF, controls, spaces of other kinds, and what is invisible or changes the direction.
    """
    plain = text.replace("\r\n", "\n").replace("\n", "").replace("\t", "")
    if plain.isascii() and plain.isprintable():
        return
    if found := re.search(f"[\0-\x08\x0e-\x1f\x7f-\x9f{_LINE_ENDS}{_SPACES}{_INVISIBLE}]", plain):
        raise _refused(text, found[0], where)


def _refused(text: str, character: str, where: str, remedy: str = "") -> FormatError:
    import unicodedata

    same = text.replace("\r\n", "\n")
    line = same.count("\n", 0, same.index(character)) + 1
    name = f"U+{ord(character):04X}"
    if words := unicodedata.name(character, ""):
        name += f" ({words})"
    if character == "\r":
        what, hint = "a carriage return without a line feed ends a line for some programs only", "end lines with a line feed"
    elif _LINE_END.match(character):
        what, hint = f"{name} ends a line for some programs only", "end lines with a line feed"
    elif re.match(f"[{_SPACES}]", character):
        what, hint = f"{name} looks like a space, and is none to a parser", "write an ordinary space"
    elif unicodedata.category(character) == "Cc":
        what, hint = f"control character {name}", "delete it"
    else:
        what, hint = f"{name} is invisible or changes how the text is shown", "delete it"
    return FormatError(f"line {line}: {what}", where=where, hint=remedy or hint, reason="ambiguous_text")
