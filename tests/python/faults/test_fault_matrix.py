"""A release of three artifacts to two registries, with and without a release index, whose requests go wrong in every way.

Every run ends in success or in one clear error for each destination, within its limits; success is never false, each tag is as it was or
as planned, and a second run completes the work.

Each request of a release to one repository follows from the one before, so that "the n-th request to this repository" is the same
request in each run, however the repositories take turns. In that of a release index, where members take turns, it is one of a few.
FAULT_MATRIX names one kind of fault, which every request meets; without it some requests meet one kind each, in turn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

import pytest

from fakes.faults import KINDS, SECRET
from fakes.releases import ARTIFACTS, Ended, Places, Position, places
from fakes.timing import IMPATIENT, ParallelTime

LIMITS = replace(IMPATIENT, read_timeout=0.3)
_SECONDS = 60.0
"""Longest real time of a run: the longest waits are over in fake time."""

_ONLY = os.environ.get("FAULT_MATRIX", "")
_ENDS_THE_RUN = frozenset({"late"})
"""Kinds that use up the time of all destinations."""
_SAMPLE = 7
"""Of so many requests one meets a fault where no kind is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A run: the requests that meet a fault, each to another repository, and whether all later ones there meet it too."""

    positions: tuple[Position, ...]
    kind: str
    lasting: bool


def _cases(filled: Places) -> Iterator[Case]:
    found = filled.positions(LIMITS)
    if _ONLY:
        for number, positions in enumerate(_together(filled.index, found)):
            for lasting in (number % 2 == 1,) if filled.index else (True, False):
                yield Case(positions=positions, kind=_ONLY, lasting=lasting)
        return
    kinds = tuple(KINDS)
    for registry, several in enumerate(found):
        some = several[registry::_SAMPLE] if filled.index else [each for each in several if each.repository == ARTIFACTS[registry]]
        for number, position in enumerate(some):
            yield Case(positions=(position,), kind=kinds[(number * 3 + registry * 5) % len(kinds)], lasting=number % 2 == 1)


def _together(index: bool, found: Sequence[Sequence[Position]]) -> Iterator[tuple[Position, ...]]:
    """Yields the requests that meet a fault in one run: as many as do not concern each other, with every request in one of them.

    With an index a registry is one unit. Else every repository is by itself, but three in succession that do not respond are an outage.
    """
    for remainder in (0,) if index else (0, 1):
        columns: dict[tuple[int, str], list[Position]] = {}
        for each in chain(*found):
            if index or (each.registry + ARTIFACTS.index(each.repository)) % 2 == remainder:
                columns.setdefault((each.registry, "" if index else each.repository), []).append(each)
        for row in zip_longest(*columns.values()):
            yield tuple(filter(None, row))


@pytest.mark.parametrize("index", [False, True], ids=["apart", "with an index"])
def test_every_request_goes_wrong_in_every_way(index: bool) -> None:
    with places(limits=LIMITS, index=index) as filled:
        cases = list(_cases(filled))
        assert len(cases) > 50
        for case in cases:
            _run(filled, case)


def _run(filled: Places, case: Case) -> None:
    run, fake = filled.begin(), ParallelTime()
    faults = [each.fault(run, KINDS[case.kind](fake), times=None if case.lasting else 1) for each in case.positions]
    for position, fault in zip(case.positions, faults, strict=True):
        filled.registries[position.registry].faults.add(fault)
    started = time.monotonic()
    ended = filled.publish(run, limits=LIMITS, time=fake)
    assert time.monotonic() - started < _SECONDS, case
    assert (any if case.kind in _ENDS_THE_RUN else all)(fault.hits for fault in faults), case
    for registry in filled.registries:
        registry.faults.clear()
    _check(filled, run, ended, case)
    again = filled.publish(run, limits=LIMITS)
    assert (len(again.published), again.errors) == (filled.destinations, {}), case
    filled.check_whole(run, again, complete=True)
    filled.end(run)


def _check(filled: Places, run: str, ended: Ended, case: Case) -> None:
    """Nothing but what has a fault may fail: a repository, or a registry where that is a unit."""
    filled.check_whole(run, ended, complete=not ended.errors)
    names = [filled.name(each.registry, run, "" if filled.index else each.repository) for each in case.positions]
    for name, error in ended.errors.items():
        assert case.kind in _ENDS_THE_RUN or name.startswith(tuple(names)), (case, name, error)
        line = f"{error} {error.hint}"
        assert line.isprintable(), case
        assert SECRET not in line, case
        assert error.exit_code in (4, 5, 6, 7), (case, error)
        assert error.what, case
        assert any(host in line for host in filled.wanted.hosts) or "127.0.0.1:1" in line, (case, line)
