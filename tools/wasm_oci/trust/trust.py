"""Trusted public keys: their names, their validity periods, and which of them are revoked.

A signature has no trusted timestamp, so a key must be valid at the time of verification: an expired key no longer verifies what it signed
before. docs/key-rotation.md says how keys are replaced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wasm_oci.errors import SignatureError, UsageError
from wasm_oci.keys.key import AnyPublicKey, PublicKey
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.verify import VerifyResult, verify_file

if TYPE_CHECKING:
    from datetime import datetime

_Key = TypeVar("_Key", bound=AnyPublicKey)
_HINTS = {
    "key_revoked": "do not use it, unless you know its digest from elsewhere",
    "key_expired": "have it signed with a current key, too: see docs/key-rotation.md",
    "key_not_yet_valid": "check the clock of this machine, and the key's not_before",
}
"""The remedy for each reason. If several keys signed and none is valid, the error has the first of these reasons that applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key of a trust store: valid from `not_before` to `not_after`, both inclusive, unless it was revoked."""

    name: str
    public: AnyPublicKey
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: bool = False
    comment: str = ""
    development: bool = False
    """Whether a build made it."""

    def refusal(self, at: datetime | None) -> tuple[str, str] | None:
        """Returns a reason code and its text if the key is not valid at that time; without a time, only revocation matters."""
        if self.revoked:
            return "key_revoked", f"key {self.name} is revoked"
        if at is not None and self.not_after is not None and at > self.not_after:
            return "key_expired", f"key {self.name} expired after {_text(self.not_after)}"
        if at is not None and self.not_before is not None and at < self.not_before:
            return "key_not_yet_valid", f"key {self.name} is not valid before {_text(self.not_before)}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What one verification requires: signatures by `threshold` of these keys, each valid at the time `at`."""

    keys: tuple[AnyPublicKey, ...]
    """Each once."""
    known: Mapping[AnyPublicKey, TrustedKey] = field(default_factory=dict)
    """What the trust store says about them; a key that it does not list is always valid."""
    files: Mapping[AnyPublicKey, Path] = field(default_factory=dict)
    """The file of a key, where it has one of its own."""
    at: datetime | None = None
    """None ignores validity periods."""
    threshold: int = 1

    @staticmethod
    def of_keys(keys: Iterable[AnyPublicKey], *, threshold: int = 1, files: Mapping[AnyPublicKey, Path] | None = None) -> Trust:
        """Trusts keys that have no names or dates; raises UsageError for a threshold that they cannot reach."""
        return _checked(Trust(keys=tuple(dict.fromkeys(keys)), threshold=threshold, files=files or {}))

    @staticmethod
    def of_store(store: Iterable[TrustedKey], *, at: datetime | None, threshold: int = 1) -> Trust:
        """Trusts the keys of a store; raises UsageError for a threshold that they cannot reach."""
        known = {key.public: key for key in store}
        return _checked(Trust(keys=tuple(known), known=known, at=at, threshold=threshold))

    @property
    def ed25519_keys(self) -> tuple[PublicKey, ...]:
        """The keys that can sign WebAssembly files; raises UsageError where there is none."""
        found = tuple(key for key in self.keys if isinstance(key, PublicKey))
        if not found:
            what = "none of the trusted keys is an Ed25519 key: P-256 keys sign statements, not WebAssembly"
            raise UsageError(what, hint="add the Ed25519 public key of the signer")
        return found

    def name_of(self, key: AnyPublicKey) -> str:
        """Returns the key's name in the store, empty where it has none."""
        return self.known[key].name if key in self.known else ""

    def describe(self, key: AnyPublicKey) -> str:
        """Returns the key's name and id, or its id."""
        key_id = key.key_id.hex()
        return f"{name} ({key_id})" if (name := self.name_of(key)) else key_id

    def refusal(self, key: AnyPublicKey) -> tuple[str, str] | None:
        """Returns why a key is not valid, None if it is."""
        return self.known[key].refusal(self.at) if key in self.known else None

    def accepted_keys(self, signed: Iterable[_Key], *, where: str) -> tuple[_Key, ...]:
        """Returns the valid ones of the keys that signed a file or statement, in the order of the trusted keys.

        Raises SignatureError if they are fewer than the threshold: with reason `threshold` if any key is valid, else with the gravest
        reason of the refused keys.
        """
        found: dict[AnyPublicKey, _Key] = {key: key for key in signed}
        counting = tuple(found[key] for key in self.keys if key in found and self.refusal(key) is None)
        if len(counting) >= self.threshold:
            return counting
        refusals = [refusal for key in self.keys if key in found and (refusal := self.refusal(key))]
        refusals.sort(key=lambda refusal: list(_HINTS).index(refusal[0]))
        words = [words for _, words in refusals]
        if not counting:
            raise SignatureError(
                f"{', and '.join(words)}; no other trusted key signed it",
                where=where,
                hint=_HINTS[refusals[0][0]],
                reason=refusals[0][0],
            )
        who = ", ".join(self.describe(key) for key in counting)
        raise SignatureError(
            "; ".join([f"{len(counting)} of the {self.threshold} required trusted keys signed it: {who}", *words]),
            where=where,
            hint="have it signed with more of the trusted keys",
            reason="threshold",
        )


class SignatureCount:
    """Counts the keys of several signatures of one file together: each key once, whichever signature it made."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._results: list[VerifyResult] = []

    @property
    def empty(self) -> bool:
        return not self._results

    @property
    def enough(self) -> bool:
        """Whether no further signature is needed."""
        signed = self._signed()
        return sum(key in signed and self._trust.refusal(key) is None for key in self._trust.keys) >= self._trust.threshold

    def add(self, result: VerifyResult) -> None:
        """Adds the result of a signature that verified with the trusted keys."""
        self._results.append(result)

    def result(self, *, where: str) -> VerifyResult:
        """Returns the first result with a valid key, extended by all valid keys; raises what `Trust.accepted_keys` does."""
        counting = self._trust.accepted_keys(self._signed(), where=where)
        first = next(result for result in self._results if not set(counting).isdisjoint(result.keys))
        return dataclasses.replace(first, key=counting[0], keys=counting)

    def _signed(self) -> set[PublicKey]:
        return {key for result in self._results for key in result.keys}


def verify_trusted(input: Path, trust: Trust, *, signature: bytes | None = None, pattern: SectionPattern | None = None) -> VerifyResult:
    """Like `verify_file`, but the keys must be valid and reach the threshold; the result has the valid ones only."""
    count = SignatureCount(trust)
    count.add(verify_file(input, trust.ed25519_keys, signature=signature, pattern=pattern))
    return count.result(where=str(input))


def _checked(trust: Trust) -> Trust:
    if trust.threshold < 1:
        raise UsageError(f"a threshold of {trust.threshold} would trust anything", hint="give 1 or more")
    if trust.threshold > len(trust.keys):
        what = f"a threshold of {trust.threshold} is more than the number of different keys, which is {len(trust.keys)}"
        raise UsageError(what, hint="give more public keys, or a lower threshold")
    return trust


def _text(timestamp: datetime) -> str:
    from wasm_oci.trust.timestamps import timestamp_text

    return timestamp_text(timestamp)
