"""`wasmsign2` split, detach, attach, verify_matrix and verification in part, as the published program printed them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.commands import FILES, VERIFIED, WRONG, refused
from fakes.differences import MATRIX, NOT_IN_PART
from fakes.signing import M_PAYLOAD, M_SIGNED, PARTS_SIGNED, M, delimiter
from wasm_oci.wasmsign2 import program as wasmsign2
from wasm_oci.wasmsign2.options import Arguments, CommandLineError, take_options

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = wasmsign2.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("command", VERIFIED)
def test_verify_and_verify_matrix(files: Path, capsys: Capture, command: str) -> None:
    assert run(capsys, *command.split()) == VERIFIED[command]


def test_detach_and_attach(files: Path, capsys: Capture) -> None:
    assert run(capsys, "detach", "-i", "signed", "-o", "out", "-S", "out.sig") == (0, "Signature is now detached.\n", "")
    assert (Path("out").read_bytes(), Path("out.sig").read_bytes()) == (M, M_PAYLOAD)
    text = "Signature is now embedded as a custom section.\n"
    assert run(capsys, "attach", "-i", "out", "-o", "out", "-S", "out.sig") == (0, text, "")
    assert Path("out").read_bytes() == M_SIGNED
    assert run(capsys, "-d", "detach", "-i", "out", "-o", "out", "-S", "out.sig")[2] == "Signature detached\n"
    assert run(capsys, "-d", "attach", "-i", "out", "-o", "out", "-S", "out.sig")[2] == "Signature attached\n"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("detach -i m", "No signatures found"),
        ("detach -i empty.wasm", "No signatures found"),
        ("detach -i text", "Unsupported module type"),
        ("detach -i absent", "I/O error"),
        ("attach -i signed -S sig", "Signature already attached"),
        ("attach -i m -S absent", "I/O error"),
        ("attach -i text -S sig", "Unsupported module type"),
    ],
)
def test_detach_and_attach_refused(files: Path, capsys: Capture, command: str, text: str) -> None:
    detached = [] if "-S" in command else ["-S", "out.sig"]
    assert run(capsys, *command.split(), "-o", "out", *detached) == refused(text)
    assert not Path("out").exists()
    assert not Path("out.sig").exists()


def test_split(files: Path, capsys: Capture) -> None:
    text = (
        "* Split module structure:\n\n0:\ttypes section\n1:\tcustom section: [signature_delimiter]\n"
        "2:\tcustom section: [name]\n3:\tcustom section: [signature_delimiter]\n"
    )
    contents = set()
    for _ in range(2):
        assert run(capsys, "split", "-i", "m", "-o", "out", "-s", "none") == (0, text, "")
        data = Path("out").read_bytes()
        first, second = data[14 + 22 : 14 + 38], data[-16:]
        assert data == M[:14] + delimiter(first) + M[14:] + delimiter(second)
        contents |= {first, second}
    assert len(contents) == 4
    assert run(capsys, "split", "-i", "out", "-o", "out", "-s", "none") == (0, text, "")
    assert Path("out").read_bytes() == data


def test_split_verbose_shows_delimiters(files: Path, capsys: Capture) -> None:
    code, out, _ = run(capsys, "-v", "split", "-i", "m", "-o", "out", "--split", "name")
    data = Path("out").read_bytes()[-16:]
    lines = "0:\ttypes section\n1:\tcustom section: [name]\n2:\tcustom section: [signature_delimiter]\n"
    assert (code, out) == (0, f"* Split module structure:\n\n{lines}- delimiter: [{data.hex()}]\n\n")
    assert run(capsys, "-v", "split", "-i", "out", "-o", "out", "--split", "name")[1] == out
    assert run(capsys, "split", "-i", "m", "-o", "/dev/null")[0] == 0


def test_split_of_a_signed_file_where_nothing_changes(files: Path, capsys: Capture) -> None:
    code, _, err = run(capsys, "split", "-i", "parts", "-o", "out", "-s", "none")
    assert (code, err) == (0, "Module is already signed\n")
    assert Path("out").read_bytes() == PARTS_SIGNED


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-i", "absent"], "I/O error"),
        (["-i", "text"], "Unsupported module type"),
        (["-i", "absent", "-s", "["], "Invalid argument"),
        (["-i", "m", "-s", "(?=x)"], "Invalid argument"),
    ],
)
def test_split_refused(files: Path, capsys: Capture, arguments: list[str], text: str) -> None:
    assert run(capsys, "split", "-o", "out", *arguments) == refused(text)
    assert not Path("out").exists()


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments(files: Path, capsys: Capture, arguments: str) -> None:
    code, out, err = run(capsys, *arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")


def test_two_dashes_end_the_options(files: Path, capsys: Capture) -> None:
    assert run(capsys, "verify_matrix", "-i", "signed", "-K=p1", "--") == MATRIX


def test_debug_names_the_part_that_changed(files: Path, capsys: Capture) -> None:
    err = run(capsys, "-d", "verify", "-i", "other", "-K", "p1", "-s", "name")[2]
    assert "the part of sections 3 to 4 (from custom section 'name' on) changed" in err
    assert err.endswith(NOT_IN_PART[2])
    assert "the file has no delimiters" in run(capsys, "-d", "verify", "-i", "signed", "-K", "p1", "-s", "name")[2]


def test_many_values_belong_to_one_option() -> None:
    arguments = Arguments(command="verify_matrix")
    take_options(arguments, ["-K", "a", "-", "b", "-i", "c"])
    assert (arguments.many, arguments.values) == ({"public-keys": ("a", "-", "b")}, {"public-keys": "a", "input-file": "c"})
    with pytest.raises(CommandLineError) as caught:
        take_options(Arguments(command="show"), ["-i"])
    assert caught.value.detail == "--input-file needs a value"


def test_many_keys(files: Path, capsys: Capture) -> None:
    assert run(capsys, "verify_matrix", "-i", "signed", "-K", *["p2"] * 500, "p1") == MATRIX
