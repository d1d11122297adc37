"""A program in a process group of its own, which has the terminal while it runs and leaves no children behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType

_TERMINAL = "/dev/tty"


class ProgramGroup:
    """Runs a program with pipes as its standard streams; at the end of the block its whole group is killed.

    A shell does the same with its jobs: the group in the foreground may read the terminal, for a PIN. Windows has no
    such groups; there only the program itself is killed. Raises OSError or ValueError where it cannot be run.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        pipe = subprocess.PIPE
        group = None if sys.platform == "win32" else 0
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=dict(environ), process_group=group)
        self._terminal: int | None = None

    def __enter__(self) -> ProgramGroup:
        if sys.platform != "win32":
            self._lend_terminal()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.kill()
            self.process.wait()
        finally:
            if sys.platform != "win32":
                self._take_terminal_back()

    def kill(self) -> None:
        """Ends the program and whatever it started in its group."""
        if sys.platform == "win32":
            self.process.kill()
            return
        with suppress(ProcessLookupError, PermissionError):  # no such group: nobody is left in it
            os.killpg(self.process.pid, signal.SIGKILL)

    if sys.platform != "win32":

        def _lend_terminal(self) -> None:
            """Puts the group into the foreground, if this program is there; it may have been stopped for reading before."""
            with suppress(OSError):
                terminal = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
                if os.tcgetpgrp(terminal) != os.getpgrp():
                    os.close(terminal)
                    return
                self._terminal = terminal
                os.tcsetpgrp(terminal, self.process.pid)
                os.killpg(self.process.pid, signal.SIGCONT)

        def _take_terminal_back(self) -> None:
            """A group in the background is stopped for this, unless it blocks the signal."""
            if self._terminal is None:
                return
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
            try:
                with suppress(OSError):
                    os.tcsetpgrp(self._terminal, os.getpgrp())
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                os.close(self._terminal)
