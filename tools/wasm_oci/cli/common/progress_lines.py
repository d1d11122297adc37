"""Progress as plain lines on stderr, and a sign of life every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wasm_oci.cli.common.progress_count import Count
from wasm_oci.outcome import say
from wasm_oci.progress import Phase
from wasm_oci.wording import size_text

_HEARTBEAT = 10.0
"""Seconds without a line after which there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLines:
    """One line when a phase of several things begins and ends, and one whenever nothing was written for `heartbeat` seconds."""

    program: str
    heartbeat: float = _HEARTBEAT

    @contextmanager
    def phase(self, name: str, *, count: int, size: int = 0) -> Iterator[Phase]:
        state, ended, started = Count(name=name, count=count, size=size), threading.Event(), time.monotonic()
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

    def _beat(self, state: Count, ended: threading.Event, started: float) -> None:
        while not ended.wait(self.heartbeat):
            say(f"{self.program}: {state.text}, {time.monotonic() - started:.0f} s")
