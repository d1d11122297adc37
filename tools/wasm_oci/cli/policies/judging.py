"""`wasm_oci policy verdict`, which decides in a build, and the test of a policy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wasm_oci.errors import PolicyError
from wasm_oci.files import write_file
from wasm_oci.jsontext import pretty
from wasm_oci.outcome import GREEN, RED, Outcome, Painted
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.judgement import Judged, JudgedKey, Judgement, PolicyTestRequest, judge
from wasm_oci.runfiles import Runfiles
from wasm_oci.shape import read_request, read_request_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNames:
    """The names of a key whose file the command line has."""

    name: str
    label: str
    development: bool
    signs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFacts(Judged):
    """What a build rule says of what it made; the files are on the command line, in the same order."""

    keys: tuple[KeyNames, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVerdictRequest:
    """Something that a build made, to decide about."""

    facts: str
    """JSON."""
    component: Path
    layout: Path | None
    signature: Path | None
    policies: tuple[Path, ...]
    keys: tuple[Path, ...]
    trust_stores: tuple[Path, ...]
    registry_list: Path | None
    output: Path


def run_verdict(request: PolicyVerdictRequest) -> Outcome:
    """Writes the verdicts; raises PolicyError for the first registry where it is denied, and what `judge` raises."""
    facts = read_request_bytes(request.facts.encode("utf-8", "surrogateescape"), JudgedFacts, where="--facts")
    keys = tuple(JudgedKey(**asdict(names), public_key=file) for names, file in zip(facts.keys, request.keys, strict=True))
    judged = {name: getattr(facts, name) for name in Judged.__dataclass_fields__}
    verdicts = judge(
        Judgement(
            **judged,
            component=request.component,
            layout=request.layout,
            signature=request.signature,
            policies=request.policies,
            keys=keys,
            trust_stores=request.trust_stores,
            registry_list=request.registry_list,
        )
    )
    for verdict in verdicts:
        place = f" in {verdict.subject.registry}" if verdict.subject.registry else ""
        verdict.require(where=f"{facts.target}: {verdict.subject.path}{place}")
    document = {"allowed": True, "verdicts": [verdict.to_json() for verdict in verdicts]}
    write_file(request.output, pretty({"schemaVersion": 1, **document}), what="verdict")
    return Outcome(lines=[line for verdict in verdicts for line in verdict.lines()], document=document)


def run_test(path: Path) -> Outcome:
    """Decides as a build does; raises PolicyError where the decision, or the rule that decided, is another than expected."""
    request = read_request(path, PolicyTestRequest, Runfiles(os.environ))
    verdicts = judge(request)
    wrong = [verdict for verdict in verdicts if not _is_expected(verdict, request)]
    lines: list[str] = []
    for verdict in verdicts:
        first, *rest = verdict.lines()
        lines += [Painted(first, RED if verdict in wrong else GREEN), *rest]
    if wrong:
        found = wrong[0]
        rule = f" by {request.expected_rule}" if request.expected_rule else ""
        raise PolicyError(
            f"expected is {request.expected}{rule}, but it is {_words(found)}",
            where=f"{request.target}: {found.subject.path}",
            hint=_hint(found),
            reason="unexpected",
        )
    return Outcome(lines=lines, document={"verdicts": [verdict.to_json() for verdict in verdicts]})


def _is_expected(verdict: Verdict, request: PolicyTestRequest) -> bool:
    if verdict.allowed != (request.expected == "allow"):
        return False
    deciding = {verdict.decided_by} if verdict.allowed else {each.rule_name for each in verdict.denials}
    return not request.expected_rule or request.expected_rule in deciding


def _words(verdict: Verdict) -> str:
    denials: Sequence[str] = [each.finding.what for each in verdict.denials]
    reason = f": {denials[0]}" if denials else ""
    return f"{'allowed' if verdict.allowed else 'denied'} by {verdict.decided_by}{reason}"


def _hint(verdict: Verdict) -> str:
    return verdict.change or "change the policy, or what the test expects"
