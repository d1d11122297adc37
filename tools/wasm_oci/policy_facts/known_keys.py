"""The keys that rules of a policy can name, and what is known of each: all its names, its dates, whether it is revoked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError
from wasm_oci.keys.any_key import load_any_public_key
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.policy.model import Policy
from wasm_oci.policy.signing import SigningCheck, StatementCheck
from wasm_oci.policy.subject import KeyFormat, SignatureType, Signer, Subject
from wasm_oci.publish.signing import SignerRequest
from wasm_oci.trust.trust import Trust, TrustedKey
from wasm_oci.trust.trust_store import load_trust_store

if TYPE_CHECKING:
    from wasm_oci.publish.release_request import ArtifactRequest, PolicyKey

_MAIN_REPOSITORY = ("@@//", "@//")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A public key, and what is known of it."""

    public: AnyPublicKey
    names: tuple[str, ...] = ()
    development: bool = False
    revoked: bool = False
    not_before: datetime | None = None
    not_after: datetime | None = None
    by_file: bool = False
    """Whether its names are those of a file."""

    def also(self, other: KnownKey) -> KnownKey:
        """Returns what two sources know of one key: it is revoked where either says so, and valid where both say so."""
        starts, ends = filter(None, (self.not_before, other.not_before)), filter(None, (self.not_after, other.not_after))
        return replace(
            self,
            names=tuple(dict.fromkeys((*self.names, *other.names))),
            development=self.development or other.development,
            revoked=self.revoked or other.revoked,
            not_before=max(starts, default=None),
            not_after=min(ends, default=None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKeys:
    """The keys that signatures and statements are verified with."""

    keys: Mapping[AnyPublicKey, KnownKey]

    @staticmethod
    def of(found: Iterable[KnownKey]) -> KnownKeys:
        """Raises UsageError for one name of two keys, which would be either.

        The name that a file happens to have is left out where another key has it: generated keys are all called key.public.
        """
        every = list(found)
        named = _by_name(each for each in every if not each.by_file)
        of_files = [(name, each.public) for each in every if each.by_file for name in each.names]
        keys = dict[AnyPublicKey, KnownKey]()
        for each in every:
            others = {name for name, public in (*named.items(), *of_files) if public != each.public} if each.by_file else set()
            own = replace(each, names=tuple(name for name in each.names if name not in others))
            keys[each.public] = keys[each.public].also(own) if each.public in keys else own
        return KnownKeys(keys=keys)

    @property
    def trust(self) -> Trust | None:
        """Verifies with all of them, whatever their dates, which policies look at; None where there is none."""
        return Trust(keys=tuple(self.keys)) if self.keys else None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for each in self.keys.values() for name in each.names)

    def signer(self, public: AnyPublicKey, kind: SignatureType) -> Signer:
        """Returns what a policy is told of a key whose signature verified."""
        known = self.keys.get(public) or KnownKey(public=public)
        return Signer(
            key_id=public.key_id.hex(),
            names=known.names,
            signature=kind,
            format=_format_of(public),
            development=known.development,
            revoked=known.revoked,
            not_before=known.not_before,
            not_after=known.not_after,
        )


def with_unknown_keys(policy: Policy, subject: Subject, known: KnownKeys) -> Subject:
    """Returns a subject with the names of keys in a policy that no known key has: a misspelt name, or a key that nobody gave."""
    checks = [check for rule in policy.rules for member in ("signing", "statements") for check in rule.checks.get(member, ())]
    asked = [name for check in checks if isinstance(check, SigningCheck | StatementCheck) for name in check.keys or ()]
    return replace(subject, unknown_keys=tuple(sorted(set(asked) - known.names)))


def _format_of(key: AnyPublicKey) -> KeyFormat:
    """Returns the form in which a key is known; a P-256 key, which signs statements only, is in PEM form."""
    return "openssh" if key.format == "openssh" else "compact" if key.format == "compact" else "pem"


def _by_name(found: Iterable[KnownKey]) -> dict[str, AnyPublicKey]:
    named = dict[str, AnyPublicKey]()
    for each in found:
        for name in each.names:
            if named.setdefault(name, each.public) != each.public:
                what = f"two keys are called {name}"
                raise UsageError(what, where="policy keys", hint="give each key its own name, or let rules name their labels")
    return named


def keys_of_request(request: ArtifactRequest) -> KnownKeys:
    """Returns the keys that an artifact's policies can name, and those that sign it.

    Raises UsageError for one name of two keys, and what loading the keys and trust stores raises.
    """
    policy = request.policy
    found = [
        *keys_of_policy(policy.keys, policy.trust_stores),
        *(_signer_key(signer) for signer in request.signers),
        *keys_of_trust(request.trust),
        *keys_of_trust(policy.trust),
    ]
    return KnownKeys.of(found)


def keys_of_policy(keys: Iterable[PolicyKey], trust_stores: Iterable[Path]) -> Iterator[KnownKey]:
    """Yields the keys of a policy, and those of its trust stores; raises what loading them raises."""
    yield from (_policy_key(key) for key in keys)
    yield from (_trusted_key(key) for path in trust_stores for key in load_trust_store(path))


def keys_of_trust(trust: Trust | None) -> Iterator[KnownKey]:
    """Yields the keys of a trust store, or of files, which have the names of their files."""
    if trust is None:
        return
    for public in trust.keys:
        known = trust.known.get(public)
        yield _trusted_key(known) if known else KnownKey(public=public, names=tuple(_file_names(public, trust)), by_file=True)


def _policy_key(key: PolicyKey) -> KnownKey:
    names = tuple(dict.fromkeys((key.name, *_label_names(key.label))))
    return KnownKey(public=load_any_public_key(key.public_key), names=names, development=key.development)


def _trusted_key(key: TrustedKey) -> KnownKey:
    return KnownKey(
        public=key.public,
        names=(key.name,),
        development=key.development,
        revoked=key.revoked,
        not_before=key.not_before,
        not_after=key.not_after,
    )


def _signer_key(signer: SignerRequest) -> KnownKey:
    """A target's signer is known by its label only: a short name is what the policy's own keys have."""
    public = load_any_public_key(signer.public_key)
    return KnownKey(public=public, names=tuple(_label_names(signer.name)), development=signer.development)


def _label_names(label: str) -> Iterator[str]:
    """Yields a label as it is, and as it is written within the main repository."""
    if label:
        yield label
    for start in _MAIN_REPOSITORY:
        if label.startswith(start):
            yield label.removeprefix(start[:-2])


def _file_names(key: AnyPublicKey, trust: Trust) -> Iterator[str]:
    """Yields the names of a key that was given as a file: the file's, without its ending, and its path."""
    if file := trust.files.get(key):
        yield from dict.fromkeys((file.stem, str(file)))
