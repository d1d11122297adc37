"""Each intended difference from the published wasmsign2: what that one does is a record (tests/interop runs it)."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.differences import DIFFERENCES, KEYS, same
from fakes.signing import K1, K2, M_PAYLOAD, M
from wasm_oci.wasmsign2 import program as wasmsign2

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = wasmsign2.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_ours_does_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, name: str) -> None:
    case = DIFFERENCES[name]
    monkeypatch.chdir(tmp_path)
    for file, data in {**KEYS, **case.files}.items():
        Path(file).write_bytes(data)
    before = sorted(path.name for path in tmp_path.iterdir())
    found = run(capsys, *case.arguments.split())
    assert same(case.ours, found), found
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_secret_key_with_another_public_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """The published program signs with the wrong half, which nothing verifies; two such signatures would give the secret away."""
    monkeypatch.chdir(tmp_path)
    for file, data in {**KEYS, "x": M, "half": K1.compact()[:33] + K2.public.raw}.items():
        Path(file).write_bytes(data)
    code, out, err = run(capsys, "sign", "-i", "x", "-o", "out", "-k", "half")
    assert (code, out, err.startswith("Usage error: half: ")) == (1, "", True)
    assert not Path("out").exists()


def test_both_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    files = DIFFERENCES["no delimiter, in part"].files
    for file, data in {**KEYS, **files, "m": M, "sig": M_PAYLOAD, "split": DIFFERENCES["cut off after a delimiter"].files["x"]}.items():
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
        ("attach -i x -o out -S sig", "Signature already attached"),
        ("detach -i m -o out -S s", "No signatures found"),
    ):
        assert run(capsys, *arguments.split()) == (1, "", f"{text}\n"), arguments
    assert run(capsys, "verify_matrix", "-i", "changed", "-K", "p1") == (0, "No valid public keys found\n", "")
    signed_already = (
        run(capsys, "sign", "-i", "m", "-o", "m", "-k", "k1"),
        run(capsys, "sign", "-i", "m", "-o", "m", "-k", "k1"),
    )
    assert [result[0] for result in signed_already] == [0, 1]
    assert signed_already[1][2] == "Duplicate signature\n"


@pytest.mark.parametrize(
    "arguments", [["--compat"], ["--compat", "verify", "-i", "x", "-K", "p1"], ["verify", "--compat", "-i", "x", "-K", "p1"]]
)
def test_there_is_no_unsafe_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for file, data in {**KEYS, **DIFFERENCES["cut off after a delimiter"].files}.items():
        Path(file).write_bytes(data)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: unexpected argument found\n")
    assert "--compat" in err
    assert "compat" not in run(capsys, "--help")[1]
