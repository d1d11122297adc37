"""A release of three artifacts to two registries, with and without a release index, killed at its requests (SIGKILL).

Whenever that is, each tag is as it was or as planned, what a planned tag names is there with its signature, the tag of the release shows
all old or all new, and a second run completes the work. KILL_MATRIX says when a request is the last, `before` it is carried out or
`after` that, and then each request is; without it some are, one or the other. Which request a number means: see test_fault_matrix.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess

import pytest

from fakes.processes import CONTEXT, start_server
from fakes.releases import ARTIFACTS, Places, Position, places
from fakes.timing import IMPATIENT
from fakes.victim import publish
from instruments.effects import Disconnect
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder

_ONLY = os.environ.get("KILL_MATRIX", "")
_SAMPLE = 9
"""Of so many requests one is the last where KILL_MATRIX does not ask for all."""


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


def _positions(filled: Places) -> list[Position]:
    found = filled.positions(IMPATIENT)
    if _ONLY:
        return [*found[0], *found[1]]
    if filled.index:
        return [each for registry in (0, 1) for each in found[registry][registry * 3 :: _SAMPLE]]
    return [each for registry in (0, 1) for each in found[registry] if each.repository == ARTIFACTS[registry]]


@pytest.mark.parametrize("index", [False, True], ids=["apart", "with an index"])
def test_a_run_that_is_killed_leaves_no_tag_in_between(index: bool) -> None:
    start_server()
    with places(limits=IMPATIENT, index=index) as filled:
        between = set()
        for number, position in enumerate(_positions(filled)):
            moved, tags = _tags_after_kill(filled, position, stored=_ONLY == "after" if _ONLY else number % 2 == 0)
            between.add(0 < moved < tags)
        assert True in between, "no run was killed between two tags"


def _tags_after_kill(filled: Places, position: Position, *, stored: bool) -> tuple[int, int]:
    """Returns how many tags are as planned after a run that was killed, and how many there are."""
    run, kill = filled.begin(), Kill(stored=stored)
    fault = filled.registries[position.registry].faults.add(position.fault(run, kill))
    victim = CONTEXT.Process(target=publish, args=(filled.wanted, run))
    kill.victims.append(victim)
    victim.start()
    victim.join(60)
    filled.registries[position.registry].faults.clear()
    assert (fault.hits, victim.exitcode) == (1, -signal.SIGKILL), position
    moved = filled.check_whole(run)
    again = filled.publish(run, limits=IMPATIENT)
    assert (len(again.published), again.errors) == (filled.destinations, {}), position
    tags = filled.check_whole(run, again, complete=True)
    filled.end(run)
    return moved, tags
