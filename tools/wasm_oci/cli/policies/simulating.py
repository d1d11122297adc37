"""`wasm_oci policy simulate`: which subjects a new policy would decide differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.outcome import Outcome
from wasm_oci.policy.review.simulate import Simulation, simulate
from wasm_oci.policy_facts.policies import read_policies
from wasm_oci.policy_facts.records import read_records


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySimulateRequest:
    """A policy to try."""

    new: Path
    against: Path | None
    """The policy to compare with; None compares with what was decided."""
    logs: tuple[Path, ...]


def run_simulate(request: PolicySimulateRequest) -> Outcome:
    new = read_policies([request.new])
    old = read_policies([request.against]) if request.against else None
    found = simulate(new, (past for log in request.logs for past in read_records(log)), old)
    return Outcome(lines=list(_lines(found)), document=found.to_json())


def _lines(found: Simulation) -> Iterator[str]:
    for flip in found.flips:
        yield from flip.lines()
    denied = sum(flip.was for flip in found.flips)
    yield f"{found.subjects} subjects: {denied} would become denied, {len(found.flips) - denied} would become allowed"
    if found.unknown:
        yield f"{found.unknown} of them have no decision to compare with; give --against OLD"
