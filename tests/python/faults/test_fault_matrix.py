"""A release of three artifacts to two registries, each of whose requests goes wrong in every way.

Every run ends in success or in one clear error for each destination, within its limits; success is never false, each tag is as it was or
as planned, and a second run completes the work.

Each request of a release to one repository follows from the one before, so that "the n-th request to this repository" is the same
request in each run, however the repositories take turns. FAULT_MATRIX names one kind of fault, which every request to each repository
meets; without it each request to one repository of each registry meets one kind, in turn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pytest

from fakes.faults import KINDS, SECRET
from fakes.releases import ARTIFACTS, Ended, Places, places
from fakes.timing import IMPATIENT, FakeTime
from instruments.faults import Fault

LIMITS = replace(IMPATIENT, read_timeout=0.3)
_DESTINATIONS = 2 * len(ARTIFACTS)
_SECONDS = 60.0
"""Longest real time of a run: the longest waits are over in fake time."""

_ONLY = os.environ.get("FAULT_MATRIX", "")
_ENDS_THE_RUN = frozenset({"late"})
"""Kinds that use up the time of all destinations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Where faults are."""

    registry: int
    artifact: str
    kinds: tuple[str, ...]
    """One that each request meets, or several of which request by request the next ones are taken."""

    def __str__(self) -> str:
        return f"{self.artifact}-{('api', 'fallback')[self.registry]}"

    def of(self, number: int) -> Sequence[tuple[str, bool]]:
        """Returns the kinds that request `number` meets, each with whether all later requests meet it too."""
        if len(self.kinds) == 1:
            return [(self.kinds[0], True), (self.kinds[0], False)][: 1 + (self.artifact == ARTIFACTS[self.registry])]
        return [(self.kinds[(number * 3 + self.registry * 5) % len(self.kinds)], number % 2 == 1)]


def _cases() -> list[Case]:
    if _ONLY:
        return [Case(registry=registry, artifact=name, kinds=(_ONLY,)) for registry in (0, 1) for name in ARTIFACTS]
    return [Case(registry=registry, artifact=ARTIFACTS[registry], kinds=tuple(KINDS)) for registry in (0, 1)]


@pytest.fixture(scope="module")
def filled() -> Iterator[Places]:
    with places(limits=LIMITS) as found:
        yield found


@pytest.mark.parametrize("case", _cases(), ids=str)
def test_every_request_goes_wrong_in_every_way(filled: Places, case: Case) -> None:
    for number in count(1):
        hits = [_one_run(filled, case, number, kind, lasting=lasting) for kind, lasting in case.of(number)]
        if not all(hits):
            break
    assert number > 30


def _one_run(filled: Places, case: Case, number: int, kind: str, *, lasting: bool) -> int:
    """Returns how many requests went wrong."""
    where = (str(case), number, kind, lasting)
    run, fake = filled.begin(), FakeTime()
    fault = Fault(path=f"^/v2/{run}/{case.artifact}/", nth=number, times=None if lasting else 1, effect=KINDS[kind](fake))
    filled.registries[case.registry].faults.add(fault)
    started = time.monotonic()
    ended = filled.publish(run, limits=LIMITS, time=fake)
    assert time.monotonic() - started < _SECONDS, where
    filled.registries[case.registry].faults.clear()
    _check(filled, run, ended, where, alone=kind not in _ENDS_THE_RUN)
    again = filled.publish(run, limits=LIMITS)
    assert (again.published, again.errors) == (_DESTINATIONS, ()), where
    filled.check_whole(run, complete=True)
    filled.end(run)
    return fault.hits


def _check(filled: Places, run: str, ended: Ended, where: object, *, alone: bool) -> None:
    """`alone`: at most the destination of the fault may fail."""
    planned = filled.check_whole(run, complete=not ended.errors)
    assert planned >= 2 * ended.published, where
    assert len(ended.errors) <= (1 if alone else _DESTINATIONS), (where, ended.errors)
    for error in ended.errors:
        line = f"{error} {error.hint}"
        assert line.isprintable(), where
        assert SECRET not in line, where
        assert error.exit_code in (4, 5, 6, 7), (where, error)
        assert error.what, where
        assert any(host in line for host in filled.wanted.hosts) or "127.0.0.1:1" in line, (where, line)
