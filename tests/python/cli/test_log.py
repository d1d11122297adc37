"""`wasm_oci log`: making a log, appending, showing, verifying, exporting and proving."""

from __future__ import annotations

import io
import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakes.program import Ended, Run
from fakes.signing import K1, K2
from log import naive_tree
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.limits import LIMITS
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.note import Verifier
from wasm_oci.log.settings import open_log
from wasm_oci.log.writer import append

KEY = str(Verifier(name="example.com/audit", public=K1.public))
RECORDS = [{"n": number} for number in range(300)]
ENTRIES = [b'{"n":%d}' % number for number in range(300)]


@pytest.fixture(autouse=True)
def log(tmp_path: Path, run: Run) -> Path:
    (tmp_path / "log.secret").write_bytes(K1.compact())
    (tmp_path / "records").write_text("".join(f"{json.dumps(record)}\n\n" for record in RECORDS))
    made = run("log", "init", "audit", "--origin", "example.com/audit", "-k", "log.secret", "--output", "json")
    assert (made.code, made.err) == (0, "")
    assert made.document == {"schemaVersion": 1, "log": "audit", "origin": "example.com/audit", "verifierKey": KEY}
    return tmp_path / "audit"


def filled(run: Run) -> Ended:
    return run("log", "append", "audit", "records")


def test_making_a_log(run: Run, log: Path) -> None:
    settings = (log / "settings.json").read_text()
    assert json.loads(settings) == {
        "schema_version": 1,
        "verifier_key": KEY,
        "key_source": "file",
        "key_ref": str(log.parent / "log.secret"),
    }
    assert K1.compact().hex() not in settings
    again = run("log", "init", "audit", "--origin", "example.com/audit", "-k", "log.secret")
    assert (again.code, again.err) == (2, "wasm_oci: audit: there is a log already; give another folder\n")
    other = run("log", "init", "audit", "--origin", "example.com/other", "-k", "log.secret")
    assert (other.code, other.err) == (2, "wasm_oci: audit: there is a log already; give another folder\n")
    spaced = run("log", "init", "other", "--origin", "my log", "-k", "log.secret")
    assert (spaced.code, spaced.err) == (2, "wasm_oci: --origin: 'my log' cannot name a log; write a name such as example.com/audit\n")
    keyless = run("log", "init", "other", "--origin", "x")
    assert keyless.code == 2
    assert "a log has one key, not 0" in keyless.err
    program = run("log", "init", "other", "--origin", "x", "--key-source", "command", "--key-ref", "sign", "-K", "log.secret")
    assert program.code == 2
    assert not Path(log.parent / "other").exists()


def test_making_a_log_again_after_a_crash(run: Run, log: Path) -> None:
    (log / "checkpoint").unlink()
    assert run("log", "init", "audit", "--origin", "example.com/audit", "-k", "log.secret").code == 0
    assert filled(run).code == 0


def test_appending(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert filled(run).out == "Appended: the log example.com/audit has 300 records\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b'{ "b": 1.50, "a": "\\u00e9" }')))
    assert run("log", "append", "audit", "-", "--output", "json").document["size"] == 301
    assert run("log", "show", "audit", "300").out.splitlines()[0] == '300  {"a":"\u00e9","b":1.50}'
    (log.parent / "none").write_text("")
    assert run("log", "append", "audit", "none").out == "Nothing to append: the log example.com/audit has 301 records\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[1]", "records: line 2: expected a JSON object, not list"),
        ('{"a":1', "records: line 2: not valid JSON"),
        ('{"a":1,"a":1}', "records: line 2: not valid JSON (an object has the same key twice)"),
        (f'{{"a":"{"x" * 70_000}"}}', "records: line 2: the record has 70008 bytes, and a log holds 65535 at most"),
        ("x" * 300_000, "records: line 2: the line is longer than 262140 bytes"),
    ],
)
def test_one_line_that_is_not_a_record_and_nothing_is_appended(run: Run, log: Path, line: str, words: str) -> None:
    (log.parent / "records").write_text(f"{{}}\n{line}\n")
    done = filled(run)
    assert done.code == 2
    assert done.err.startswith(f"wasm_oci: {words}")
    assert run("log", "verify", "audit", "--own-key", "--output", "json").document["size"] == 0


