"""Decides where release indexes may be published, and under which tags. All else that policies ask is about the members."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wasm_oci.decisions.policies import decision_of
from wasm_oci.policy.evaluate import NO_RULE, decide
from wasm_oci.policy.model import Policy
from wasm_oci.policy.subject import Subject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.place_facts import places_of
from wasm_oci.publish.release_request import IndexRequest, ReleaseRequest

_ABOUT = ("allowed_registries", "plain_http", "namespaces", "tags")

ReadPolicies = Callable[[tuple[Path, ...]], Policy]


def require_indexes(request: ReleaseRequest, read: ReadPolicies, time: datetime) -> None:
    """Raises PolicyError for the first release index that its policies deny, and what reading them raises."""
    for index in request.indexes:
        verdicts = list(_verdicts(index, request.plain_http, read, time)) if index.policy.policies else []
        if verdicts:
            where = f"release index {verdicts[0].subject.path}"
            decision_of(verdicts, where=where, digest=None, override_reason=index.policy.override_reason).require()


def _verdicts(index: IndexRequest, plain_http: Collection[str], read: ReadPolicies, time: datetime) -> Iterator[Verdict]:
    """An override that only a policy of a member has lifts nothing here."""
    policy = read(index.policy.policies).about(_ABOUT)
    if policy is None:
        return
    known = {exception.name for exception in policy.exceptions}
    overrides = [name for name in index.policy.overrides if name in known]
    for place in places_of(index.destination.repository, plain_http):
        subject = Subject(
            name=place.name,
            namespace=place.namespace,
            registry=place.registry,
            at="publish",
            time=time,
            tags=index.destination.tags or None,
        )
        yield _spoken(decide(policy, subject, overrides))


def _spoken(verdict: Verdict) -> Verdict:
    """A rule that says nothing about places and tags need not be there."""
    silent = [each for each in verdict.judged if each.finding.check == NO_RULE and each.finding.kind == "refused"]
    return replace(verdict, judged=tuple(each for each in verdict.judged if each not in silent))
