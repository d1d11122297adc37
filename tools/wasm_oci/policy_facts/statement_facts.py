"""The signed statements that a policy judges: those that travel with an artifact, and those that a store has; each verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from wasm_oci.attest.find import find_statements
from wasm_oci.attest.statement import Statement
from wasm_oci.attest.verify import Budget, verify_bundle
from wasm_oci.digest import Digest, checked
from wasm_oci.errors import SignatureError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import BUNDLE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.referrers import artifact_type_of
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.policy.subject import Signer
from wasm_oci.policy.subject import Statement as StatementFact
from wasm_oci.policy_facts.known_keys import KnownKeys
from wasm_oci.publish.artifact import Artifact, blobs_of
from wasm_oci.trust.predicate_types import VSA

_DIGEST = re.compile(r"(?:sha256|sha512):[0-9a-f]{64,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFacts:
    """The statements of one manifest."""

    verified: tuple[StatementFact, ...] = ()
    failures: tuple[WasmOciError, ...] = ()
    """Why others do not verify."""


def statement_fact(predicate_type: str, subject: Descriptor, signer: Signer) -> StatementFact:
    """Returns what a policy is told of a statement about a manifest."""
    return StatementFact(predicate_type=predicate_type, digest=str(subject.digest), signers=(signer,))


def statements_of(artifact: Artifact, known: KnownKeys) -> StatementFacts:
    """Returns the statements that travel with an artifact."""
    trust, verified, failures, budget = known.trust, list[StatementFact](), list[WasmOciError](), Budget()
    for data in _bundles(artifact):
        if trust is None or budget.spent:
            break
        where = f"statement {Digest.of(data)}"
        try:
            found = verify_bundle(data, manifest=artifact.manifest.raw, trust=trust, where=where, budget=budget)
        except SignatureError as err:
            failures.append(err)
            continue
        if refusal := _refusal(found.statement, artifact.manifest.raw, where):
            failures.append(refusal)
        else:
            verified.append(statement_fact(found.statement.predicate_type, artifact.descriptor, known.signer(found.key, "detached")))
    return StatementFacts(verified=tuple(verified), failures=tuple(failures))


def _refusal(statement: Statement, manifest: bytes, where: str) -> SignatureError | None:
    """Returns why a verdict does not count: it denies, or says that it is about another digest than its subject."""
    if statement.predicate_type != VSA:
        return None
    result, about = statement.predicate["verificationResult"], unquote(statement.predicate["resourceUri"])
    if result != "PASSED":
        return SignatureError(f"its verdict is {result}", where=where, hint="publish what the policy allows", reason="denied")
    digests = set(_DIGEST.findall(about))
    if digests and digests.isdisjoint(map(str, Digest.all_of(manifest))):
        what = f"its verdict is about another digest, {min(digests)}"
        return SignatureError(what, where=where, hint="check the artifact again", reason="other_subject")
    return None


def _bundles(artifact: Artifact) -> Iterator[bytes]:
    """Yields what may be a statement; raises DigestError for one that is damaged."""
    blobs = {blob.descriptor.digest: blob for blob in artifact.blobs}
    left = LIMITS.bundle_bytes
    for referrer in artifact.referrers:
        if artifact_type_of(referrer) != BUNDLE_MEDIA_TYPE or not artifact.is_subject_of(referrer):
            continue
        for layer in blobs_of(referrer):
            left -= layer.size
            if layer.media_type == BUNDLE_MEDIA_TYPE and layer.size <= LIMITS.bundle and left >= 0:
                content = checked(blobs[layer.digest].content(), layer.digest, layer.size, where=f"statement {layer.digest}")
                yield b"".join(content)


def statements_in(store: Store, subject: FetchedManifest, known: KnownKeys) -> StatementFacts:
    """Returns the statements about a manifest that a store has; raises what `find_statements` raises."""
    if known.trust is None:
        return StatementFacts()
    verified, failures = list[StatementFact](), list[WasmOciError]()
    for found in find_statements(store, subject, trust=known.trust):
        refusal = _refusal(found.statement, subject.data, f"statement {found.bundle}") if found.key and found.statement else None
        if refusal:
            failures.append(refusal)
        elif found.key and found.statement:
            verified.append(statement_fact(found.statement.predicate_type, subject.descriptor, known.signer(found.key, "detached")))
        elif found.error:
            failures.append(found.error)
    return StatementFacts(verified=tuple(verified), failures=tuple(failures))
