"""Where a passphrase comes from, and that nobody is asked who cannot answer."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from wasm_oci.errors import LimitError, UsageError
from wasm_oci.keys.sources.passphrase import PassphraseSource

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"word", b"word"), (b"word\n", b"word"), (b"word\r\n", b"word"), (b"two words \n\n", b"two words \n"), (b"\xff\n", b"\xff")],
)
def test_a_file_without_its_line_end(tmp_path: Path, content: bytes, expected: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    source = PassphraseSource(file=tmp_path / "p", environ={"WASM_OCI_PASSPHRASE": "other"})
    assert source("key") == expected


def test_a_file_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"x" * 5000)
    with pytest.raises(LimitError, match="the passphrase file is larger than"):
        PassphraseSource(file=tmp_path / "p")("key")


def test_a_variable() -> None:
    environ = {"WASM_OCI_PASSPHRASE": "a", "MINE": "b", "EMPTY": ""}
    assert PassphraseSource(environ=environ)("key") == b"a"
    assert PassphraseSource(variable="MINE", environ=environ)("key") == b"b"
    assert PassphraseSource(variable="EMPTY", environ=environ)("key") == b""
    assert "b" not in repr(PassphraseSource(variable="X", environ={"X": "b" * 3})).replace("variable", "")


@pytest.mark.parametrize("stdin", [None, SimpleNamespace(isatty=lambda: False)])
def test_without_a_terminal_the_error_names_the_variable(stdin: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(UsageError, match=r"key: the secret key is encrypted.*set WASM_OCI_PASSPHRASE, or") as caught:
        PassphraseSource(environ={})("key")
    assert caught.value.reason == "no_passphrase"


def test_a_variable_that_was_asked_for_is_not_replaced_by_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(UsageError, match="set MINE, or"):
        PassphraseSource(variable="MINE", environ={})("key")


@pytest.mark.parametrize("name", ["my secret pass", "", "s3cret!", "3x", "a=b", "x" * 65, "h\u00e4t", "a\nb"])
def test_what_is_no_name_of_a_variable_is_not_repeated(name: str) -> None:
    with pytest.raises(UsageError, match="passphrase variable: this is not the name of a variable; give") as caught:
        PassphraseSource(variable=name)
    assert str(caught.value).endswith("this is not the name of a variable; give the name of a variable, such as WASM_OCI_PASSPHRASE")


CODE = """
from wasm_oci.errors import UsageError
from wasm_oci.keys.sources.passphrase import PassphraseSource
try:
    print(PassphraseSource(environ={})("my\\x1bkey"))
except UsageError as err:
    print(err.reason, err.what)
"""


@pytest.mark.parametrize(
    ("typed", "result"), [(b"open sesame\n", "b'open sesame'\n"), (b"\x04", "no_passphrase no passphrase was typed\n")]
)
def test_at_a_terminal_it_is_asked_for_and_not_shown(typed: bytes, result: str) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", CODE], env=ENVIRONMENT, stdin=slave, stderr=slave, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        os.close(slave)
        shown = b""
        while not shown.endswith(b": "):
            shown += os.read(master, 1000)
        os.write(master, typed)
        assert process.communicate(timeout=30)[0] == result
    with suppress(OSError):  # what Linux says when the other side is closed
        shown += os.read(master, 1000)
    os.close(master)
    assert shown.startswith(b"Passphrase of my\\x1bkey: ")
    assert b"sesame" not in shown
