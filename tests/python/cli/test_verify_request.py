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
    """A request without keys, but for `members`, which are those of `trust` where it has one of that name."""
    trust: dict[str, object] = {
        "at": None,
        "ignore_time": False,
        "openssh": False,
        "public_keys": [],
        "split_regex": None,
        "threshold": 1,
        "trusted_keys": None,
    }
    document = {"schema_version": 1, "input": "one.wasm", "signature": None}
    for name, value in members.items():
        (trust if name in trust else document)[name] = value
    trust = {name: value for name, value in trust.items() if value != "left out"}
    path = files / "request.json"
    path.write_text(json.dumps({"trust": trust, **{name: value for name, value in document.items() if value != "left out"}}))
    return path


def test_a_list_and_the_time_of_the_run(run: Run, files: Path) -> None:
    path = request(files, trusted_keys="list.yaml")
    assert run("verify", "--request", path, "--at", "2026-06-30").code == 0
    assert run("verify", "--request", path, "--at", "2026-06-30", "--report", "r.json").code == 0
    assert json.loads((files / "r.json").read_text())["keyNames"] == ["one"]
    expired = run("verify", "--request", path, "--at", "2026-07-01", "--output", "json")
    assert (expired.code, expired.document["error"]["reason"]) == (4, "key_expired")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"public_keys": ["k1.public"]}, 0),
        ({"public_keys": ["k2.public"]}, 4),
        ({"public_keys": ["k2.public", "k1.public"]}, 0),
        ({"public_keys": ["k2.public", "k1.public"], "threshold": 2}, 4),
        ({"public_keys": ["k2.public", "k1.public"], "threshold": 2, "input": "both.wasm"}, 0),
        ({"public_keys": ["k1.public"], "input": "plain.wasm"}, 4),
        ({"public_keys": ["k1.public"], "input": "plain.wasm", "signature": "plain.sig"}, 0),
        ({"public_keys": ["k1.public"], "split_regex": "^name$"}, 4),
        ({"public_keys": ["k1.public"], "openssh": True}, 2),
        ({"trusted_keys": "list.yaml", "openssh": True}, 0),
    ],
)
def test_what_it_says_is_done(run: Run, files: Path, members: dict[str, object], code: int) -> None:
    time = ["--at", "2026-06-30"] if "trusted_keys" in members else []
    assert run("verify", "--request", request(files, **members), *time).code == code


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ({"schema_version": 2}, [], "request.json: unsupported schema_version 2: this program reads 1; build the target again"),
        ({"schema_version": "1"}, [], "request.json: unsupported schema_version '1'"),
        ({"threshold": "2"}, [], "request.json: trust.threshold: expected a whole number, not '2'; build the target again"),
        ({"threshold": "left out"}, [], "request.json: trust.threshold: the member is missing; build the target again"),
        ({"public_keys": None}, [], "trust.public_keys: expected a list, not null"),
        ({"input": None}, [], "request.json: input: expected a path, not null"),
        ({"trust": None}, [], "request.json: trust: expected an object, not null"),
        ({"public_keys": ["absent"]}, [], "request.json: trust.public_keys[0]: the file 'absent' is not in the runfiles"),
        ({"trusted_keys": "../list.yaml"}, [], "request.json: trust.trusted_keys: '../list.yaml' leaves the runfiles"),
        ({}, [], "no public key is given"),
        (
            {"public_keys": ["k1.public"]},
            ["-K", "k1.public"],
            "request.json: public-key does not go with --request; give --at, --report only",
        ),
        ({"public_keys": ["k1.public"]}, ["--trusted-keys", "x"], "does not go with --request"),
        ({"public_keys": ["k1.public"]}, ["--threshold", "2"], "does not go with --request"),
        ({"trusted_keys": "list.yaml"}, ["--ignore-time"], "does not go with --request"),
        ({"public_keys": ["k1.public"]}, ["-Z"], "does not go with --request"),
        ({"public_keys": ["k1.public"], "more": 1}, [], "more: unknown member 'more'"),
        ({"public_keys": ["k1.public"], "threshold": True}, [], "trust.threshold: expected a whole number, not true"),
        ({"public_keys": ["k1.public"]}, ["--split-regex", "x"], "does not go with --request"),
        ({"public_keys": ["k1.public"]}, ["one.wasm"], "does not go with --request"),
        ({"public_keys": ["k1.public"]}, ["--at", "2026-01-01"], "--at: only keys of a trust store have dates"),
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
