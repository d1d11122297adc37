"""Decides whether what was fetched may get its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from wasm_oci.decisions.policies import decision_of
from wasm_oci.errors import DigestError, NotFoundError
from wasm_oci.oci.archive import ArchiveStore
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.reference import Reference
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.model import Policy
from wasm_oci.policy.subject import Subject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.artifact_facts import name_in_layout
from wasm_oci.policy_facts.asked_facts import with_asked_facts
from wasm_oci.policy_facts.component_facts import read_component
from wasm_oci.policy_facts.known_keys import KnownKeys, keys_of_trust
from wasm_oci.policy_facts.place_facts import Place, places_of, places_to_read
from wasm_oci.policy_facts.policies import read_policies
from wasm_oci.policy_facts.published_facts import facts_of
from wasm_oci.policy_facts.signer_facts import read_signers
from wasm_oci.policy_facts.statement_facts import StatementFacts, statements_in
from wasm_oci.publish.plan_steps import NO_DECISION, Decision
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.reading.pull import Fetched
from wasm_oci.trust.timestamps import now
from wasm_oci.trust.trust import Trust


@dataclass(slots=True, kw_only=True)
class PullPolicies:
    """The policies that must allow what is pulled; `decision` is what they decided."""

    paths: tuple[Path, ...]
    text: str
    """What the user named."""
    trust: Trust | None
    signature: bytes | None = None
    """A detached signature that counts instead of those of the store."""
    entries: tuple[RegistryEntry, ...] = ()
    plain_http: frozenset[str] = frozenset()
    time: datetime | None = None
    """None: now."""
    copy_of: Reference | None = None
    """What a layout is a copy of: it is judged as that."""
    in_build: bool = False
    """Whether this is a build action, which ignores the time."""
    policy: Policy = field(init=False)
    decision: Decision = NO_DECISION

    def __post_init__(self) -> None:
        """Reads the policies; raises what that raises."""
        self.policy = read_policies(self.paths)

    def approve(self, fetched: Fetched) -> None:
        """Raises PolicyError for what is denied, and what reading its facts raises."""
        known = KnownKeys.of(keys_of_trust(self.trust))
        subject = self._subject(fetched, known)
        subjects = [replace(subject, registry=each.registry, namespace=each.namespace, name=each.name) for each in self._places(fetched)]
        facts = StatementFacts()
        verdicts = [decide(self.policy, replace(each, statements=())) for each in subjects or [subject]]
        if any(_asks_for_statements(verdict) for verdict in verdicts):
            facts = statements_in(fetched.target.store, fetched.fetched, known)
            verdicts = [decide(self.policy, replace(each, statements=facts.verified)) for each in subjects or [subject]]
        digest = fetched.fetched.descriptor.digest
        self.decision = decision_of(verdicts, where=fetched.where, digest=digest, failures=facts.failures)
        self.decision.require()

    def _subject(self, fetched: Fetched, known: KnownKeys) -> Subject:
        payloads = [self.signature] if self.signature is not None else list(_readable(fetched))
        signers = read_signers(fetched.component, payloads, known, tolerant=self.signature is None)
        target, facts = fetched.target, facts_of(fetched.manifest, read_component(fetched.component), signers)
        wanted = self.copy_of.tag if self.copy_of else target.wanted
        return replace(
            with_asked_facts(self.policy, facts, known),
            at="build" if self.in_build else "pull",
            time=None if self.in_build else self.time or now(),
            name=name_in_layout(self.text, target, fetched.manifest),
            tags=(wanted,) if isinstance(wanted, str) else None,
            pinned=target.pinned,
        )

    def _places(self, fetched: Fetched) -> Sequence[Place]:
        if self.copy_of:
            return places_of(self.copy_of, self.plain_http)
        store = fetched.target.store
        if isinstance(store, LayoutStore | ArchiveStore):
            return ()
        return places_to_read(Reference.parse(store.name), self.entries, self.text.partition("/")[0], self.plain_http)


def _asks_for_statements(verdict: Verdict) -> bool:
    return any(each.finding.check == "statement" for each in verdict.judged)


def _readable(fetched: Fetched) -> Iterator[bytes]:
    """Yields the detached signatures of a manifest; one that is damaged or gone does not count."""
    try:
        yield from fetched.signatures
    except (NotFoundError, DigestError):
        return
