"""What our `wasmsign2` refuses and the published one does not, `wasm_oci` refuses too, and so does a wasm_verify_test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.differences import DIFFERENCES, KEYS
from fakes.program import Run

VERIFIED = [name for name, case in DIFFERENCES.items() if case.arguments.startswith("verify")]


def words_of(arguments: str) -> list[str]:
    """Returns the command in the words of `wasm_oci`, which has no `verify_matrix`: there one command takes many keys."""
    same = arguments.replace("verify_matrix", "verify").replace("-K p1 p2", "-K p1 -K p2").replace(" -s ", " --split-regex ")
    return same.split()


def request_of(words: list[str]) -> dict[str, object]:
    """Returns what the launcher of a wasm_verify_test passes on."""
    options = list(zip(words[1::2], words[2::2], strict=True))
    values = dict(options)
    return {
        "schema_version": 1,
        "input": values["-i"],
        "signature": values.get("-S"),
        "trust": {
            "at": None,
            "ignore_time": False,
            "openssh": False,
            "public_keys": [value for option, value in options if option == "-K"],
            "split_regex": values.get("--split-regex"),
            "threshold": 1,
            "trusted_keys": None,
        },
    }


def put(folder: Path, name: str) -> None:
    for file, data in {**KEYS, **DIFFERENCES[name].files}.items():
        (folder / file).write_bytes(data)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_command_is_refused_and_writes_nothing(tmp_path: Path, run: Run, name: str) -> None:
    put(tmp_path, name)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run(*words_of(DIFFERENCES[name].arguments), "--output", "json")
    assert (done.code, done.document["error"]["reason"]) == (4 if name in VERIFIED else 2, DIFFERENCES[name].reason)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", VERIFIED)
def test_the_request_of_a_test_target_is_refused(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    put(tmp_path, name)
    Path("request.json").write_text(json.dumps(request_of(words_of(DIFFERENCES[name].arguments))))
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    done = run("verify", "--request", "request.json", "--output", "json")
    assert (done.code, done.document["error"]["reason"]) == (4, DIFFERENCES[name].reason)
