"""Shows how far a run is, on stderr: bars on a terminal, else plain lines, and a sign of life every few seconds."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wasm_oci.errors import one_line
from wasm_oci.outcome import say
from wasm_oci.progress import SILENT, Phase, Progress
from wasm_oci.redaction import redacted

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_HEARTBEAT = 10.0
"""Seconds without a line after which there is one."""
_SHOWN = 3
"""Things under way that a line names."""
_UNITS = ("B", "KiB", "MiB", "GiB")


def progress_of(*, quiet: bool, environ: Mapping[str, str] = os.environ, program: str = "wasm_oci") -> Progress:
    """Returns what shows the progress of this run; nothing where it is to be quiet."""
    if quiet:
        return SILENT
    return _Bars() if _is_terminal(environ) else PlainLines(program=program)


def _is_terminal(environ: Mapping[str, str]) -> bool:
    """Whether stderr is a terminal that a person looks at, and that can move its cursor."""
    if environ.get("CI") or environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    with suppress(OSError, ValueError):
        return sys.stderr is not None and sys.stderr.isatty()
    return False


@dataclass(slots=True, kw_only=True)
class _Count:
    """How far a phase is."""

    name: str
    count: int
    size: int
    done: int = 0
    failed: int = 0
    bytes: int = 0
    under_way: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def began(self, thing: str) -> Iterator[None]:
        failed = 1
        with self.lock:
            self.under_way.append(thing)
        try:
            yield
            failed = 0
        finally:
            with self.lock:
                self.under_way.remove(thing)
                self.done += 1
                self.failed += failed

    def sent(self, count: int) -> None:
        with self.lock:
            self.bytes += count

    @property
    def text(self) -> str:
        with self.lock:
            parts = [f"{self.done} of {self.count} done"]
            if self.failed:
                parts.append(f"{self.failed} failed")
            if self.size:
                parts.append(f"{size_text(min(self.bytes, self.size))} of {size_text(self.size)} sent")
            if self.under_way:
                more = len(self.under_way) - _SHOWN
                parts.append("now " + ", ".join(self.under_way[:_SHOWN]) + (f" and {more} more" if more > 0 else ""))
        return f"{self.name}: {', '.join(parts)}"


def size_text(size: int) -> str:
    """Returns a number of bytes with at most one digit after the point."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{size} B"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLines:
    """One line when a phase of several things begins and ends, and one whenever nothing was written for `heartbeat` seconds."""

    program: str
    heartbeat: float = _HEARTBEAT

    @contextmanager
    def phase(self, name: str, *, count: int, size: int = 0) -> Iterator[Phase]:
        state, ended, started = _Count(name=name, count=count, size=size), threading.Event(), time.monotonic()
        if count > 1:
            say(f"{self.program}: {name}: {count}" + (f", {size_text(size)} to send" if size else ""))
        beat = threading.Thread(target=self._beat, args=(state, ended, started), name="progress", daemon=True)
        beat.start()
        try:
            yield state
        finally:
            ended.set()
            beat.join()
            if count > 1:
                say(f"{self.program}: {state.text}, {time.monotonic() - started:.0f} s")

    def _beat(self, state: _Count, ended: threading.Event, started: float) -> None:
        while not ended.wait(self.heartbeat):
            say(f"{self.program}: {state.text}, {time.monotonic() - started:.0f} s")


class _Bars:
    """A bar for each phase; it vanishes with the phase's end, because the result says the same."""

    @contextmanager
    def phase(self, name: str, *, count: int, size: int = 0) -> Iterator[Phase]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[sent]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", markup=False),
        )
        console = Console(stderr=True, highlight=False)
        with RichProgress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bars:
            yield _Bar(bars, bars.add_task(name, total=count, sent="", now=""), _Count(name=name, count=count, size=size))


@dataclass(frozen=True, slots=True)
class _Bar:
    bars: RichProgress
    task: TaskID
    state: _Count

    @contextmanager
    def _began(self, thing: str) -> Iterator[None]:
        with self.state.began(thing):
            self.bars.update(self.task, now=one_line(redacted(thing)))
            yield
        self.bars.update(self.task, completed=self.state.done)

    def began(self, thing: str) -> AbstractContextManager[None]:
        return self._began(thing)

    def sent(self, count: int) -> None:
        self.state.sent(count)
        sent = min(self.state.bytes, self.state.size)
        self.bars.update(self.task, sent=f"{size_text(sent)} of {size_text(self.state.size)}")
