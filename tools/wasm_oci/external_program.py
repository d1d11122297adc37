"""Runs a program that reads a message from stdin: in bounded time, with bounded output, and without children that live on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import IO

_TERMINAL = "/dev/tty"
_GRACE = 1.0
"""Seconds in which what is left in the pipes of an ended program is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramResult:
    """How a program ended and what it wrote; a stream that exceeded the limit is cut off one byte after it."""

    exit_code: int
    stdout: bytes
    stderr: bytes


def run_program(
    command: Sequence[str], message: bytes, environ: Mapping[str, str], *, timeout: float, limit: int, terminal: bool
) -> ProgramResult:
    """Runs a program with pipes as its standard streams, and kills its process group when it ends.

    More than `limit` bytes on stdout end it at once; further bytes on stderr are dropped. With `terminal`, it may read the terminal,
    for a PIN; otherwise it has no terminal. A child that has left the group is neither killed nor waited for. Windows has no such
    groups: there only the program itself is killed.

    Raises OSError or ValueError if the program cannot be run, and subprocess.TimeoutExpired after `timeout` seconds.
    """
    pipe, groups = subprocess.PIPE, sys.platform != "win32"
    process = subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=dict(environ),
        process_group=0 if groups and terminal else None,
        start_new_session=groups and not terminal,
    )
    stdout, stderr = bytearray(), bytearray()
    threads = [
        threading.Thread(target=_write, args=(process.stdin, message), daemon=True),
        threading.Thread(target=_read, args=(process.stdout, stdout, limit, process), daemon=True),
        threading.Thread(target=_read, args=(process.stderr, stderr, limit, None), daemon=True),
    ]
    with _in_foreground(process.pid) if terminal else nullcontext():
        try:
            for thread in threads:
                thread.start()
            exit_code = process.wait(timeout)
        finally:
            _kill(process)
            process.wait()
    deadline = time.monotonic() + _GRACE
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return ProgramResult(exit_code=exit_code, stdout=bytes(stdout), stderr=bytes(stderr))


def _write(stream: IO[bytes], message: bytes) -> None:
    with suppress(BrokenPipeError), stream:  # a program need not read its message
        stream.write(message)


def _read(stream: IO[bytes], kept: bytearray, limit: int, process: subprocess.Popen[bytes] | None) -> None:
    """Keeps the first bytes of a stream; kills the `process`, if one is given, that writes more."""
    with stream:
        while part := os.read(stream.fileno(), limit):
            kept += part[: limit + 1 - len(kept)]
            if process and len(kept) > limit:
                _kill(process)
                return


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _in_foreground(group: int) -> Iterator[None]:
    """Lends the terminal to a process group, as a shell does for its jobs, if this program is in the foreground itself."""
    terminal = _lend_terminal(group)
    try:
        yield
    finally:
        if terminal is not None:
            _take_back(terminal)


if sys.platform == "win32":

    def _lend_terminal(group: int) -> int | None:
        del group
        return None

    def _take_back(terminal: int) -> None:
        del terminal

else:

    def _lend_terminal(group: int) -> int | None:
        """Returns the terminal's descriptor; the group may have been stopped because it read the terminal before."""
        try:
            terminal = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return None
        with suppress(OSError):
            if os.tcgetpgrp(terminal) == os.getpgrp():
                os.tcsetpgrp(terminal, group)
                os.killpg(group, signal.SIGCONT)
                return terminal
        os.close(terminal)
        return None

    def _take_back(terminal: int) -> None:
        """A program in the background is stopped for this, unless it blocks the signal."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            with suppress(OSError):
                os.tcsetpgrp(terminal, os.getpgrp())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(terminal)
