"""`wasm_oci verify` with a trust store, a threshold, an expression, and many files."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from fakes.artifacts import key
from fakes.program import Run
from fakes.signing import K1, K2, KEY_ID_1, KEY_ID_2, M_PAYLOAD, M_SIGNED, PARTS_SIGNED, M, detached, signed
from fakes.wasm import MODULE, custom
from wasm_oci.keys.key import SecretKey

K3 = key(3)
STORE = f"""keys:
  - name: now
    public_key: {K1.public.openssh().decode().strip()}
    not_before: 2026-01-01
    not_after: 2026-12-31
  - name: lost
    public_key: {K2.public.openssh().decode().strip()}
    revoked: true
    comment: the laptop was stolen
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, keys in {"one": [K1], "two": [K2], "both": [K1, K2], "other": [K3]}.items():
        (tmp_path / f"{name}.wasm").write_bytes(signed(tmp_path, M, *keys))
    plain, signature = detached(tmp_path, M, K1)
    (tmp_path / "plain.wasm").write_bytes(plain)
    (tmp_path / "plain.wasm.sig").write_bytes(signature)
    (tmp_path / "trusted.yaml").write_text(STORE)
    (tmp_path / "compact.yaml").write_text("keys: [{name: one, public_key_file: k1.public}]")
    for number, secret in enumerate((K1, K2, K3), start=1):
        (tmp_path / f"k{number}.public").write_bytes(secret.public.compact())
    (tmp_path / "all.pub").write_bytes(K1.public.openssh() + K1.public.openssh() + K2.public.openssh())
    (tmp_path / "parts.wasm").write_bytes(PARTS_SIGNED)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["-i", "one.wasm", "--at", "2026-11-25"], ["now"]),
        (["-i", "one.wasm", "--at", "2026-12-31T23:59:59Z"], ["now"]),
        (["-i", "both.wasm", "--at", "2026-01-01"], ["now"]),
        (["-i", "one.wasm", "--ignore-time"], ["now"]),
        (["-i", "one.wasm", "--ignore-time", "--openssh"], ["now"]),
        (["-i", "plain.wasm", "-S", "plain.wasm.sig", "--ignore-time"], ["now"]),
    ],
)
def test_verified_with_a_trust_store(files: Path, run: Run, arguments: list[str], names: list[str]) -> None:
    done = run("verify", "--trusted-keys", "trusted.yaml", *arguments)
    assert (done.code, done.err) == (0, "")
    assert f"signed with key now ({KEY_ID_1.hex()})" in done.out
    document = json.loads(run("verify", "--trusted-keys", "trusted.yaml", *arguments, "--output", "json").out)
    assert (document["keyNames"], document["keyIds"]) == (names, [KEY_ID_1.hex()])


def test_without_a_time_it_is_now(files: Path, run: Run) -> None:
    (files / "past.yaml").write_text(STORE.replace("2026-", "2001-"))
    (files / "future.yaml").write_text(STORE.replace("2026-", "9001-"))
    assert "key now expired after 2001-12-31T23:59:59Z" in run("verify", "-i", "one.wasm", "--trusted-keys", "past.yaml").err
    assert "key now is not valid before 9001-01-01T00:00:00Z" in run("verify", "-i", "one.wasm", "--trusted-keys", "future.yaml").err


def test_a_threshold_is_reached(files: Path, run: Run) -> None:
    done = run("verify", "-i", "both.wasm", "-K", "all.pub", "--threshold", "2")
    assert done.out == f"Verified: both.wasm (module), signed with keys {KEY_ID_1.hex()}, {KEY_ID_2.hex()}\n"


def cut(data: bytes) -> bytes:
    return data[:-5]


