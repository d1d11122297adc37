"""Progress as bars on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from wasm_oci.cli.common.progress_count import Count
from wasm_oci.errors import one_line
from wasm_oci.progress import Phase
from wasm_oci.redaction import redacted
from wasm_oci.wording import size_text


class Bars:
    """A bar for each phase; it vanishes with the phase's end, because the result says the same."""

    @contextmanager
    def phase(self, name: str, *, count: int, size: int = 0) -> Iterator[Phase]:
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
            yield _Bar(bars, bars.add_task(name, total=count, sent="", now=""), Count(name=name, count=count, size=size))


@dataclass(frozen=True, slots=True)
class _Bar:
    bars: RichProgress
    task: TaskID
    state: Count

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
