"""The policies of `wasm_oci pull`, and what it says of their decision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.reference import Reference
from wasm_oci.outcome import YELLOW, Outcome, Painted, say
from wasm_oci.publish.plan_steps import NO_DECISION
from wasm_oci.reading.pull import Approve, approve_all
from wasm_oci.releases.sources import SourceSettings
from wasm_oci.trust.trust import Trust

if TYPE_CHECKING:
    from wasm_oci.decisions.pulling import PullPolicies


class Approval:
    """What policies decide about a component that is pulled; without policies, everything is allowed."""

    def __init__(
        self,
        policies: Sequence[Path],
        reference: str,
        trust: Trust | None,
        *,
        signature: bytes | None,
        settings: SourceSettings,
        plain_http: frozenset[str],
        copy_of: str | None = None,
    ) -> None:
        """Raises what reading policies raises; without any, what evaluates them is not even imported.

        In a build, `copy_of` is the reference that a layout is a copy of.
        """
        self._policies: PullPolicies | None = None
        if policies:
            from wasm_oci.decisions.pulling import PullPolicies

            self._policies = PullPolicies(
                paths=tuple(policies),
                text=reference,
                trust=trust,
                signature=signature,
                entries=settings.registries,
                plain_http=plain_http,
                time=trust.at if trust else None,
                copy_of=Reference.parse(copy_of, where="--copy-of") if copy_of else None,
                in_build=copy_of is not None,
            )

    @property
    def approve(self) -> Approve:
        return self._policies.approve if self._policies else approve_all

    def outcome(self, lines: Sequence[str], document: JsonObject) -> Outcome:
        """Returns the result with the decision; warnings are said."""
        decision = self._policies.decision if self._policies else NO_DECISION
        for warning in decision.warnings:
            say(Painted(f"wasm_oci: warning: {warning}", YELLOW))
        if decision.document is None:
            return Outcome(lines=lines, document=document)
        return Outcome(lines=[*lines, f"  policy    {decision.words}"], document=document | {"policy": decision.document})
