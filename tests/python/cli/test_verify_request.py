"""`wasm_oci verify --request`: what a wasm_verify_test says is done, and only the time is left to who runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.program import Run
from fakes.signing import K1, K2, M, detached, signed

STORE = f"keys: [{{name: one, public_key: {K1.public.openssh().decode().strip()}, not_after: 2026-06-30}}]"


@pytest.fixture
def files(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    plain, signature = detached(tmp_path, M, K1)
    contents = {
        "one.wasm": signed(tmp_path, M, K1),
        "both.wasm": signed(tmp_path, M, K1, K2),
        "plain.wasm": plain,
        "plain.sig": signature,
        "k1.public": K1.public.compact(),
        "k2.public": K2.public.compact(),
        "list.yaml": STORE.encode(),
    }
    (tmp_path / "runfiles").mkdir()
    for name, data in contents.items():
        (tmp_path / "runfiles" / name).write_bytes(data)
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path / "runfiles"))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    return tmp_path


def request(files: Path, **members: object) -> Path:
    """A request without keys, but for `members`."""
    document = {
        "schemaVersion": 1,
        "input": "one.wasm",
        "openssh": False,
        "publicKeys": [],
        "signature": None,
        "splitRegex": None,
        "threshold": 1,
        "trustedKeys": None,
    }
    path = files / "request.json"
    path.write_text(json.dumps({name: value for name, value in {**document, **members}.items() if value != "left out"}))
    return path


def test_a_list_and_the_time_of_the_run(run: Run, files: Path) -> None:
    path = request(files, trustedKeys="list.yaml")
    assert run("verify", "--request", path, "--at", "2026-06-30").code == 0
    assert run("verify", "--request", path, "--at", "2026-06-30", "--report", "r.json").code == 0
    assert json.loads((files / "r.json").read_text())["keyNames"] == ["one"]
    expired = run("verify", "--request", path, "--at", "2026-07-01", "--output", "json")
    assert (expired.code, expired.document["error"]["reason"]) == (4, "key_expired")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"publicKeys": ["k1.public"]}, 0),
        ({"publicKeys": ["k2.public"]}, 4),
        ({"publicKeys": ["k2.public", "k1.public"]}, 0),
        ({"publicKeys": ["k2.public", "k1.public"], "threshold": 2}, 4),
        ({"publicKeys": ["k2.public", "k1.public"], "threshold": 2, "input": "both.wasm"}, 0),
        ({"publicKeys": ["k1.public"], "input": "plain.wasm"}, 4),
        ({"publicKeys": ["k1.public"], "input": "plain.wasm", "signature": "plain.sig"}, 0),
        ({"publicKeys": ["k1.public"], "splitRegex": "^name$"}, 4),
        ({"publicKeys": ["k1.public"], "openssh": True}, 2),
        ({"trustedKeys": "list.yaml", "openssh": True}, 0),
    ],
)
def test_what_it_says_is_done(run: Run, files: Path, members: dict[str, object], code: int) -> None:
    time = ["--at", "2026-06-30"] if "trustedKeys" in members else []
    assert run("verify", "--request", request(files, **members), *time).code == code


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ({"schemaVersion": 2}, [], "request.json: the request is of another version; build the target again"),
        ({"threshold": "2"}, [], "request.json: the request has no usable threshold; build the target again"),
        ({"threshold": "left out"}, [], "request.json: the request has no threshold; build the target again"),
        ({"publicKeys": None}, [], "the request has no usable publicKeys"),
        ({"input": None}, [], "the request has no usable input"),
        ({"publicKeys": ["absent"]}, [], "request.json: the file 'absent' is not in the runfiles"),
        ({"trustedKeys": "../list.yaml"}, [], "request.json: '../list.yaml' leaves the runfiles"),
        ({}, [], "a file and a public key are needed"),
        (
            {"publicKeys": ["k1.public"]},
            ["-K", "k1.public"],
            "request.json: public-key does not go with --request; give --at, --report only",
        ),
        ({"publicKeys": ["k1.public"]}, ["--trusted-keys", "x"], "does not go with --request"),
        ({"publicKeys": ["k1.public"]}, ["--threshold", "2"], "does not go with --request"),
        ({"trustedKeys": "list.yaml"}, ["--ignore-time"], "does not go with --request"),
        ({"publicKeys": ["k1.public"]}, ["-Z"], "does not go with --request"),
        ({"publicKeys": ["k1.public"], "more": 1}, [], "the request has an unknown member 'more'"),
        ({"publicKeys": ["k1.public"], "threshold": True}, [], "the request has no usable threshold"),
        ({"publicKeys": ["k1.public"]}, ["--split-regex", "x"], "does not go with --request"),
        ({"publicKeys": ["k1.public"]}, ["one.wasm"], "does not go with --request"),
        ({"publicKeys": ["k1.public"]}, ["--at", "2026-01-01"], "--at: only keys of a trust store have dates"),
    ],
)
def test_what_cannot_be_done(run: Run, files: Path, members: dict[str, object], options: list[str], message: str) -> None:
    ended = run("verify", "--request", request(files, **members), *options)
    assert (ended.code, ended.is_one_clear_error) == (2, True)
    assert message in ended.err


def test_no_request_at_all(run: Run, files: Path) -> None:
    (files / "request.json").write_text("[]")
    for path in ("request.json", "absent.json"):
        ended = run("verify", "--request", path)
        assert (ended.code, ended.is_one_clear_error) == (2, True)
        assert path in ended.err
