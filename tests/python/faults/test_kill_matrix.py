"""A release of three artifacts to two registries, killed at every one of its requests (SIGKILL).

Whenever that is, each tag is as it was or as planned, what a planned tag names is there with its signature, and a second run completes the
work. "The n-th request to this repository" is the same request in each run: see test_fault_matrix. KILL_MATRIX says when a request to each
repository is the last, `before` it is carried out or `after` that; without it one or the other, for one repository of each registry.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.process import BaseProcess

import pytest

from fakes.processes import CONTEXT, start_server
from fakes.releases import ARTIFACTS, Places, places
from fakes.timing import IMPATIENT
from fakes.victim import publish
from instruments.effects import Disconnect
from instruments.faults import Fault
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder

_ONLY = os.environ.get("KILL_MATRIX", "")
PLACES = [(number, name) for number in (0, 1) for name in (ARTIFACTS if _ONLY else ARTIFACTS[number : number + 1])]


@dataclass(slots=True, kw_only=True)
class Kill:
    """Ends the process that publishes, before a request is carried out or after that."""

    stored: bool
    victims: list[BaseProcess] = field(default_factory=list)

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        if self.stored:
            carry(request)
        for victim in self.victims:
            victim.kill()
        raise Disconnect


@pytest.fixture(scope="module")
def filled() -> Iterator[Places]:
    start_server()
    with places(limits=IMPATIENT) as found:
        yield found


@pytest.mark.parametrize(("registry", "artifact"), PLACES)
def test_a_run_that_is_killed_leaves_no_tag_in_between(filled: Places, registry: int, artifact: str) -> None:
    moved = 0
    for number in count(1):
        run, kill = filled.begin(), Kill(stored=_ONLY == "after" if _ONLY else number % 2 == 0)
        fault = filled.registries[registry].faults.add(Fault(path=f"^/v2/{run}/{artifact}/", nth=number, effect=kill))
        victim = CONTEXT.Process(target=publish, args=(filled.wanted, run))
        kill.victims.append(victim)
        victim.start()
        victim.join(60)
        filled.registries[registry].faults.clear()
        assert (victim.exitcode != 0) == bool(fault.hits), (number, victim.exitcode)
        moved += filled.check_whole(run, complete=not fault.hits)
        again = filled.publish(run, limits=IMPATIENT)
        assert (again.published, again.errors) == (6, ()), number
        filled.check_whole(run, complete=True)
        filled.end(run)
        if not fault.hits:
            break
    assert number > 30
    assert moved > 12, "no run was killed between two tags"
