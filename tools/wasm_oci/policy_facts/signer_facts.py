"""Who signed a component: every signature that a known key verifies, with what is known of the key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.keys.key import PublicKey
from wasm_oci.policy.subject import SignatureType, Signer
from wasm_oci.policy_facts.known_keys import KnownKeys
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


@dataclass(slots=True)
class _Found:
    known: KnownKeys
    signers: dict[tuple[str, str], Signer] = field(default_factory=dict)
    key_ids: set[str] = field(default_factory=set)


def read_signers(component: Path, detached: Iterable[bytes], known: KnownKeys, *, tolerant: bool = False) -> SignerFacts:
    """Returns who signed; raises SignatureError for a signature of a known key that does not verify, or of another file.

    Where this is `tolerant`, a detached signature that is not of this component, or malformed, does not count and is no obstacle: anybody
    who may write to a registry can attach one.
    """
    found, verifier = _Found(known), FileVerifier(component)
    embedded = read_signature(component)
    if embedded is not None:
        found.key_ids.update(record.key_id.hex() for record in embedded.records)
        _add(found, _signed(verifier, known.trust, None), "embedded")
    for payload in detached:
        try:
            parsed, keys = parse_signature(payload, where=str(component)), _signed(verifier, known.trust, payload)
        except (FormatError, SignatureError):
            if not tolerant:
                raise
        else:
            found.key_ids.update(record.key_id.hex() for record in parsed.records)
            _add(found, keys, "detached")
    verified = {signer.key_id for signer in found.signers.values()}
    return SignerFacts(signers=tuple(found.signers.values()), unverified=tuple(sorted(found.key_ids - verified)))


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
        signer = found.known.signer(key, kind)
        found.signers[signer.key_id, kind] = signer
