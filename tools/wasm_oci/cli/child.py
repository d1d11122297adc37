"""A running request, as the persistent worker sees it: a process, and the pipe with its output."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

from wasm_oci.cli.work_request import WorkRequest, WorkResponse

GRACE = 5.0
"""Seconds that a command has to remove partial results after it is told to end."""
PIECE = 1 << 20
"""Bytes of one read: more than a pipe holds."""


@dataclass(slots=True, kw_only=True)
class Child:
    """A running request."""

    request: WorkRequest
    pid: int
    pipe: int
    output: bytearray = field(default_factory=bytearray)
    at_end: bool = False
    """Whether the other end of the pipe is closed."""
    cancelled: bool = False
    deadline: float | None = None
    """When to kill it if it is still running; only set after it was told to end."""

    def read(self) -> None:
        """Reads what is currently in the pipe."""
        with suppress(BlockingIOError):
            data = os.read(self.pipe, PIECE)
            self.output += data
            self.at_end = not data

    def cancel(self) -> None:
        self.cancelled, self.deadline = True, time.monotonic() + GRACE
        self.send(signal.SIGTERM)

    def kill_if_late(self) -> None:
        if self.deadline is not None and self.deadline <= time.monotonic():
            self.deadline = None
            self.send(signal.SIGKILL)

    def send(self, number: int) -> None:
        """Signals the process and the programs that it started."""
        with suppress(ProcessLookupError, PermissionError):  # the group is empty
            os.killpg(self.pid, number)

    def exit_code(self) -> int | None:
        """Returns None while it runs, and a negative signal number if a signal ended it. Do not call it again after that."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def response(self, code: int) -> WorkResponse:
        """Returns the response once the process has ended; programs that it left behind may still hold the pipe, and are not awaited."""
        self.read()
        if self.cancelled:
            self.send(signal.SIGKILL)  # its programs, too, must not write to a folder that Bazel removes
            return WorkResponse(request_id=self.request.request_id, was_cancelled=True)
        output = self.output.decode("utf-8", "replace")
        if code < 0:
            output += f"wasm_oci: the command was ended by {_signal_name(-code)}\n"
            code = 128 - code
        return WorkResponse(exit_code=code, output=output, request_id=self.request.request_id)


def _signal_name(number: int) -> str:
    """Returns a name such as SIGKILL; most real-time signals have none."""
    return next((known.name for known in signal.Signals if known == number), f"signal {number}")
