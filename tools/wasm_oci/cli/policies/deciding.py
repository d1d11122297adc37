"""`wasm_oci policy check` and `explain`: decides about one artifact, in one registry or in several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from wasm_oci.errors import PolicyError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import GREEN, RED, Outcome, Painted
from wasm_oci.policy.documents import document_of
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.model import Policy
from wasm_oci.policy.review.explain import explain
from wasm_oci.policy.subject import Previous, Stage, Subject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.artifact_facts import Source, read_api_change, read_previous, read_subject
from wasm_oci.policy_facts.asked_facts import with_asked_facts
from wasm_oci.policy_facts.known_keys import KnownKeys, keys_of_trust
from wasm_oci.policy_facts.policies import read_policies
from wasm_oci.policy_facts.registry_facts import named_registry, with_entry
from wasm_oci.registry_config.config_file import load_registry_config
from wasm_oci.shape import read_object
from wasm_oci.trust.timestamps import now, parse_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCheckRequest:
    """One artifact to decide about."""

    source: Source
    policies: tuple[Path, ...]
    registries: tuple[str, ...]
    """Names of entries, or hosts; empty for the registry of the reference."""
    name: str | None
    """Namespace and name."""
    tags: tuple[str, ...]
    at: Stage | None
    time: str | None
    previous: str | None
    """A version that was published, or `none`."""
    facts: Path | None
    overrides: tuple[str, ...]
    wasm_tools: Path | None = None
    """The program that compares with `previous`; None for the one on PATH."""
    explain: bool


def run_check(request: PolicyCheckRequest) -> Outcome:
    """Raises what reading policies and facts raises; the exit code is 3 where any verdict denies."""
    policy = read_policies(request.policies)
    verdicts = [decide(policy, subject, request.overrides) for subject in _subjects(request, policy)]
    allowed = all(verdict.allowed for verdict in verdicts)
    lines = [line for verdict in verdicts for line in _lines(verdict, full=request.explain)]
    document = {"allowed": allowed, "verdicts": [verdict.to_json() for verdict in verdicts]}
    return Outcome(lines=lines, document=document, exit_code=0 if allowed else PolicyError.exit_code)


def _lines(verdict: Verdict, *, full: bool) -> Iterator[str]:
    lines = iter(explain(verdict) if full else verdict.lines())
    yield Painted(next(lines), GREEN if verdict.allowed else RED)
    yield from lines


def _subjects(request: PolicyCheckRequest, policy: Policy) -> Iterator[Subject]:
    subject = read_subject(request.source)
    at: Stage = request.at or ("pull" if subject.registry else "publish")
    time = None if at == "build" else now() if request.time is None else parse_timestamp(request.time, where="--time")
    subject = replace(subject, at=at, time=time)
    if request.name:
        namespace, _, name = request.name.rpartition("/")
        subject = replace(subject, namespace=namespace, name=name)
    if request.tags:
        subject = replace(subject, tags=request.tags)
    if request.previous:
        subject = _compared(replace(subject, previous=_previous(request.source, request.previous)), request, policy)
    if request.facts:
        subject = _with_facts(subject, request.facts)
    subject = with_asked_facts(policy, subject, KnownKeys.of(keys_of_trust(request.source.trust)))
    config = load_registry_config(path) if (path := request.source.registry_config) else None
    if not request.registries:
        found = subject.registry
        yield subject if found is None or config is None else replace(subject, registry=with_entry(found, subject.path, config))
    for text in request.registries:
        yield replace(subject, registry=named_registry(text, config, request.source.plain_http))


def _previous(source: Source, text: str) -> Previous:
    return Previous() if text == "none" else read_previous(replace(source, text=text, signature=None))


def _compared(subject: Subject, request: PolicyCheckRequest, policy: Policy) -> Subject:
    """Adds what changed against the previous version, if a rule may ask for it."""
    if request.previous in (None, "none") or not any(rule.checks.get("api_changes") for rule in policy.rules):
        return subject
    return read_api_change(subject, request.source, request.previous, request.wasm_tools)


def _with_facts(subject: Subject, path: Path) -> Subject:
    """Adds what another program found; what was read here is not replaced."""
    given = parse_object(read_bounded(path, LIMITS.request_file, what="facts"), where=str(path))
    known: JsonObject = document_of(subject)
    if both := sorted(set(given) & set(known)):
        raise UsageError(f"{both[0]} was read from the artifact", where=str(path), hint=f"remove {', '.join(both)}")
    return read_object(known | given, Subject, where=str(path))