def test_more_records_than_one_step_takes(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasm_oci.cli.log.writing.LIMITS", replace(LIMITS, log_records=1000))
    done = filled(run)
    assert (done.code, done.err) == (2, "wasm_oci: records: more than 1000 bytes; append them in several steps\n")
    assert run("log", "verify", "audit", "--own-key", "--output", "json").document["size"] == 0
    assert log.is_dir()


def test_an_append_after_a_crash_of_making_the_log(run: Run, log: Path) -> None:
    (log / "checkpoint").rename(log / "checkpoint.next")
    assert filled(run).code == 0


def test_a_log_whose_key_is_another_one(run: Run, log: Path) -> None:
    (log.parent / "log.secret").write_bytes(K2.compact())
    done = filled(run)
    assert done.code == 2
    assert "does not belong to the secret key" in done.err


def test_a_log_that_is_not_there(run: Run) -> None:
    for line in (["append", "none", "records"], ["show", "none"], ["prove", "none", "0", "-o", "p"], ["verify", "none", "--own-key"]):
        done = run("log", *line)
        assert (done.code, done.err) == (2, "wasm_oci: none: there is no log in this folder; make one with `wasm_oci log init`\n")


def test_showing(run: Run) -> None:
    assert run("log", "show", "audit").out == "0 of 0 records; not verified: see `wasm_oci log verify`\n"
    filled(run)
    shown = run("log", "show", "audit", "--last", "2", "--output", "json").document
    assert shown["records"] == [{"index": index, "record": {"n": index}} for index in (298, 299)]
    assert run("log", "show", "audit", "--with", '"n":25').out.count("\n") == 12
    assert run("log", "show", "audit", "255", "--output", "json").document["records"] == [{"index": 255, "record": {"n": 255}}]
    assert run("log", "show", "audit", "--last", "0").out.startswith("0 of 300 records;")
    absent = run("log", "show", "audit", "300")
    assert (absent.code, absent.err) == (2, "wasm_oci: audit: there is no record 300: the log has 300 records\n")


def test_verifying(run: Run, log: Path) -> None:
    filled(run)
    first = run("log", "verify", "audit", "--log-key", KEY, "--keep", "kept")
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines()[0] == "Whole: the log example.com/audit, 300 records"
    assert "--since" in first.out
    filled(run)
    second = run("log", "verify", "audit", "--log-key", KEY, "--since", "kept", "--keep", "kept", "--output", "json")
    assert second.document["since"] == [300]
    assert second.document["size"] == 600
    (log.parent / "key").write_text(f"{KEY}\n")
    assert run("log", "verify", "audit", "--log-key", "key", "--since", "kept").out.splitlines()[1].startswith("  0 records more than")


def test_which_key_is_asked_for(run: Run, log: Path) -> None:
    for line in ([], ["--own-key", "--log-key", KEY]):
        done = run("log", "verify", "audit", *line)
        assert done.code == 2
        assert "no key, or two, to verify the log by; give --log-key KEY" in done.err
    other = str(Verifier(name="example.com/audit", public=K2.public))
    done = run("log", "verify", "audit", "--log-key", other)
    assert done.code == 4
    assert "the log's key did not sign the checkpoint" in done.err
    witness = str(Verifier(name="w", public=K2.public, cosigner=True))
    assert "this is the key of a witness, not of a log" in run("log", "verify", "audit", "--log-key", witness).err
    assert run("log", "verify", "audit", "--log-key", KEY[:-1]).code == 2


def test_a_log_that_was_changed_cut_or_begun_anew(run: Run, log: Path) -> None:
    filled(run)
    assert run("log", "verify", "audit", "--own-key", "--keep", "kept").code == 0
    bundle = log / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b'{"n":17}', b'{"n":18}'))
    edited = run("log", "verify", "audit", "--own-key")
    assert edited.code == 4
    assert "record 17 is not the one of the log's tiles" in edited.err
    exported = run("log", "export", "audit", "--own-key", "-o", "out")
    assert exported.code == 4
    assert not (log.parent / "out").exists()
    shutil.rmtree(log)
    run("log", "init", "audit", "--origin", "example.com/audit", "-k", "log.secret")
    cut = run("log", "verify", "audit", "--own-key", "--since", "kept", "--output", "json")
    assert (cut.code, cut.document["error"]["reason"]) == (4, "truncated")
    (log.parent / "records").write_text('{"other":1}\n' * 300)
    filled(run)
    fork = run("log", "verify", "audit", "--own-key", "--since", "kept", "--output", "json")
    assert (fork.code, fork.document["error"]["reason"]) == (4, "fork")


def test_a_record_of_another_form(run: Run, log: Path) -> None:
    known = open_log(log)
    append(known.folder, [b'{ "a": 1 }'], "example.com/audit", known.signer(PassphraseSource(environ={}), {}))
    for line in (["verify", "audit", "--own-key"], ["export", "audit", "--own-key", "-o", "out"], ["show", "audit"]):
        done = run("log", *line)
        assert done.code == 4
        assert "record 0 is not canonical JSON" in done.err


def test_exporting(run: Run, log: Path) -> None:
    filled(run)
    assert run("log", "export", "audit", "--log-key", KEY, "-o", "out").code == 0
    assert (log.parent / "out").read_bytes() == b"".join(entry + b"\n" for entry in ENTRIES)


