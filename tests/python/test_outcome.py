"""The border to the terminal: each line is one line, and holds nothing that a terminal obeys or hides."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from wasm_oci import outcome
from wasm_oci.errors import FormatError, UsageError, one_line

PLAIN = ("hello.wasm", "ä 漢字 é.wasm", "🦀 [x] \\n %s {}", "")
FORGING = (
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))),
    *"\u2028\u2029\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *"\xad\u034f\u115f\u180e\u200b\u200c\u200d\u2060\u2800\u3164\ufe0f\ufeff\ufff9\U000e0001\U000e0041\U000e0100",
    *"\udc9b\udcff\ud800\ue000\U000f0000\xa0\u3000",
)
"""Controls, line ends, marks of direction, what is not seen, surrogates, private use, other spaces."""


@pytest.mark.parametrize("text", PLAIN)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize("text", FORGING, ids=lambda text: f"U+{ord(text):04X}")
def test_all_ways_out_escape(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"x{text}Verified: y"
    escape = text.encode("unicode_escape").decode()
    outcome.write_document(outcome.Outcome(lines=[name, "end"], document={name: name}), "text")
    outcome.say(name)
    outcome.report_error("wasm_oci", FormatError(name, where=name, hint=name), "text")
    out, err = capsys.readouterr()
    assert out == f"x{escape}Verified: y\nend\n"
    assert err.count("\n") == 2
    assert err.count(escape) == 4


@pytest.mark.parametrize("text", FORGING, ids=lambda text: f"U+{ord(text):04X}")
def test_json_escapes_and_keeps(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"x{text}y"
    outcome.write_document(outcome.Outcome(document={name: [name]}), "json")
    outcome.report_error("wasm_oci", UsageError(name), "json")
    out = capsys.readouterr().out
    assert text not in out.replace("\n", "") or text in "\xa0\u3000\ue000\U000f0000"
    result, error = out.split("}\n{")
    assert json.loads(result + "}")[name] == [name]
    assert json.loads("{" + error)["error"]["message"] == name


def test_messages_of_the_log_are_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    outcome.start_logging(verbose=True)
    logging.getLogger("test").debug("HTTP %s", "301\r\nwasm_oci: done\x1b[2J")
    assert capsys.readouterr().err == "test: HTTP 301\\r\\nwasm_oci: done\\x1b[2J\n"
    logging.getLogger("wasm_oci.reading.source_store").warning("it comes from %s", "elsewhere")
    assert capsys.readouterr().err == "wasm_oci: warning: it comes from elsewhere\n"


class _Failing(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def flush(self) -> None:
        raise self._error


def test_a_reader_that_has_left_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Failing(BrokenPipeError()))
    for _ in range(2):
        outcome.write_lines(["a"])
    sys.stdout.close()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("I/O operation on closed file")])
def test_a_result_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(sys, "stdout", _Failing(error))
    with pytest.raises(UsageError, match="cannot write the result") as raised:
        outcome.write_lines(["a"])
    assert raised.value.hint
    outcome.write_lines(["goes nowhere"])
    sys.stdout.close()


@pytest.mark.parametrize("name", ["gone", "n" * 300, "file", "a\0b"])
def test_a_directory_that_cannot_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {"BUILD_WORKING_DIRECTORY": str(tmp_path / name)})
    with pytest.raises(UsageError, match="cannot enter the current directory"):
        outcome.enter_user_directory()
