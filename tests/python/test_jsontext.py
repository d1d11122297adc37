"""JSON that others wrote, read strictly and written again without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wasm_oci.errors import FormatError
from wasm_oci.jsontext import canonical, parse_object, pretty

PLAIN: tuple[Any, ...] = (
    {},
    {"b": [], "a": {}, "c": [1, -2.5, None, True, {"x": '\u2028\0"\\'}], "d": [[], [{}]], "": ""},
    {"tuple": (1, ({"a": 1},))},
)


@pytest.mark.parametrize("document", PLAIN)
def test_both_forms_are_those_of_the_standard_library(document: dict[str, Any]) -> None:
    assert canonical(document).decode() == json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert pretty(document).decode() == json.dumps(document, sort_keys=True, indent=2) + "\n"


def test_what_a_terminal_obeys_or_hides_is_escaped_where_people_look() -> None:
    plain = "ä 漢 🦀"
    hidden = "\x7f\x9b\xad\u061c\u200f\u2028\u202e\u2069\ufeff\ufe0f\udcff\U000e0041"
    text = pretty({hidden: plain + hidden}).decode()
    assert plain in text
    assert text.replace("\n", "").isprintable()
    assert text.isascii() is False
    assert json.loads(text) == {hidden: plain + hidden}


@pytest.mark.parametrize("number", ["0.1000000000000000055511151231257827", "1E5", "1.0", "-0.0", "1e-400", "123456789012345678901", "-7"])
def test_a_number_keeps_its_text(number: str) -> None:
    document = parse_object(f'{{"x":[{number}]}}'.encode(), where="")
    assert canonical(document).decode() == f'{{"x":[{number}]}}'
    assert pretty(document).decode() == f'{{\n  "x": [\n    {number}\n  ]\n}}\n'


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400 + ".0", "NaN", "Infinity", "-Infinity"])
def test_a_number_that_could_not_be_written_is_refused(number: str) -> None:
    with pytest.raises(FormatError, match=r"is too large|is not JSON"):
        parse_object(f'{{"x":{number}}}'.encode(), where="")


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_what_is_no_json_is_not_written(number: float) -> None:
    for write in (canonical, pretty):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write({"x": number})


def test_a_document_that_is_nested_too_deeply_is_an_error() -> None:
    document: dict[str, Any] = {}
    for _ in range(5000):
        document = {"a": document}
    for write in (canonical, pretty):
        with pytest.raises(FormatError, match="nested too deeply"):
            write(document)
