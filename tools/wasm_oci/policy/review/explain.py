"""A verdict in the words of a reader who did not write the policy."""

from __future__ import annotations

from collections.abc import Iterator

from wasm_oci.policy.verdict import Judged, Spoken, Verdict

_OUTCOMES = {
    "satisfied": "satisfied",
    "denied": "NOT satisfied",
    "warned": "not satisfied, which is a warning only",
    "overridden": "not satisfied, which an override allows",
    "not_judged": "satisfied as far as this step can know",
}
_FACTS = {
    "annotations": "the annotations of its manifest",
    "api_change": "what changed against the version in the registry",
    "digests": "the digests of its manifest and of the component",
    "exports": "its exports",
    "imports": "its imports",
    "key_sources": "where its signing keys are stored",
    "name": "its name",
    "namespace": "its namespace",
    "pinned": "whether it is named by digest",
    "previous": "the version in the registry",
    "registry": "its registry",
    "signers": "who signed it",
    "size": "the size of the component",
    "statements": "its signed statements",
    "tags": "its tags",
    "version": "its versions: tag, annotation and component",
    "worlds": "the worlds that it targets",
}
"""The members of a subject, in words."""


def explain(verdict: Verdict) -> Iterator[str]:
    """Yields the lines: the decision, why, what to do about it, and every rule that spoke."""
    subject, words = verdict.subject, "ALLOWED" if verdict.allowed else "DENIED"
    place = f" in {subject.registry}" if subject.registry else ""
    yield f"{words}: {subject.path}{place}, at {subject.at}"
    yield f"  policy       {verdict.policy.name}"
    yield f"  decided by   {_rule(verdict)}"
    denials = verdict.denials
    for number, each in enumerate(denials, 1):
        yield f"  problem {number}    {each.finding.what}"
        yield f"    rule       {_place(each)}"
        yield f"    looked at  {_FACTS[each.finding.fact]} (check {each.finding.check})"
        yield f"    to mend    {each.finding.change}"
    if len(denials) > 1:
        yield f"  {'Both' if len(denials) == 2 else f'All {len(denials)}'} problems have to be mended before it is allowed."
    if verdict.allowed and verdict.change:
        yield f"  note         {verdict.change}"
    for each in verdict.judged:
        if each.effect != "denied":
            yield f"  {each.effect.replace('_', ' '):<12} {each.finding.what} ({_place(each)})"
    for override in verdict.overrides:
        words = override.words.partition(" ")[2]
        yield f"  override     {words}; {override.exception.reason} ({override.exception.approved_by})"
    yield "  rules that spoke" if verdict.spoken else "  no rule spoke"
    for spoken in verdict.spoken:
        yield f"    {_spoken(spoken)}"


def _rule(verdict: Verdict) -> str:
    rule = verdict.deciding_rule
    return f"{rule.name} ({rule.place})" if rule else "the policy itself: no rule says that this is allowed"


def _place(judged: Judged) -> str:
    return f"{judged.rule.name} ({judged.rule.place})" if judged.rule else "none"


def _spoken(spoken: Spoken) -> str:
    about = ", ".join(spoken.members)
    return f"{spoken.rule.name} ({spoken.rule.place}) about {about}: {_OUTCOMES[spoken.outcome]}"
