"""Checks of signatures: who must have signed, and which signatures count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from wasm_oci.policy.finding import BUILD, PULL, Finding, listed, refused, unknown
from wasm_oci.policy.subject import SetAside, Signer, Subject
from wasm_oci.trust.predicate_types import is_of_type
from wasm_oci.trust.timestamps import timestamp_text

_OR = " or "


class Filter(Protocol):
    """Which signatures count."""

    @property
    def name(self) -> str: ...

    @property
    def wanted(self) -> str:
        """How a signature of the same key would count; empty where none would."""

    def refusal(self, signer: Signer) -> str:
        """Returns why a signature does not count; empty where it does."""


def counting(subject: Subject, filters: Sequence[Filter]) -> Subject:
    """Returns the subject with the signers that count: their keys are valid, and no filter refuses them."""
    kept, aside = _divided(subject.signers or (), filters)
    return replace(subject, signers=kept, set_aside=(*subject.set_aside, *aside)) if aside else subject


def counting_statements(subject: Subject, filters: Sequence[Filter]) -> Subject:
    """Returns the subject with the signers of each statement that count."""
    if not subject.statements:
        return subject
    statements = []
    for each in subject.statements:
        kept, aside = _divided(each.signers, filters)
        statements.append(replace(each, signers=kept, set_aside=aside))
    return replace(subject, statements=tuple(statements))


def _divided(signers: Iterable[Signer], filters: Sequence[Filter]) -> tuple[tuple[Signer, ...], tuple[SetAside, ...]]:
    kept, aside = [], []
    for signer in signers:
        if found := next(((why, each.wanted) for each in filters if (why := each.refusal(signer))), None):
            aside.append(SetAside(signer=signer, why=found[0], wanted=found[1]))
        else:
            kept.append(signer)
    return tuple(kept), tuple(aside)


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a key is valid at the time of the decision; at build only whether it is revoked."""

    subject: Subject
    name: str = "signing"
    wanted: str = ""

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
    wanted: str
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
        what = f"no signature counts: {listed(reasons)}" if reasons else "no trusted key verifies its signature"
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
        what = self._what(subject, len(found)) + unknown_names(subject, self.keys)
        return refused(self.name, "signers", what, self._change(subject, found))

    def _what(self, subject: Subject, found: int) -> str:
        others = [f"{f'key {key_id}' if key_id else 'a key without an id'} (no trusted key verifies it)" for key_id in subject.unverified]
        signed, aside = listed([*(subject.signers or ()), *others]), listed(subject.set_aside)
        if not signed:
            return f"no signature counts: {aside}" if aside else "it is not signed"
        if found:
            what = f"{found} of the {self.threshold} required keys signed it: {signed}"
        else:
            what = f"it is signed with {signed}" + (f", not with {listed(self.keys, ' or ')}" if self.keys else "")
        return f"{what}; {aside}" if aside else what

    def _change(self, subject: Subject, found: Collection[str]) -> str:
        more = self.threshold - len(found)
        usable, over = _usable(self.keys, subject.set_aside)
        if usable is not None and len(usable) < self.threshold:
            return f"name another key in place of {over} in the rule, and sign it with that"
        if self.threshold == 1:
            who = listed(usable, " or ") if usable else f"{'another' if over else 'a'} trusted key"
        else:
            who = f"{more} more of {listed(usable, ' or ') if usable else 'the trusted keys'}"
        wanted = listed(dict.fromkeys(each.wanted for each in subject.set_aside if each.wanted), " and ")
        change = f"sign it with {who}{f', {wanted}' if wanted else ''}"
        if subject.unverified and not self.keys:
            change += f", or trust {listed(f'key {key_id}' for key_id in subject.unverified if key_id) or 'the key that signed it'}"
        return change


@dataclass(frozen=True, slots=True)
class KeySourceCheck:
    """Where the secret keys may be that sign in this run; a consumer cannot know that."""

    allowed: tuple[str, ...]
    name: str = "key_source"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if not subject.is_signed and subject.signers is not None and not subject.key_sources:
            return ()  # a statement, or a signature under cosign's tag, is signed in a run that leaves the artifact unsigned
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
        found = [each for each in subject.statements if is_of_type(each.predicate_type, self.predicate_type)]
        own = [each for each in found if each.digest in subject.digests]
        signed = key_ids([signer for each in own for signer in each.signers], self.keys)
        if len(signed) >= self.threshold:
            return ()
        aside = [each for statement in own for each in statement.set_aside]
        usable, over = _usable(self.keys, aside)
        change = f"add a statement {self.predicate_type}{f' signed by {listed(usable, _OR)}' if usable else ''}"
        if usable is not None and len(usable) < self.threshold:
            change = f"name another key in place of {over} in the rule, and add a statement {self.predicate_type} signed by that"
        elif over and not usable:
            change += " signed by another key"
        what = f"{len(signed)} of {self.threshold} required signatures on a statement {self.predicate_type}"
        if subject.statements and not found:
            what += f" (there are only {listed(sorted({each.predicate_type[:100] for each in subject.statements}))})"
        if others := dict.fromkeys(str(signer) for each in own for signer in each.signers if signer.key_id not in signed):
            what += f"; it is signed with {listed(others)}"
        if aside:
            what += f"; {listed(dict.fromkeys(aside))}"
        if found and not own:
            what = f"the statement {self.predicate_type} is about another digest, {listed(each.digest for each in found)}"
        return refused(self.name, "statements", what + unknown_names(subject, self.keys), change)


def unknown_names(subject: Subject, keys: tuple[str, ...] | None) -> str:
    """Returns the words about names that no known key has, for the end of a sentence; empty where there are none."""
    unknown = [name for name in keys or () if name in subject.unknown_keys]
    return f"; no known key is called {listed(unknown, ' or ')}" if unknown else ""


def _usable(keys: tuple[str, ...] | None, aside: Iterable[SetAside]) -> tuple[list[str] | None, str]:
    """Returns the named keys whose signatures can count, and in words the keys of which none can, being expired for example."""
    over = [each.signer for each in aside if not each.wanted]
    names = {name for signer in over for name in signer.names}
    if keys is None:
        return None, listed(dict.fromkeys(over), " and ")
    return [key for key in keys if key not in names], listed((key for key in keys if key in names), " and ")


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
