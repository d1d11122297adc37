"""Checks of signatures: who must have signed, and which signatures count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from wasm_oci.policy.finding import BUILD, PULL, Finding, listed, refused, unknown
from wasm_oci.policy.subject import Signer, Subject
from wasm_oci.trust.timestamps import timestamp_text


class Filter(Protocol):
    """Which signatures count."""

    @property
    def name(self) -> str: ...

    def refusal(self, signer: Signer) -> str:
        """Returns why a signature does not count; empty where it does."""


def counting(subject: Subject, filters: Sequence[Filter]) -> Subject:
    """Returns the subject with the signers that count: their keys are valid, and no filter refuses them."""
    if not subject.signers:
        return subject
    kept, aside = [], []
    for signer in subject.signers:
        reason = next(filter(None, (each.refusal(signer) for each in filters)), "")
        if reason:
            aside.append(f"{signer} {reason}")
        else:
            kept.append(signer)
    return replace(subject, signers=tuple(kept), set_aside=(*subject.set_aside, *aside)) if aside else subject


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a key is valid at the time of the decision; at build only whether it is revoked."""

    subject: Subject
    name: str = "signing"

    def refusal(self, signer: Signer) -> str:
        time = self.subject.time
        if signer.revoked:
            return "is revoked"
        if self.subject.at == "build":
            return ""
        if time is None and (signer.not_before or signer.not_after):
            return "has a validity period, and the time is not known"
        if time and signer.not_after and time > signer.not_after:
            return f"expired after {timestamp_text(signer.not_after)}"
        if time and signer.not_before and time < signer.not_before:
            return f"is not valid before {timestamp_text(signer.not_before)}"
        return ""


@dataclass(frozen=True, slots=True)
class SignerFilter:
    """Counts only some signatures; where there are any, at least one must count."""

    name: str
    member: str
    """The member of `Signer`."""
    allowed: tuple[object, ...]
    words: str
    change: str

    def refusal(self, signer: Signer) -> str:
        found = getattr(signer, self.member)
        return "" if found in self.allowed else self.words.format(found)

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.signers is None:
            return unknown(subject, self.name, "signers", "who signed it is", later=BUILD)
        if not subject.is_signed or any(not self.refusal(signer) for signer in subject.signers):
            return ()
        reasons = [*(f"{signer} {self.refusal(signer)}" for signer in subject.signers), *subject.set_aside]
        what = f"no signature counts: {listed(reasons)}" if reasons else "no known key verifies its signature"
        return refused(self.name, "signers", what, self.change)


@dataclass(frozen=True, slots=True)
class SigningCheck:
    """Who must have signed."""

    required: bool
    keys: tuple[str, ...] | None
    threshold: int
    name: str = "signing"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if not self.required and (not subject.is_signed or (self.keys is None and self.threshold == 1)):
            unsure = subject.signers is None and (self.keys is not None or self.threshold > 1)
            return unknown(subject, self.name, "signers", "who signed it is", later=BUILD) if unsure else ()
        if subject.signers is None:
            return unknown(subject, self.name, "signers", "who signed it is", later=BUILD)
        found = key_ids(subject.signers, self.keys)
        if len(found) >= self.threshold:
            return ()
        return refused(self.name, "signers", self._what(subject, len(found)) + unknown_names(subject, self.keys), self._change(len(found)))

    def _what(self, subject: Subject, found: int) -> str:
        others = [f"key {key_id or 'without an id'}, not verified" for key_id in subject.unverified]
        signed, aside = listed([*(subject.signers or ()), *others]), listed(subject.set_aside)
        if not signed:
            return f"no signature counts: {aside}" if aside else "it is not signed"
        if found:
            what = f"{found} of the {self.threshold} required keys signed it: {signed}"
        else:
            what = f"it is signed with {signed}" + (f", not with {listed(self.keys, ' or ')}" if self.keys else "")
        return f"{what}; {aside}" if aside else what

    def _change(self, found: int) -> str:
        more = self.threshold - found
        who = listed(self.keys, " or ") if self.keys else "a trusted key"
        return f"sign it with {who}" if self.threshold == 1 else f"sign it with {more} more of {who if self.keys else 'the trusted keys'}"


@dataclass(frozen=True, slots=True)
class KeySourceCheck:
    """Where the secret keys may be that sign in this run; a consumer cannot know that."""

    allowed: tuple[str, ...]
    name: str = "key_source"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if not subject.is_signed and subject.signers is not None:
            return ()
        if subject.key_sources is None:
            return unknown(subject, self.name, "key_sources", "where its signing keys are stored is", later=(*BUILD, *PULL))
        wrong = [source for source in subject.key_sources if source not in self.allowed]
        if not wrong:
            return ()
        return refused(
            self.name, "key_sources", f"a signing key is from {listed(wrong)}", f"sign with a key from {listed(self.allowed, ' or ')}"
        )


@dataclass(frozen=True, slots=True)
class StatementCheck:
    """A signed statement that must be there, and by whom."""

    predicate_type: str
    keys: tuple[str, ...] | None
    threshold: int
    name: str = "statement"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.statements is None or subject.digests is None:
            fact, words = ("statements", "its signed statements are") if subject.statements is None else ("digests", "its digest is")
            return unknown(subject, self.name, fact, words, later=BUILD)
        found = [each for each in subject.statements if each.predicate_type == self.predicate_type]
        own = [each for each in found if each.digest in subject.digests]
        signed = key_ids([signer for each in own for signer in each.signers], self.keys)
        if len(signed) >= self.threshold:
            return ()
        who = f" signed by {listed(self.keys, ' or ')}" if self.keys else ""
        what = f"{len(signed)} of {self.threshold} required signatures on a statement {self.predicate_type}"
        if found and not own:
            what = f"the statement {self.predicate_type} is about another digest, {listed(each.digest for each in found)}"
        return refused(self.name, "statements", what + unknown_names(subject, self.keys), f"add a statement {self.predicate_type}{who}")


def unknown_names(subject: Subject, keys: tuple[str, ...] | None) -> str:
    """Returns the words about names that no known key has, for the end of a sentence; empty where there are none."""
    unknown = [name for name in keys or () if name in subject.unknown_keys]
    return f"; no known key is called {listed(unknown, ' or ')}" if unknown else ""


def key_ids(signers: Iterable[Signer], keys: tuple[str, ...] | None) -> set[str]:
    """Returns the key ids of those that have one of the names; a name that two keys share names none."""
    signers = list(signers)
    if keys is None:
        return {signer.key_id for signer in signers}
    by_name: dict[str, set[str]] = {}
    for signer in signers:
        for name in signer.names:
            by_name.setdefault(name, set()).add(signer.key_id)
    return {key_id for name in keys if len(found := by_name.get(name, set())) == 1 for key_id in found}
