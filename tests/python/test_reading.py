"""A file that opens and cannot be read: the error names it, and no output that is written meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.signing import K1, M_PAYLOAD
from wasm_oci.errors import SignatureError, UsageError
from wasm_oci.files import open_input, read_bounded
from wasm_oci.wasmsign.content import Content
from wasm_oci.wasmsign.detach import attach_file, detach_file
from wasm_oci.wasmsign.sign import normalise_file, sign_file
from wasm_oci.wasmsign.split import split_file
from wasm_oci.wasmsign.verify import verify_file
from wasm_oci.wasmsign2 import program as wasmsign2

UNREADABLE = Path("/proc/self/mem")
"""A regular file whose first page cannot be read."""
OUT, SIG = Path("out"), Path("sig")


def content() -> None:
    with open_input(UNREADABLE) as stream:
        Content(stream, "x")


ATTEMPTS: dict[str, Callable[[], object]] = {
    "sign": lambda: sign_file(UNREADABLE, OUT, K1, key_id=None),
    "sign detached": lambda: sign_file(UNREADABLE, OUT, K1, key_id=None, signature_file=Path("out.sig")),
    "normalise": lambda: normalise_file(UNREADABLE, OUT),
    "split": lambda: split_file(UNREADABLE, OUT, None),
    "detach": lambda: detach_file(UNREADABLE, OUT, Path("out.sig")),
    "attach": lambda: attach_file(UNREADABLE, OUT, SIG),
    "verify": lambda: verify_file(UNREADABLE, [K1.public]),
    "content": content,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    SIG.write_bytes(M_PAYLOAD)
    Path("k1").write_bytes(K1.compact())
    return tmp_path


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_input_is_named(folder: Path, name: str) -> None:
    with pytest.raises(
        SignatureError if name == "verify" else UsageError, match=r"^/proc/self/mem: cannot read the input file: Input/output error; "
    ):
        ATTEMPTS[name]()
    assert sorted(path.name for path in folder.iterdir()) == ["k1", "sig"]


def test_a_small_file_and_a_stream_are_named_by_what_they_are() -> None:
    message = re.escape("/proc/self/mem: cannot read the key: Input/output error")
    with pytest.raises(UsageError, match=message):
        read_bounded(UNREADABLE, 10, what="key")
    with open_input(UNREADABLE, what="key") as stream, pytest.raises(UsageError, match=message):
        stream.read()


@pytest.mark.parametrize("command", ["sign -o out -k k1", "split -o out", "detach -o out -S s", "attach -o out -S sig", "show"])
def test_the_drop_in_says_what_the_published_program_says(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert wasmsign2.main([*command.split(), "-i", str(UNREADABLE)]) == 1
    assert capsys.readouterr().err == "I/O error\n"
