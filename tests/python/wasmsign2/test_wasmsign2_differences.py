"""Each intended difference from the published wasmsign2: what it does is a record, which `--compat` repeats."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.differences import DIFFERENCES, KEYS, VALID, same, without_delimiters
from fakes.signing import K1, K2, M
from wasm_oci.wasmsign2 import program as wasmsign2

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = wasmsign2.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_ours_does_and_what_compat_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, name: str) -> None:
    case = DIFFERENCES[name]
    monkeypatch.chdir(tmp_path)
    for file, data in {**KEYS, **case.files}.items():
        Path(file).write_bytes(data)
    before = sorted(path.name for path in tmp_path.iterdir())
    found = run(capsys, *case.arguments.split())
    assert same(case.ours, found), found
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    found = run(capsys, "--compat", *case.arguments.split())
    assert found == case.published
    written = {path.name: without_delimiters(path.read_bytes()) for path in tmp_path.iterdir() if path.name not in before}
    assert written == {file: without_delimiters(data) for file, data in case.written.items()}


def test_a_secret_key_with_another_public_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """The published program signs with the wrong half, which nothing verifies; two such signatures would give the secret away."""
    monkeypatch.chdir(tmp_path)
    for file, data in {**KEYS, "x": M, "half": K1.compact()[:33] + K2.public.raw}.items():
        Path(file).write_bytes(data)
    assert run(capsys, "sign", "-i", "x", "-o", "out", "-k", "half")[0] == 1
    assert run(capsys, "--compat", "sign", "-i", "x", "-o", "out", "-k", "half")[0] == 0
    assert run(capsys, "verify", "-i", "out", "-K", "p1") == VALID


def test_compat_refuses_what_the_published_program_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    files = DIFFERENCES["no delimiter, in part"].files
    for file, data in {**KEYS, **files, "m": M, "split": DIFFERENCES["cut off after a delimiter"].files["x"]}.items():
        Path(file).write_bytes(data)
    Path("changed").write_bytes(Path("split").read_bytes().replace(b"\x01\x60", b"\x02\x60"))
    for arguments, text in (
        ("verify -i x -K p1", "No valid signatures"),
        ("verify -i x -K p2", "No valid signatures"),
        ("verify -i x -K p2 -s a", "No valid signatures"),
        ("verify -i changed -K p1 -s a", "No valid signatures for the given predicates"),
        ("verify -i m -K p1", "No signatures found"),
        ("verify_matrix -i x -K p2", "No valid signatures"),
        ("verify_matrix -i m -K p1", "No signatures found"),
        ("sign -i x -o out -k p1", "Unsupported key type"),
        ("split -i x -o out -s (", "Invalid argument"),
        ("attach -i x -o out -S k1", "Signature already attached"),
        ("detach -i m -o out -S s", "No signatures found"),
    ):
        assert run(capsys, "--compat", *arguments.split()) == (1, "", f"{text}\n"), arguments
    assert run(capsys, "--compat", "verify_matrix", "-i", "changed", "-K", "p1") == (0, "No valid public keys found\n", "")
    signed_already = (
        run(capsys, "--compat", "sign", "-i", "m", "-o", "m", "-k", "k1"),
        run(capsys, "--compat", "sign", "-i", "m", "-o", "m", "-k", "k1"),
    )
    assert [result[0] for result in signed_already] == [0, 1]
    assert signed_already[1][2] == "Duplicate signature\n"


def test_compat_is_named_unsafe_and_comes_before_the_command(capsys: Capture) -> None:
    assert "--compat       UNSAFE" in run(capsys, "--help")[1]
    assert run(capsys, "--compat", "--compat", "show", "-i", "x")[0] == 2
    assert run(capsys, "show", "--compat", "-i", "x")[0] == 2
