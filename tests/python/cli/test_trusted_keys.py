"""`wasm_oci trusted-keys`: what counts when, the normal form, and a build's key files."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from fakes.program import Run
from fakes.signing import K1, K2, KEY_ID_1, KEY_ID_2, SSH_LINE_1
from wasm_oci.limits import LIMITS

STORE = f"""keys:
  - {{name: two, public_key_file: keys/two.public, revoked: true, development: true}}
  - {{name: one, public_key: {SSH_LINE_1}, not_before: 2026-01-01, not_after: 2026-12-31, comment: mine}}
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/two.public").write_bytes(K2.public.compact())
    (tmp_path / "t.yaml").write_text(STORE)
    return tmp_path


@pytest.mark.parametrize(
    ("at", "reason", "words"),
    [
        ("2026-06-01", None, "counts"),
        ("2027-06-01", "key_expired", "key one expired after 2026-12-31T23:59:59Z"),
        ("2025-06-01", "key_not_yet_valid", "key one is not valid before 2026-01-01T00:00:00Z"),
    ],
)
def test_which_keys_count(run: Run, at: str, reason: str | None, words: str) -> None:
    done = run("trusted-keys", "-i", "t.yaml", "--at", at)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [f"one ({KEY_ID_1.hex()}): {words}", f"two ({KEY_ID_2.hex()}): key two is revoked, made by a build"]
    assert run("trusted-keys", "-i", "t.yaml", "--at", at, "--output", "json").document == {
        "schemaVersion": 1,
        "at": f"{at}T00:00:00Z",
        "keys": [
            {"name": "one", "keyId": KEY_ID_1.hex(), "counts": reason is None, "reason": reason},
            {"name": "two", "keyId": KEY_ID_2.hex(), "counts": False, "reason": "key_revoked"},
        ],
    }


def test_the_normal_form_needs_no_other_file_and_no_time(run: Run, files: Path) -> None:
    assert run("trusted-keys", "-i", "t.yaml", "-o", "t.json", "--at", "2001-01-01").code == 0
    document = json.loads((files / "t.json").read_text())
    assert document == {
        "schemaVersion": 1,
        "keys": [
            {
                "name": "one",
                "key_id": KEY_ID_1.hex(),
                "public_key": SSH_LINE_1,
                "not_before": "2026-01-01T00:00:00Z",
                "not_after": "2026-12-31T23:59:59Z",
                "comment": "mine",
            },
            {
                "name": "two",
                "key_id": KEY_ID_2.hex(),
                "public_key": base64.b64encode(K2.public.compact()).decode(),
                "revoked": True,
                "development": True,
            },
        ],
    }
    (files / "keys/two.public").unlink()
    assert run("trusted-keys", "-i", "t.json", "-o", "again.json").code == 0
    assert (files / "again.json").read_bytes() == (files / "t.json").read_bytes()


def test_a_list_as_long_as_allowed_has_a_normal_form(run: Run, files: Path) -> None:
    def entries(comment: str) -> str:
        keys = (base64.b64encode(number.to_bytes(32, "little")).decode() for number in range(2, LIMITS.trusted_keys + 2))
        return ", ".join(f"{{name: a-key-of-the-team-{key}, public_key: {key}, not_after: 2027-01-01{comment}}}" for key in keys)

    (files / "t.yaml").write_text(f"keys: [{entries('')}]")
    assert run("trusted-keys", "-i", "t.yaml", "-o", "t.json").code == 0
    assert run("trusted-keys", "-i", "t.json", "-q").code == 0
    (files / "t.yaml").write_text(f"keys: [{entries(', comment: ' + 'c' * 800)}]")
    done = run("trusted-keys", "-i", "t.yaml", "-o", "large.json")
    assert (done.code, done.is_one_clear_error) == (2, True)
    assert "t.yaml: the normal form would be larger than 1048576 bytes; shorten the comments" in done.err
    assert not (files / "large.json").exists()


def test_a_build_names_every_key_file(run: Run, files: Path) -> None:
    (files / "t.yaml").write_text("keys: [{name: a, public_key_file: keys/a.pub}, {name: b, public_key_file: ../made/b.pub}]")
    (files / "a").write_bytes(K1.public.openssh())
    (files / "b").write_bytes(K2.public.compact())
    arguments = ["trusted-keys", "-i", "t.yaml", "--place", "pkg/t.yaml", "-o", "t.json", "--file-path=pkg/keys/a.pub", "--file=a"]
    assert "pkg/t.yaml: made/b.pub is not among the srcs of the target; add its label to srcs" in run(*arguments).err
    assert run(*arguments, "--development-path=made/b.pub", "--file=b").code == 0
    keys = json.loads((files / "t.json").read_text())["keys"]
    assert [(key["name"], key.get("development", False)) for key in keys] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "absent.yaml"], "absent.yaml: cannot read the trust store"),
        (["-i", "t.yaml", "--at", "soon"], "--at: 'soon' is not a date or time"),
        (["-i", "t.yaml", "--place", "t.yaml"], "t.yaml: keys/two.public is not among the srcs"),
        (["-i", "t.yaml", "--place", "t.yaml", "--file-path=keys/two.public", "--file=absent"], "absent: cannot read the public key"),
        (["-i", "t.yaml", "--place", "t.yaml", "--file=two"], "--file: 1 key files have 0 paths; give each --file one --file-path"),
        (["-i", "t.yaml", "-o", "no/t.json"], "no/t.json: cannot write the output file"),
    ],
)
def test_usage(run: Run, arguments: list[str], message: str) -> None:
    done = run("trusted-keys", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
