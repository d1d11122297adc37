"""`wasm_oci policy simulate` and `lint`, on files."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from fakes.artifacts import public
from fakes.program import Run
from fakes.wasm import COMPONENT

OLD = "name: old\ndefault: {signing: optional, max_size: 100}\n"
NEW = "name: new\ndefault: {signing: optional, max_size: 200}\ncomponents:\n  - {pattern: pay, signing: required}\n"
MOST = 5.0
SLACK = 6
"""Machines of tests are slow and shared."""


@pytest.fixture
def policies(run: Run, tmp_path: Path) -> Run:
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    return run


def records(folder: Path, *documents: object) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


def subject(name: str, size: int) -> dict[str, object]:
    return {"name": name, "size": size, "signers": [], "at": "publish"}


def test_two_policies_over_subjects(policies: Run, tmp_path: Path) -> None:
    log = records(tmp_path, subject("a", 1), subject("b", 150), subject("pay", 1), subject("c", 500))
    ended = policies("policy", "simulate", "new.yaml", "--against", "old.yaml", "--log", log)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"{log}:2: b: denied by default becomes allowed by default",
        "  no longer: it has 150 bytes, more than 100 bytes (old.yaml:2)",
        f"{log}:3: pay: allowed by default becomes denied by component:pay",
        "  it is not signed (new.yaml:4)",
        "4 subjects: 1 would become denied, 1 would become allowed",
    ]
    document = policies("policy", "simulate", "new.yaml", "--against", "old.yaml", "--log", log, "--output", "json").document
    assert (document["subjects"], document["becomeDenied"], document["becomeAllowed"]) == (4, 1, 1)


def test_what_was_decided_is_the_record(policies: Run, tmp_path: Path) -> None:
    (tmp_path / "pay.wasm").write_bytes(COMPONENT)
    checked = policies("policy", "check", "pay.wasm", "--policy", "old.yaml", "--output", "json")
    assert checked.code == 0
    log = records(tmp_path, checked.document, checked.document["verdicts"][0])
    ended = policies("policy", "simulate", "new.yaml", "--log", log)
    assert ended.out.count("pay: allowed by default becomes denied by component:pay") == 2
    assert policies("policy", "simulate", "old.yaml", "--log", log).out == "2 subjects: 0 would become denied, 0 would become allowed\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x", "log.jsonl:1: not valid JSON"),
        ("[]", "log.jsonl:1: expected a JSON object"),
        ("{}", "log.jsonl:1: name: the member is missing"),
        ('{"name": "a", "sise": 1}', "sise: unknown member 'sise'; did you mean size?"),
        ('{"subject": {"name": "a"}}', "this is neither a verdict nor a subject"),
        ('{"subject": {"name": "a", "time": "x"}, "decision": "allow", "decidedBy": {}}', "'x' is not a date or time"),
        ('{"verdicts": [1]}', "a verdict is not an object"),
    ],
)
def test_a_record_that_cannot_be_read(policies: Run, tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "log.jsonl").write_text(line + "\n")
    ended = policies("policy", "simulate", "new.yaml", "--against", "old.yaml", "--log", "log.jsonl")
    assert (ended.code, ended.is_one_clear_error) == (2, True)
    assert problem in ended.err


def test_ten_thousand_records(policies: Run, tmp_path: Path) -> None:
    facts = {
        "registry": {"name": "github", "host": "ghcr.io", "prefix": "my-org", "plain_http": False},
        "tags": ["1.2.3"],
        "digests": ["sha256:" + "0" * 64],
        "annotations": [{"name": "org.opencontainers.image.version", "value": "1.2.3"}],
        "imports": [{"name": f"wasi:io/streams@0.2.{number}"} for number in range(5)],
        "signers": [{"key_id": "01", "names": ["release"]}],
    }
    log = records(tmp_path, *(subject(f"c{number}", number % 300) | facts for number in range(10_000)))
    start = time.process_time()
    ended = policies("policy", "simulate", "new.yaml", "--against", "old.yaml", "--log", log, "--output", "json")
    assert time.process_time() - start < MOST * SLACK
    assert ended.document["becomeAllowed"] == sum(100 < number % 300 <= 200 for number in range(10_000))
    assert ended.document["becomeDenied"] == 0


def test_lint(policies: Run, tmp_path: Path) -> None:
    assert policies("policy", "lint", "old.yaml").out == "old.yaml: 0 errors, 0 warnings\n"
    (tmp_path / "p.yaml").write_text(
        "default:\n  signing: required\n  keys: [releas]\nregistries: [{registry: githb, plain_http: denied}]\n"
    )
    line = public(1).openssh().decode().strip()
    (tmp_path / "keys.yaml").write_text(f"keys:\n  - {{name: release, public_key: {line}}}\n")
    (tmp_path / "r.yaml").write_text("registries: ['github|ghcr.io']\n")
    ended = policies("policy", "lint", "p.yaml", "--trusted-keys", "keys.yaml", "--registries", "r.yaml", "--at", "2027-06-01")
    assert ended.code == 2
    assert "error: p.yaml:1: default: unknown key releas; did you mean release?" in ended.out
    assert "warning: p.yaml:4: registry:githb: no registry is githb (there are github (ghcr.io))" in ended.out
    assert ended.out.endswith("p.yaml: 2 errors, 1 warnings\n")


def test_lint_reads_the_subjects_of_a_log(policies: Run, tmp_path: Path) -> None:
    log = records(tmp_path, subject("hello", 1))
    document = policies("policy", "lint", "new.yaml", "--log", log, "--output", "json").document
    assert [problem["what"] for problem in document["problems"]] == ["pay matches none of 1 subjects"]
    assert document["errors"] == 0