def test_a_proof_needs_no_log(run: Run, log: Path) -> None:
    filled(run)
    for index in (0, 255, 299):
        assert run("log", "prove", "audit", str(index), "-o", "p", "--record", "r").code == 0
        assert (log.parent / "r").read_bytes() == ENTRIES[index]
        log.rename(log.parent / "away")
        done = run("log", "verify", "--proof", "p", "--record", "r", "--log-key", KEY)
        assert (done.code, done.out) == (0, f"Proved: record {index} of the log example.com/audit\n")
        (log.parent / "r").write_text('{"n":1}')
        wrong = run("log", "verify", "--proof", "p", "--record", "r", "--log-key", KEY, "--output", "json")
        assert (wrong.code, wrong.document["error"]["reason"]) == (4, "not_in_log")
        (log.parent / "away").rename(log)
    assert run("log", "prove", "audit", "300", "-o", "p").code == 2
    (log.parent / "p").write_text("no proof")
    assert run("log", "verify", "--proof", "p", "--record", "r", "--log-key", KEY).code == 4


@pytest.mark.parametrize(
    "line",
    [["--proof", "p"], ["--record", "r"], ["audit", "--proof", "p", "--record", "r"], [], ["--proof", "p", "--record", "r", "--keep", "k"]],
)
def test_what_does_not_go_together(run: Run, line: list[str]) -> None:
    done = run("log", "verify", *line, "--log-key", KEY)
    assert done.code == 2
    assert "these do not go together" in done.err


def test_a_proof_by_the_key_of_its_folder_only_is_refused(run: Run) -> None:
    assert run("log", "verify", "--proof", "p", "--record", "r", "--own-key").code == 2


def test_a_witness(run: Run, log: Path) -> None:
    """It cosigns what follows the checkpoint that it cosigned last, and nothing else."""
    (log.parent / "witness.secret").write_bytes(K2.compact())
    line = ["log", "cosign", "audit", "--log-key", KEY, "--name", "witness.example/w1", "-k", "witness.secret"]
    witness = str(Verifier(name="witness.example/w1", public=K2.public, cosigner=True))
    filled(run)
    assert (
        run("log", "verify", "audit", "--log-key", KEY, "--witness", witness, "--output", "json").document["error"]["reason"]
        == "no_witness"
    )
    assert "give --since FILE, or --first" in run(*line).err
    first = run(*line, "--first", "--keep", "cosigned", "--output", "json")
    assert first.document == {"schemaVersion": 1, "origin": "example.com/audit", "size": 300, "witnessKey": witness}
    assert (log.parent / "cosigned").read_bytes() == (log / "checkpoint").read_bytes()
    assert run("log", "verify", "audit", "--log-key", KEY, "--witness", witness).code == 0
    assert run(*line, "--since", "cosigned").code == 0
    assert (log / "checkpoint").read_bytes().count(b"witness.example/w1") == 1
    assert run("log", "prove", "audit", "7", "-o", "p", "--record", "r").code == 0
    assert run("log", "verify", "--proof", "p", "--record", "r", "--log-key", KEY, "--witness", witness).code == 0
    other = str(Verifier(name="witness.example/w2", public=K2.public, cosigner=True))
    assert run("log", "verify", "--proof", "p", "--record", "r", "--log-key", KEY, "--witness", other).code == 4
    assert "is not the key of a witness" in run("log", "verify", "audit", "--log-key", KEY, "--witness", KEY).err
    filled(run)
    assert run("log", "verify", "audit", "--log-key", KEY, "--witness", witness).code == 4
    shutil.rmtree(log)
    run("log", "init", "audit", "--origin", "example.com/audit", "-k", "log.secret")
    (log.parent / "records").write_text('{"other":1}\n' * 400)
    filled(run)
    refused = run(*line, "--since", "cosigned")
    assert (refused.code, "the log is a fork" in refused.err) == (4, True)
    assert b"witness" not in (log / "checkpoint").read_bytes()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["--name", "a b"], "'a b' cannot name a witness"),
        (["--name", "w"], "a witness has one key, not 0"),
        (["--name", "w", "--first", "--since", "x"], "or --first"),
    ],
)
def test_a_witness_that_cannot_cosign(run: Run, log: Path, changed: list[str], words: str) -> None:
    keys = [] if "0" in words else ["-k", str(log.parent / "log.secret")]
    done = run("log", "cosign", "audit", "--own-key", *([] if "--first" in changed else ["--first"]), *changed, *keys)
    assert (done.code, words in done.err) == (2, True)


def test_a_key_in_a_variable(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_KEY", K1.openssh().decode())
    assert run("log", "init", "other", "--origin", "example.com/audit", "--key-source", "env", "--key-ref", "LOG_KEY").code == 0
    assert run("log", "append", "other", "records").code == 0
    checkpoint = LogFolder(log.parent / "other").checkpoint(Verifier(name="example.com/audit", public=K1.public))
    assert checkpoint.root == naive_tree.root(ENTRIES)
    assert stat.S_ISREG((log.parent / "other/settings.json").stat().st_mode)
    monkeypatch.delenv("LOG_KEY")
    assert run("log", "append", "other", "records").code == 2
