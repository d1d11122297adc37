"""The statements that policies require and that this run can make: who signs them, and what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import quote

from wasm_oci.attest.write import sign_statement
from wasm_oci.digest import SHA256
from wasm_oci.errors import UsageError
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.any_key import load_any_public_key
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.keys.signer import AnySigner
from wasm_oci.keys.sources.signing_keys import SigningKey
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.policy.model import Policy
from wasm_oci.policy.signing import StatementCheck
from wasm_oci.policy.subject import KeySource, Statement
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.known_keys import KnownKeys
from wasm_oci.policy_facts.statement_facts import statement_fact
from wasm_oci.publish.artifact import Artifact, Referrer, statement_referrer
from wasm_oci.trust.predicate_types import SIGN, VSA

VERIFIER = "https://github.com/rules-wasm-oci/rules_wasm_oci"
"""Who reached a verdict, as its statement says (slsa-framework/slsa, spec/verification_summary.md, `verifier.id`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToMake:
    """A statement to make."""

    predicate_type: str
    key: SigningKey
    public: AnyPublicKey

    @property
    def differs(self) -> bool:
        """Whether its key may sign the same statement in another way each time, so that one that is there already is not made again."""
        return not self.public.deterministic

    def fact(self, artifact: Artifact, known: KnownKeys) -> Statement:
        """Returns what a policy is told of it, before and after it is made."""
        return statement_fact(self.predicate_type, artifact.descriptor, known.signer(self.public, "detached"))


def source_of(key: SigningKey) -> KeySource:
    """Returns where a key is, as policies call that."""
    return next(kind for kind in get_args(KeySource) if kind == key.source.kind)


def missing_statements(verdict: Verdict, keys: Sequence[SigningKey], known: KnownKeys, there: Iterable[Statement]) -> Iterator[ToMake]:
    """Yields the statements that rules require which spoke, that keys at hand may sign and that are not there."""
    made = {(each.predicate_type, signer.key_id) for each in there for signer in each.signers}
    for check in _checks(verdict):
        if check.predicate_type not in (SIGN, VSA):
            continue
        for key in keys:
            public = _public(key)
            names = known.signer(public, "detached").names
            named = check.keys is None or not set(check.keys).isdisjoint(names)
            if named and (check.predicate_type, public.key_id.hex()) not in made:
                yield ToMake(predicate_type=check.predicate_type, key=key, public=public)


def _checks(verdict: Verdict) -> Iterator[StatementCheck]:
    for spoken in verdict.spoken:
        for check in spoken.rule.checks["statements"] if "statements" in spoken.members else ():
            if isinstance(check, StatementCheck):
                yield check


def _public(key: SigningKey) -> AnyPublicKey:
    if key.public_key is None:
        raise UsageError("the public key of a key that signs statements is missing", where=key.source.where, hint="name it, too")
    return load_any_public_key(key.public_key)


def make_statements(artifact: Artifact, name: str, policy: Policy, wanted: Sequence[tuple[ToMake, AnySigner]]) -> list[Referrer]:
    """Signs statements about an artifact that policies allow everywhere; raises what `sign_statement` raises."""
    subject = FetchedManifest(descriptor=artifact.descriptor, data=artifact.manifest.raw)
    predicates: dict[str, JsonObject] = {SIGN: {}, VSA: _verdict_predicate(artifact, name, policy)}
    return [
        statement_referrer(sign_statement(subject, each.predicate_type, predicates[each.predicate_type], signer)) for each, signer in wanted
    ]


def _verdict_predicate(artifact: Artifact, name: str, policy: Policy) -> JsonObject:
    """A verification summary without time and registry, so that the same artifact and policy have the same one everywhere."""
    digests = policy.digest.split(",")
    one = digests[0] if len(digests) == 1 else f"{SHA256}:{hashlib.sha256(policy.digest.encode()).hexdigest()}"
    algorithm, _, value = one.partition(":")
    return {
        "verifier": {"id": VERIFIER},
        "resourceUri": f"pkg:oci/{quote(name)}@{quote(str(artifact.descriptor.digest), safe='')}",
        "policy": {"uri": policy.name, "digest": {algorithm: value}},
        "verificationResult": "PASSED",
        "verifiedLevels": [],
    }
