"""Decides what may be published where: every artifact at each destination, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from wasm_oci.decisions.indexes import require_indexes
from wasm_oci.decisions.policies import decision_of, lacks_statement
from wasm_oci.decisions.required_statements import ToMake, make_statements, missing_statements, source_of
from wasm_oci.errors import AuthError, RegistryError, UsageError, WasmOciError
from wasm_oci.keys.sources.signing_keys import SigningKey
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.model import Policy
from wasm_oci.policy.subject import Previous, Subject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.asked_facts import with_asked_facts
from wasm_oci.policy_facts.known_keys import KnownKeys, keys_of_request
from wasm_oci.policy_facts.place_facts import Place, places_of
from wasm_oci.policy_facts.policies import read_policies
from wasm_oci.policy_facts.previous_facts import previous_file, previous_in, with_api_change
from wasm_oci.policy_facts.published_facts import component_file, subject_of_artifact
from wasm_oci.policy_facts.statement_facts import StatementFacts, statements_in, statements_of
from wasm_oci.publish.artifact import Artifact, with_referrers
from wasm_oci.publish.plan_steps import NO_DECISION, Decision
from wasm_oci.publish.planning import Decide, Decided, Ready, Resolved
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, ReleaseRequest
from wasm_oci.publish.resolve import Destination
from wasm_oci.publish.signing import Signing, scratch_folder
from wasm_oci.trust.timestamps import now

_COMPARING = ("new_imports", "api_changes")
_UNKNOWN = Decision(words="not known: it depends on the signature")


def by_policies(request: ReleaseRequest, time: datetime | None = None) -> Decide:
    """Returns what decides about a release by the policies of its artifacts, at a time that is now by default.

    It raises UsageError, FormatError or KeyFormatError for policies and keys that cannot be used, what reading an artifact raises,
    and RegistryError or AuthError where a registry that a rule asks about does not respond.
    """
    policing = _Policing(request=request, time=time or now())

    def decide_all(resolved: Sequence[Resolved], artifacts: Sequence[Ready], signing: Signing | None) -> list[Decided]:
        require_indexes(request, policing.policy, policing.time)
        return [policing.decide(each, ready, signing) for each, ready in zip(resolved, artifacts, strict=True)]

    return decide_all


@dataclass(slots=True, kw_only=True)
class _Policing:
    request: ReleaseRequest
    time: datetime
    policies: dict[tuple[Path, ...], Policy] = field(default_factory=dict)

    def decide(self, resolved: Resolved, ready: Ready, signing: Signing | None) -> Decided:
        asked = resolved.request.policy
        if not asked.policies:
            if asked.overrides:
                what = f"no policy has an override {asked.overrides[0][:80]!r}"
                raise UsageError(what, where="--override", hint="give the policy with --policy")
            return Decided(ready=ready, decisions=tuple(NO_DECISION for _ in resolved.stores))
        policy = self.policy(asked.policies)
        if ready.artifact is None:
            return Decided(ready=ready, decisions=tuple(_UNKNOWN for _ in resolved.stores))
        with scratch_folder() as scratch:
            one = self._one(resolved.request, ready, policy, scratch)
            decisions = tuple(
                self._decision(one, destination, asked_for)
                for destination, asked_for in zip(resolved.destinations, resolved.request.destinations, strict=True)
            )
        if one.missing and signing and not any(decision.denial for decision in decisions):
            ready = self._with_statements(ready, one, signing)
        return Decided(ready=ready, decisions=decisions)

    def _decision(self, one: _OneArtifact, destination: Destination, asked: DestinationRequest) -> Decision:
        """In a dry run, what a registry that cannot be asked leaves open is not known, as the rest of its plan."""
        try:
            return one.decision(destination, asked)
        except WasmOciError as err:
            if not (self.request.dry_run and (err is destination.missing or isinstance(err, AuthError | RegistryError))):
                raise
            return Decision(words=f"not known: {err.what}")

    def policy(self, paths: tuple[Path, ...]) -> Policy:
        if paths not in self.policies:
            self.policies[paths] = read_policies(paths)
        return self.policies[paths]

    def _one(self, request: ArtifactRequest, ready: Ready, policy: Policy, scratch: Path) -> _OneArtifact:
        if ready.artifact is None:
            raise ValueError("the artifact is not known")
        known, keys, component = keys_of_request(request), request.run_keys, component_file(ready.artifact, scratch)
        subject = subject_of_artifact(request, ready.artifact, component, known, unsigned=ready.unsigned is not None)
        if request.cosign_legacy and subject.key_sources is not None:
            subject = replace(subject, key_sources=(*subject.key_sources, *map(source_of, keys)))
        return _OneArtifact(
            request=request,
            artifact=ready.artifact,
            component=component,
            policy=policy,
            known=known,
            subject=replace(with_asked_facts(policy, subject, known), time=self.time),
            statements=statements_of(ready.artifact, known),
            keys=keys,
            plain_http=self.request.plain_http,
            scratch=scratch,
        )

    def _with_statements(self, ready: Ready, one: _OneArtifact, signing: Signing) -> Ready:
        """In a dry run a key that cannot be used is in the result, else it is raised."""
        if ready.unsigned:
            return ready
        wanted = list(one.missing)
        try:
            signers = signing.statement_signers([each.key for each in wanted])
            referrers = make_statements(one.artifact, one.name, one.policy, list(zip(wanted, signers, strict=True)))
        except WasmOciError as err:
            if not (self.request.dry_run and err is signing.failure):
                raise
            return replace(ready, unsigned=err)
        return replace(ready, artifact=with_referrers(one.artifact, referrers))


@dataclass(slots=True, kw_only=True)
class _OneArtifact:
    request: ArtifactRequest
    artifact: Artifact
    component: Path | None
    """Its file; None for what is not exactly one component."""
    policy: Policy
    known: KnownKeys
    subject: Subject
    statements: StatementFacts
    keys: tuple[SigningKey, ...]
    """Those at hand for statements."""
    plain_http: frozenset[str]
    scratch: Path
    name: str = ""
    """What it is called where it goes."""
    missing: dict[ToMake, None] = field(default_factory=dict)
    """The statements that are to be made."""

    def decision(self, destination: Destination, asked: DestinationRequest) -> Decision:
        store = destination.store
        subject = replace(self.subject, tags=asked.tags)
        found = [self._verdict(place, subject, destination) for place in places_of(asked.repository, self.plain_http)]
        verdicts, failures = [verdict for verdict, _ in found], [failure for _, each in found for failure in each.failures]
        self.name = verdicts[0].subject.name
        return decision_of(
            verdicts,
            where=store.name,
            digest=self.artifact.descriptor.digest,
            override_reason=self.request.policy.override_reason,
            failures=failures,
        )

    def _verdict(self, place: Place, subject: Subject, destination: Destination) -> tuple[Verdict, StatementFacts]:
        """Asks the registry only for what the rules look at that speak."""
        subject = replace(subject, registry=place.registry, namespace=place.namespace, name=place.name)
        facts = self.statements
        verdict = self._decide(replace(subject, statements=facts.verified))
        if any(not set(_COMPARING).isdisjoint(spoken.members) for spoken in verdict.spoken):
            subject = replace(subject, previous=self._previous(destination, subject.tags or ()))
            if any("api_changes" in spoken.members for spoken in verdict.spoken):
                subject = self._compared(subject)
        wanted = list(missing_statements(verdict, self.keys, self.known, facts.verified))
        if any(each.differs for each in wanted):
            facts = _both(facts, self._there(destination))
            wanted = list(missing_statements(verdict, self.keys, self.known, facts.verified))
        self.missing |= dict.fromkeys(wanted)
        statements = (*facts.verified, *(each.fact(self.artifact, self.known) for each in wanted))
        if wanted and subject.key_sources is not None:
            subject = replace(subject, key_sources=(*subject.key_sources, *(source_of(each.key) for each in wanted)))
        verdict = self._decide(replace(subject, statements=statements))
        if lacks_statement(verdict):
            facts = _both(facts, self._there(destination))
            verdict = self._decide(replace(subject, statements=tuple(dict.fromkeys((*statements, *facts.verified)))))
        return verdict, facts

    def _decide(self, subject: Subject) -> Verdict:
        return decide(self.policy, subject, self.request.policy.overrides)

    def _previous(self, destination: Destination, tags: Sequence[str]) -> Previous | None:
        if destination.missing:
            raise destination.missing
        return previous_in(destination.store, tags, self.artifact.descriptor.digest, self.scratch)

    def _compared(self, subject: Subject) -> Subject:
        """Adds what changed against the version that `_previous` found."""
        if self.component is None or not (subject.previous and subject.previous.version):
            return subject
        return with_api_change(subject, self.request.policy.wasm_tools, previous_file(self.scratch), self.component, self.scratch)

    def _there(self, destination: Destination) -> StatementFacts:
        """Returns the statements that the destination has, where the artifact was published before."""
        store: Store = destination.store
        if destination.missing:
            raise destination.missing
        if store.find_manifest(self.artifact.descriptor.digest) is None:
            return StatementFacts()
        return statements_in(store, FetchedManifest(descriptor=self.artifact.descriptor, data=self.artifact.manifest.raw), self.known)


def _both(first: StatementFacts, second: StatementFacts) -> StatementFacts:
    verified = tuple(dict.fromkeys((*first.verified, *second.verified)))
    return StatementFacts(verified=verified, failures=tuple({str(each): each for each in (*first.failures, *second.failures)}.values()))
