"""What plans, results and errors say of verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from wasm_oci.digest import Digest
from wasm_oci.errors import PolicyError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.publish.plan_steps import Decision


def decision_of(
    verdicts: Sequence[Verdict],
    *,
    where: str,
    digest: Digest | None,
    override_reason: str = "",
    failures: Sequence[WasmOciError] = (),
) -> Decision:
    """Returns what verdicts about one artifact in one place decide, of which each must allow it.

    `failures` say why statements do not verify.
    """
    verdict = next((each for each in verdicts if not each.allowed), verdicts[0])
    return Decision(
        denial=_denial(verdict, where, failures),
        warnings=tuple(_warnings(verdict, where)),
        words=verdict.summary,
        document=_document(verdict, where, digest, override_reason),
    )


def _denial(verdict: Verdict, where: str, failures: Sequence[WasmOciError]) -> PolicyError | None:
    try:
        verdict.require(where=where)
    except PolicyError as err:
        if failures and lacks_statement(verdict):
            err.what += f"; {len(failures)} that refer to it do not verify: {failures[0].what}"
        return err
    return None


def lacks_statement(verdict: Verdict) -> bool:
    """Returns whether a statement that is required and not there is among the reasons of a denial."""
    return any(each.finding.check == "statement" for each in verdict.denials)


def _warnings(verdict: Verdict, where: str) -> list[str]:
    found = [f"{where}: {each.finding.what} ({each.rule_name}); {each.finding.change}" for each in verdict.warnings]
    lifted = [each for each in verdict.judged if each.effect == "overridden"]
    return found + [f"{where}: allowed by an override only: {each.finding.what} ({each.rule_name})" for each in lifted]


def _document(verdict: Verdict, where: str, digest: Digest | None, override_reason: str) -> JsonObject:
    """The verdict without what it repeats of the artifact, keyed by manifest digest and registry."""
    registry = verdict.subject.registry
    document = verdict.to_json()
    kept: JsonObject = {name: document[name] for name in ("decision", "policy", "decidedBy", "change", "findings")}
    kept |= {"digest": str(digest) if digest else None, "registry": str(registry) if registry else None, "destination": where}
    if verdict.overrides:
        kept["overrides"] = [each | {"requestedBecause": override_reason} for each in document["overrides"]]
    return kept
