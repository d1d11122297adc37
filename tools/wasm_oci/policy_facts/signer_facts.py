"""Who signed a component: every signature that a known key verifies, with what a trust store says about the key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wasm_oci.attest.find import find_statements
from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.keys.key import AnyPublicKey, PublicKey
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.policy.subject import KeyFormat, SignatureType, Signer, Statement
from wasm_oci.trust.trust import Trust
from wasm_oci.wasmsign.section import read_signature
from wasm_oci.wasmsign.signature import parse_signature
from wasm_oci.wasmsign.verify import FileVerifier

_NOBODY = ("unsigned", "no_trusted_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerFacts:
    """The signatures of one component."""

    signers: tuple[Signer, ...]
    unverified: tuple[str, ...]
    """Key ids in signatures, of keys that are not known."""


Describe = Callable[[PublicKey, SignatureType], Signer]
"""Says what is known of a key whose signature verified."""


@dataclass(slots=True)
class _Found:
    describe: Describe
    signers: dict[tuple[str, str], Signer] = field(default_factory=dict)
    key_ids: set[str] = field(default_factory=set)


def read_signers(
    component: Path, detached: Iterable[bytes], trust: Trust | None, describe: Describe | None = None, *, tolerant: bool = False
) -> SignerFacts:
    """Returns who signed; raises SignatureError for a signature of a known key that does not verify, or of another file.

    `describe` says what is known of a key, by default what `trust` does. Where this is `tolerant`, a detached signature that is not of
    this component, or malformed, does not count and is no obstacle: anybody who may write to a registry can attach one.
    """
    found, verifier = _Found(describe or partial(signer_of, trust)), FileVerifier(component)
    embedded = read_signature(component)
    if embedded is not None:
        found.key_ids.update(record.key_id.hex() for record in embedded.records)
        _add(found, _signed(verifier, trust, None), "embedded")
    for payload in detached:
        try:
            parsed, keys = parse_signature(payload, where=str(component)), _signed(verifier, trust, payload)
        except (FormatError, SignatureError):
            if not tolerant:
                raise
        else:
            found.key_ids.update(record.key_id.hex() for record in parsed.records)
            _add(found, keys, "detached")
    known = {signer.key_id for signer in found.signers.values()}
    return SignerFacts(signers=tuple(found.signers.values()), unverified=tuple(sorted(found.key_ids - known)))


def _signed(verifier: FileVerifier, trust: Trust | None, payload: bytes | None) -> tuple[PublicKey, ...]:
    keys = tuple(key for key in trust.keys if isinstance(key, PublicKey)) if trust else ()
    if not keys:
        return ()
    try:
        return verifier.verify(keys, signature=payload).keys
    except SignatureError as err:
        if err.reason not in _NOBODY:
            raise
        return ()


def _add(found: _Found, keys: Iterable[PublicKey], kind: SignatureType) -> None:
    for key in keys:
        signer = found.describe(key, kind)
        found.signers[signer.key_id, kind] = signer


def read_statements(store: Store, manifest: FetchedManifest, trust: Trust | None) -> tuple[Statement, ...]:
    """Returns the statements about a manifest that trusted keys signed; raises what `find_statements` raises.

    Whether a key was valid is a question for the policy, which knows the time; one that is revoked signs nothing.
    """
    if trust is None:
        return ()
    found = find_statements(store, manifest, trust=replace(trust, at=None))
    return tuple(
        Statement(
            predicate_type=each.statement.predicate_type,
            digest=str(manifest.descriptor.digest),
            signers=(signer_of(trust, each.key, "detached"),),
        )
        for each in found
        if each.statement and each.key
    )


def format_of(key: AnyPublicKey) -> KeyFormat:
    """Returns the form in which a key is known; a P-256 key, which signs statements only, is in PEM form."""
    return "openssh" if key.format == "openssh" else "compact" if key.format == "compact" else "pem"


def signer_of(trust: Trust | None, key: AnyPublicKey, kind: SignatureType) -> Signer:
    """Returns a key that signed, with what is known of it."""
    known = trust.known.get(key) if trust else None
    return Signer(
        key_id=key.key_id.hex(),
        names=(known.name,) if known else tuple(file_names(key, trust)),
        signature=kind,
        format=format_of(key),
        development=bool(known and known.development),
        revoked=bool(known and known.revoked),
        not_before=known.not_before if known else None,
        not_after=known.not_after if known else None,
    )


def file_names(key: AnyPublicKey, trust: Trust | None) -> Iterator[str]:
    """Yields the names of a key that was given as a file: the file's, without its ending, and its path."""
    if trust and (file := trust.files.get(key)):
        yield from dict.fromkeys((file.stem, str(file)))
