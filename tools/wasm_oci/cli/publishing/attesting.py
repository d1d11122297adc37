"""Signs statements about a manifest and attaches them: what `wasm_oci attest` and `countersign` do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wasm_oci.attest.find import require_statement
from wasm_oci.attest.legacy import add_legacy_signatures, legacy_tag, sign_legacy
from wasm_oci.attest.write import attach_statement, sign_statement
from wasm_oci.cli.common.registry_options import RegistryOptions
from wasm_oci.cli.publishing.reached import reached
from wasm_oci.errors import UsageError
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.key import AnyPublicKey, PublicKey
from wasm_oci.keys.signer import AnySigner
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_statement_signers
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.outcome import GREEN, Outcome, Painted
from wasm_oci.trust.predicate_types import SIGN
from wasm_oci.trust.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRequest:
    """A statement about one manifest, and who signs it."""

    target: str
    """A layout folder, or a reference with a digest."""
    predicate_type: str
    """A URI."""
    predicate: JsonObject
    keys: tuple[SigningKey, ...]
    """Each makes a statement of its own."""
    registries: RegistryOptions
    cosign_legacy: bool = False
    """Whether a signature under cosign's tag is added too."""


def attest(request: StatementRequest, passphrase: PassphraseSource, *, signed_by: Trust | None = None) -> Outcome:
    """Signs and attaches; with `signed_by` only what keys of this trust signed before.

    Raises UsageError for what does not go together, and what `require_statement`, the signers and the store raise.
    """
    if request.cosign_legacy and request.predicate_type != SIGN:
        raise UsageError("cosign's tag holds signatures only", where="--cosign-legacy", hint="leave it out, or attest `sign`")
    signers = open_statement_signers(request.keys, passphrase)
    with reached(request.registries) as registries:
        target = registries.subject(request.target)
        if request.cosign_legacy and isinstance(target.store, LayoutStore):
            raise UsageError(
                "cosign looks for its tag in registries only", where="--cosign-legacy", hint="leave it out, or name a registry"
            )
        subject = target.fetch()
        if signed_by:
            require_statement(target.store, subject, trust=signed_by, predicate_type=SIGN)
        return _attached(target.store, subject, request, signers)


def _attached(store: Store, subject: FetchedManifest, request: StatementRequest, signers: Sequence[AnySigner]) -> Outcome:
    digest = subject.descriptor.digest
    reference = f"{store.name}@{digest}"
    lines, entries = [Painted(f"Attested {reference}", GREEN), f"  {request.predicate_type}"], []
    made = [sign_statement(subject, request.predicate_type, request.predicate, signer) for signer in signers]
    for signer, signed in zip(signers, made, strict=True):
        found_by = attach_statement(store, signed)
        entry: JsonObject = {
            "keyId": signer.public.key_id.hex(),
            "algorithm": algorithm_of(signer.public),
            "bundle": str(signed.layer.digest),
            "referrer": str(signed.referrer.descriptor().digest),
            "added": bool(found_by),
        }
        lines.append(f"  {'signed with' if found_by else 'already signed with'} key {entry['keyId']} ({entry['algorithm']})")
        lines.append(f"    statement {entry['bundle']}")
        entries.append(entry | ({"foundBy": found_by} if found_by else {}))
    document: JsonObject = {
        "reference": reference,
        "digest": str(digest),
        "predicateType": request.predicate_type,
        "statements": entries,
    }
    if request.cosign_legacy:
        added = add_legacy_signatures(store, [sign_legacy(store.name, digest, signer) for signer in signers])
        document["cosignLegacy"] = {"tag": legacy_tag(digest), "added": added}
        lines.append(f"  signature{'s' * (len(signers) > 1)} {'added' if added else 'already'} under tag {legacy_tag(digest)}")
    return Outcome(lines=lines, document=document)


def algorithm_of(key: AnyPublicKey) -> str:
    """Returns the name of a key's algorithm."""
    return "Ed25519" if isinstance(key, PublicKey) else "ECDSA P-256"