REFUSED = {
    "unsigned": ("plain.wasm", ["-K", "k1.public"], "plain.wasm: the file is not signed; sign it, or give its detached signature: -S FILE"),
    "no_trusted_key": (
        "one.wasm",
        ["-K", "k2.public"],
        f"one.wasm: none of the given keys signed it (its signatures name {KEY_ID_1.hex()}; given {KEY_ID_2.hex()}); give the signer's",
    ),
    "content_changed": (
        "changed.wasm",
        ["-K", "k1.public"],
        "changed.wasm: the content is not what was signed; fetch or build the file again",
    ),
    "content_changed of a part": (
        "part.wasm",
        ["-K", "k1.public"],
        "part.wasm: the part of sections 3 to 4 (from custom section 'name' on) changed",
    ),
    "malformed_signature": ("malformed.wasm", ["-K", "k1.public"], "malformed.wasm: the signature is malformed: "),
    "malformed_signature with more": (
        "more.wasm",
        ["-K", "k1.public"],
        "more.wasm: the signature is malformed: 1 byte is left over; sign the file again",
    ),
    "unsupported_version": (
        "version.wasm",
        ["-K", "k1.public"],
        "version.wasm: the signature has specification version 9; only 1 is known; sign the file again, or use a newer program",
    ),
    "malformed_module": ("trusted.yaml", ["-K", "k1.public"], "trusted.yaml: this is neither a WebAssembly module nor a component; "),
    "malformed_module cut off": ("cut.wasm", ["-K", "k1.public"], "cut.wasm: "),
    "key_expired": (
        "one.wasm",
        ["--trusted-keys", "trusted.yaml", "--at", "2027-01-01"],
        "one.wasm: key now expired after 2026-12-31T23:59:59Z; no other trusted key signed it; have it signed with a current key, too",
    ),
    "key_not_yet_valid": (
        "one.wasm",
        ["--trusted-keys", "trusted.yaml", "--at", "2025-12-31T23:59:59Z"],
        "one.wasm: key now is not valid before 2026-01-01T00:00:00Z; no other trusted key signed it; check the clock of this machine",
    ),
    "key_revoked": (
        "two.wasm",
        ["--trusted-keys", "trusted.yaml", "--ignore-time"],
        "two.wasm: key lost is revoked; no other trusted key signed it; do not use it, unless you know its digest from elsewhere",
    ),
    "threshold": (
        "one.wasm",
        ["-K", "all.pub", "--threshold", "2"],
        f"one.wasm: 1 of the 2 required trusted keys signed it: {KEY_ID_1.hex()}; have it signed with more of the trusted keys",
    ),
    "not_split": (
        "one.wasm",
        ["-K", "k1.public", "--split-regex", "x"],
        "one.wasm: byte 146: custom section 'name' does not match 'x', unlike",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_has_its_reason_and_line(files: Path, run: Run, case: str) -> None:
    start = M_SIGNED.index(M_PAYLOAD)
    (files / "changed.wasm").write_bytes(M_SIGNED[:-1] + b"x")
    (files / "part.wasm").write_bytes(PARTS_SIGNED.replace(b"\x03foo", b"\x03bar"))
    (files / "malformed.wasm").write_bytes(M_SIGNED[: start + 3] + b"\x7f" + M_SIGNED[start + 4 :])
    (files / "more.wasm").write_bytes(MODULE + custom("signature", M_PAYLOAD + b"x") + M[8:])
    (files / "version.wasm").write_bytes(M_SIGNED[:start] + b"\x09" + M_SIGNED[start + 1 :])
    (files / "cut.wasm").write_bytes(cut(M_SIGNED))
    name, options, message = REFUSED[case]
    done = run("verify", "-i", name, *options, "--output", "json")
    assert (done.code, json.loads(done.out)["error"]["reason"]) == (4, case.split(maxsplit=1)[0])
    assert done.err.startswith(f"wasm_oci: {message}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-K", "k1.public", "--trusted-keys", "trusted.yaml"], "--trusted-keys: keys are given twice; give -K or --trusted-keys"),
        (["-K", "k1.public", "--at", "2026-01-01"], "--at: only keys of a trust store have dates"),
        (["-K", "k1.public", "--ignore-time"], "--ignore-time: only keys of a trust store have dates"),
        (["--trusted-keys", "trusted.yaml", "--at", "2026-01-01", "--ignore-time"], "--at: --at and --ignore-time are mutually exclusive"),
        (["--trusted-keys", "trusted.yaml", "--at", "now"], "--at: 'now' is not a date or time; write 2027-12-31 or"),
        (
            ["--trusted-keys", "compact.yaml", "-Z"],
            "compact.yaml: one: the key is compact, but openssh is required; give the other key file",
        ),
        (["--trusted-keys", "absent.yaml"], "absent.yaml: cannot read the trust store"),
        (["--trusted-keys", "one.wasm"], "one.wasm: not "),
        (["-K", "k1.public", "--threshold", "0"], "a threshold of 0 would trust anything"),
        (["-K", "all.pub", "--threshold", "3"], "a threshold of 3 is more than the number of different keys, which is 2"),
        (["-K", "k1.public", "--split-regex", "("], "'(' is not a usable regular expression"),
        (["-K", "k1.public", "--detached"], "--detached: one file's signature has a name; give -S FILE instead"),
        (["-K", "k1.public", "two.wasm"], "-i and -S are for one file"),
        ([], "wasm_oci: no public key is given; give -K FILE or --trusted-keys FILE"),
    ],
)
def test_usage(files: Path, run: Run, arguments: list[str], message: str) -> None:
    done = run("verify", "-i", "one.wasm", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_parts_that_an_expression_is_not_about_may_differ(files: Path, run: Run) -> None:
    source = files / "parts.src"
    source.write_bytes(MODULE + custom("a", b"1") + custom("b", b"2") + custom("a", b"3") + custom("b", b"4"))
    (files / "k").write_bytes(K1.compact())
    assert run("split", "-i", "parts.src", "-o", "split.wasm", "-s", "^a$").code == 0
    assert run("sign", "-i", "split.wasm", "-o", "s.wasm", "-k", "k").code == 0
    data = (files / "s.wasm").read_bytes()
    (files / "s.wasm").write_bytes(data.replace(custom("b", b"4"), custom("b", b"5")))
    done = run("verify", "-i", "s.wasm", "-K", "k1.public", "--split-regex", "^a$")
    assert done.code == 0
    assert done.out.endswith("; 2 of 4 parts not looked at\n")
    assert run("verify", "-i", "s.wasm", "-K", "k1.public").code == 4


def test_many_files_have_a_result_each_and_the_first_failure_counts(files: Path, run: Run) -> None:
    arguments = ["verify", "--trusted-keys", "trusted.yaml", "--at", "2026-11-25", "one.wasm", "two.wasm", "both.wasm", "other.wasm"]
    done = run(*arguments)
    assert done.code == 4
    assert [line.split()[1] for line in done.out.splitlines()] == ["one.wasm", "both.wasm"]
    assert [line.split()[1] for line in done.err.splitlines()] == ["two.wasm:", "other.wasm:"]
    done = run(*arguments, "--output", "json", "--report", "r.json")
    entries = json.loads(done.out)["files"]
    assert [(entry["input"], entry["verified"]) for entry in entries] == [
        ("one.wasm", True),
        ("two.wasm", False),
        ("both.wasm", True),
        ("other.wasm", False),
    ]
    assert [entry["error"]["reason"] for entry in entries if "error" in entry] == ["key_revoked", "no_trusted_key"]
    assert not (files / "r.json").exists()


def test_many_files_that_verify_have_one_report(files: Path, run: Run) -> None:
    done = run("verify", "-K", "k1.public", "one.wasm", "both.wasm", "--report", "r.json", "--output", "json")
    assert done.code == 0
    assert (files / "r.json").read_text() == done.out
    assert [entry["verified"] for entry in json.loads(done.out)["files"]] == [True, True]


def test_many_detached_signatures(files: Path, run: Run) -> None:
    done = run("verify", "-K", "k1.public", "--detached", "plain.wasm", "one.wasm", "--output", "json")
    assert done.code == 4
    assert [entry.get("signature") or entry["error"]["reason"] for entry in json.loads(done.out)["files"]] == [
        "detached",
        "malformed_signature",
    ]
    assert "one.wasm.sig: cannot read the signature file" in done.err


@pytest.mark.parametrize("secret", [K1, K3])
def test_a_store_in_json_is_read_too(files: Path, run: Run, secret: SecretKey) -> None:
    (files / "t.json").write_text(json.dumps({"keys": [{"name": "n", "public_key": secret.public.openssh().decode()}]}))
    assert run("verify", "-i", "one.wasm", "--trusted-keys", "t.json").code == (0 if secret is K1 else 4)


def test_a_long_list_is_not_shown_whole(files: Path, run: Run) -> None:
    keys = (base64.b64encode(number.to_bytes(32, "little")).decode() for number in range(2, 1002))
    entries = [{"name": f"k{number}", "public_key": public} for number, public in enumerate(keys)]
    (files / "long.json").write_text(json.dumps({"keys": entries}))
    done = run("verify", "-i", "one.wasm", "--trusted-keys", "long.json")
    assert (done.code, " and 992 more); give the signer's" in done.err) == (4, True)
    assert len(done.err) < 500
