"""The strict reader of typed documents: every type, every refusal, and the path that it names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest

from wasm_oci.errors import FormatError, LimitError, UsageError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.runfiles import Runfiles
from wasm_oci.shape import Parsed, Runfile, Secret, Size, line_of, read_config, read_config_with_lines, read_object, read_request

SECRET = "canary-51fe"


def positive(number: int, *, where: str) -> str:
    if number < 0:
        raise UsageError("it is negative", where=where)
    return f"number {number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    kind: Literal["token", "basic"]
    secret: Secret = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    name: Annotated[str, Size(1, 5)]
    auth: Auth


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    ONE_OF: ClassVar = ("left", "right")
    left: int | None = None
    right: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    text: str
    flag: bool = False
    number: int = 1
    path: Path = Path("default")
    file: Runfile | None = None
    entries: Annotated[tuple[Entry, ...], Size(0, 2)] = ()
    names: frozenset[str] = frozenset()
    made: Annotated[str, Parsed(int, positive)] | None = None
    either: Either | None = None


def entry(**change: Any) -> dict[str, Any]:
    return {"name": "a", "auth": {"kind": "token"}} | change


def request(folder: Path, text: bytes) -> Document:
    (folder / "r.json").write_bytes(text)
    return read_request(folder / "r.json", Document, Runfiles({}))


def of(folder: Path, **members: object) -> Document:
    return request(folder, json.dumps({"schema_version": 1, "text": "t"} | members).encode())


def config(text: str) -> Document:
    return read_config(text.encode(), Document, where="c.yaml")


def test_every_type(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    found = of(
        tmp_path,
        flag=True,
        number=-7,
        path="a/b",
        file=str(tmp_path / "file"),
        entries=[entry(), entry(name="b", auth={"kind": "basic", "secret": "s"})],
        names=["x", "y", "x"],
        made=3,
        either={"left": 1},
    )
    assert found == Document(
        text="t",
        flag=True,
        number=-7,
        path=Path("a/b"),
        file=tmp_path / "file",
        entries=(Entry(name="a", auth=Auth(kind="token")), Entry(name="b", auth=Auth(kind="basic", secret="s"))),
        names=frozenset({"x", "y"}),
        made="number 3",
        either=Either(left=1),
    )


def test_defaults_are_those_of_the_class(tmp_path: Path) -> None:
    assert of(tmp_path) == Document(text="t")
    assert of(tmp_path, file=None, made=None) == Document(text="t")
    assert config("text: t") == Document(text="t")


@pytest.mark.parametrize(
    ("change", "kind", "problem"),
    [
        ({"text": 1}, FormatError, "text: expected text, not 1;"),
        ({"text": None}, FormatError, "text: expected text, not null;"),
        ({"text": ["x"]}, FormatError, "text: expected text, not a list;"),
        ({"flag": 1}, FormatError, "flag: expected true or false, not 1;"),
        ({"flag": "true"}, FormatError, "flag: expected true or false, not 'true';"),
        ({"number": True}, FormatError, "number: expected a whole number, not true;"),
        ({"number": 1.0}, FormatError, "number: expected a whole number, not 1.0;"),
        ({"number": "1"}, FormatError, "number: expected a whole number, not '1';"),
        ({"path": ""}, FormatError, "path: expected a path, not '';"),
        ({"path": 7}, FormatError, "path: expected a path, not 7;"),
        ({"file": "_main/x"}, UsageError, "file: the file '_main/x' is not in the runfiles;"),
        ({"file": "../x"}, UsageError, "file: '../x' leaves the runfiles;"),
        ({"entries": {"a": 1}}, FormatError, "entries: expected a list, not an object;"),
        ({"entries": "ab"}, FormatError, "entries: expected a list, not 'ab';"),
        ({"entries": [None]}, FormatError, "entries[0]: expected an object, not null;"),
        ({"entries": [entry()] * 3}, LimitError, "entries: more than 2 entries;"),
        ({"entries": [entry(), entry(name="")]}, FormatError, "entries[1].name: fewer than 1 characters;"),
        ({"entries": [entry(name="abcdef")]}, LimitError, "entries[0].name: more than 5 characters;"),
        ({"entries": [{"name": "a"}]}, FormatError, "entries[0].auth: the member is missing;"),
        ({"entries": [entry(auth={})]}, FormatError, "entries[0].auth.kind: the member is missing;"),
        (
            {"entries": [entry(auth={"kind": "magic"})]},
            FormatError,
            "entries[0].auth.kind: unknown value 'magic' (use one of token, basic);",
        ),
        ({"entries": [entry(auth={"kind": 1})]}, FormatError, "entries[0].auth.kind: unknown value 1 ("),
        ({"entries": [entry(auth={"kin": "token"})]}, FormatError, "entries[0].auth.kin: unknown member 'kin' (did you mean kind?);"),
        ({"names": [1]}, FormatError, "names[0]: expected text, not 1;"),
        ({"made": "x"}, FormatError, "made: expected a whole number, not 'x';"),
        ({"made": -1}, UsageError, "made: it is negative"),
        ({"either": {}}, FormatError, "either: exactly one of left and right is needed;"),
        ({"either": {"left": 1, "right": 2}}, FormatError, "either: exactly one of left and right is needed;"),
        ({"zzz": 1}, FormatError, "zzz: unknown member 'zzz' (the members are text, flag, "),
        ({"Text": "t"}, FormatError, "Text: unknown member 'Text' (did you mean text?);"),
        ({"schema_version": 2}, FormatError, "r.json: unsupported schema_version 2: this program reads 1;"),
        ({"schema_version": 1.0}, FormatError, "r.json: unsupported schema_version 1.0:"),
        ({"schema_version": True}, FormatError, "r.json: unsupported schema_version true:"),
        ({"schema_version": None}, FormatError, "r.json: schema_version is missing;"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: dict[str, object], kind: type[WasmOciError], problem: str) -> None:
    with pytest.raises(WasmOciError) as caught:
        of(tmp_path, **change)
    assert type(caught.value) is kind
    assert problem in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/r.json: ")
    if kind is FormatError:
        assert caught.value.hint == "build the target again"


def test_a_missing_member(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"r\.json: text: the member is missing; build the target again"):
        request(tmp_path, b'{"schema_version": 1}')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"schema_version": 1, "text": "a", "text": "b"}', "the same key twice"),
        (b'{"schema_version": 1, "text": "a", "entries": [{"name": "a", "name": "b"}]}', "the same key twice"),
        (b'{"schema_version": 1, "text": "a", "either": ' + b"[" * 100_000, "not valid JSON"),
        (b'{"schema_version": 1, "text": "a", "number": NaN}', "NaN is not JSON"),
        (b"[]", "expected a JSON object"),
        (b" " * (LIMITS.request_file + 1), "larger than"),
    ],
)
def test_what_is_no_document(tmp_path: Path, text: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        request(tmp_path, text)


@pytest.mark.parametrize("value", [SECRET, 51, [SECRET], {"a": SECRET}, True])
def test_a_secret_is_not_shown(tmp_path: Path, value: object) -> None:
    with pytest.raises(FormatError) as caught:
        of(tmp_path, entries=[entry(auth={"kind": "token", "secret": value, "more": 1})])
    assert SECRET not in str(caught.value)
    if value != SECRET:
        with pytest.raises(FormatError, match=r"entries\[0\]\.auth\.secret: expected text, not ") as caught:
            of(tmp_path, entries=[entry(auth={"kind": "token", "secret": value})])
        assert SECRET not in str(caught.value)
        assert "51" not in caught.value.what


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("text: 1", "c.yaml: text: expected text, not 1; write it in quotation marks, or leave the member out"),
        ("text: t\nfile:", "c.yaml: file: expected a path, not null; write the path of a file"),
        ("text: t\nmade: null", "c.yaml: made: expected a whole number, not null; write a number such as 1"),
        ("text: t\neither:", "c.yaml: either: expected an object, not null; write `member: value` lines"),
        ("text: t\nflag: yes", "c.yaml: flag: expected true or false, not 'yes'; write true or false"),
        ("text: t\nentries: {}", "c.yaml: entries: expected a list, not an object; write `- …` lines"),
        ("txt: t", "c.yaml: txt: unknown member 'txt'; did you mean text?"),
        ("{}", "c.yaml: text: the member is missing; add text"),
        ("text: t\nentries: [{name: a, auth: {kind: x}}]", "c.yaml: entries[0].auth.kind: unknown value 'x'; use one of token, basic"),
        ("text: t\neither: {left: 1, right: 2}", "c.yaml: either: exactly one of left and right is needed; keep one of them"),
    ],
)
def test_a_configuration_file_says_how_to_write_it(text: str, problem: str) -> None:
    with pytest.raises(FormatError) as caught:
        config(text)
    assert str(caught.value) == problem


def test_hostile_names_and_values_are_cut_and_escaped(tmp_path: Path) -> None:
    for change in ({"x" * 10_000: 1}, {"text": ["x"], "a\nb\x1b": 1}, {"number": "\x1b[31m" * 1000}):
        with pytest.raises(FormatError) as caught:
            of(tmp_path, **change)
        assert len(caught.value.what) < 300
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("text: a\nentries:\n  - name: a\n    auth:\n      kind: tken\n", "f: line 5: entries[0].auth.kind: unknown value 'tken'"),
        ("text: a\n\nnumbr: 2\n", "f: line 3: numbr: unknown member 'numbr'; did you mean number?"),
        ("text: a\nentries:\n  - name: a\n", "f: line 3: entries[0].auth: the member is missing"),
        ('{"text": "a",\n "numbr": 1}', "f: line 2: numbr: unknown member"),
        ('{"text": "a",\n "made": -1}', "f: line 2: made: it is negative"),
    ],
)
def test_an_error_names_the_line(text: str, problem: str) -> None:
    with pytest.raises(WasmOciError) as caught:
        read_config_with_lines(text.encode(), Document, where="f")
    assert problem in str(caught.value)


def test_the_line_of_a_value_is_that_of_what_is_nearest() -> None:
    document, lines = read_config_with_lines(b"text: a\nnames:\n  - b\n", Document, where="f")
    assert document == Document(text="a", names=frozenset({"b"}))
    assert (line_of(lines, "names[0]"), line_of(lines, "names[7].x"), line_of({}, "text")) == (3, 2, 0)
    assert read_config_with_lines(b'{"text": "a"}', Document, where="f") == (Document(text="a"), {})


def test_an_object_of_a_json_document() -> None:
    assert read_object({"text": "a", "either": None}, Document, where="f") == Document(text="a")
    with pytest.raises(FormatError, match="f: text: expected text, not 1"):
        read_object({"text": 1}, Document, where="f")
