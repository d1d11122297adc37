"""Strict YAML: what is read, and every refusal."""

from __future__ import annotations

import pytest

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.yamltext import parse_mapping, parse_mapping_with_lines


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: b", {"a": "b"}),
        ("\ufeffa: b", {"a": "b"}),
        ("a: 2027-12-31", {"a": "2027-12-31"}),
        ("a: 2027-12-31T18:00:00Z", {"a": "2027-12-31T18:00:00Z"}),
        ("a: no", {"a": "no"}),
        ("a: [true, false, null, ~, 12, -3, 012, 1.5, 1e3]", {"a": [True, False, None, None, 12, -3, "012", "1.5", "1e3"]}),
        ("a: ['true', \"12\", 'null']", {"a": ["true", "12", "null"]}),
        ("a:\n  - b: |\n      one\n      two\n    c:\n", {"a": [{"b": "one\ntwo\n", "c": None}]}),
        ("null: 1\n2: 3\ntrue: 4", {"null": 1, "2": 3, "true": 4}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        ('{"a": ["b", {"c": true}], "d": null}', {"a": ["b", {"c": True}], "d": None}),
        ("{a: b, c: [d]}", {"a": "b", "c": ["d"]}),
        ("--- # one document\na: b\n...\n", {"a": "b"}),
    ],
)
def test_values(text: str, value: object) -> None:
    assert parse_mapping(text.encode(), where="f.yaml") == value


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "f.yaml: a mapping is needed at the top"),
        (b"- a", "a mapping is needed"),
        (b"just text", "a mapping is needed"),
        (b"a: b\na: c", "f.yaml: line 2: the member 'a' is there twice; keep one"),
        (b'{"a": 1, "a": 2}', "line 1: the member 'a' is there twice"),
        (b"a: &x b\nc: *x", "line 1: anchors and aliases are refused"),
        (b"a: *x", "anchors and aliases are refused"),
        (b"a: !!python/object:os.system x", "line 1: tags are refused"),
        (b"a: !x [b]", "tags are refused"),
        (b"? [a]\n: b", "line 1: a member's name is not a word"),
        (b"? {a: b}\n: b", "a member's name is not a word"),
        (b"a: b\n---\nc: d", "line 2: there is a second document"),
        (b"a: [b", "not valid YAML (line 1: "),
        (b"a: b: c", "line 1: mapping values are not allowed here"),
        (b"a: \x00", "f.yaml: line 1: control character U+0000; delete it"),
        (b"a: b\n   c:d", "f.yaml: line 1: the value goes on in the next line without quotation marks; write it in quotation marks"),
        (b"{a: b\n c:d}", "line 1: the value goes on in the next line"),
        (b"a: \xff", "not UTF-8 (byte 3)"),
        (b"\ta: b", "line 1: "),
        (b'a: "\\UFFFFFFFF"', "f.yaml: not valid YAML (an escape is not a character); write the character itself"),
        (b'a: "\\U00110000"', "an escape is not a character"),
        (b'a:\n- "\\ud800"', "f.yaml: line 2: an escape is half of a character"),
        (b'"\\udfff": a', "an escape is half of a character"),
        (b'{"a": "\\ud800"}', "an escape is half of a character"),
    ],
)
def test_refusals(data: bytes, problem: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_mapping(data, where="f.yaml")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a: " + b"b" * LIMITS.config_file, f"is larger than {LIMITS.config_file} bytes"),
        (b"a: " + b"[" * 100_000, "nested too deeply"),
        (b"a:\n" + b"- b\n" * LIMITS.config_values, "line 19999: more than 20000 values"),
    ],
    ids=["size", "depth", "values"],
)
def test_limits(data: bytes, problem: str) -> None:
    with pytest.raises(LimitError) as caught:
        parse_mapping(data, where="f.yaml")
    assert problem in str(caught.value)


def test_depth_up_to_the_limit_is_read() -> None:
    depth = LIMITS.config_depth
    assert parse_mapping(b"a: " + b"[" * depth + b"]" * depth, where="f.yaml")


def test_the_line_of_each_value() -> None:
    text = b"# one\na: b\nc:\n  - d: 1\n    e:\n      - f\n  -\n    d: 2\n"
    document, lines = parse_mapping_with_lines(text, where="f.yaml")
    assert document == {"a": "b", "c": [{"d": 1, "e": ["f"]}, {"d": 2}]}
    found = {"a": 2, "c": 3, "c[0]": 4, "c[0].d": 4, "c[0].e": 5, "c[0].e[0]": 6, "c[1]": 8, "c[1].d": 8}
    assert {path: line for path, line in lines.items() if path} == found
    assert parse_mapping_with_lines(b'{"a":\n "b"}', where="f.json") == ({"a": "b"}, {"": 1, "a": 1})
