"""Running another program: what it wrote is kept up to a limit, and it has the terminal only where that is asked for."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from wasm_oci.external_program import ProgramResult, run_program

PROGRAM = "import sys; data = sys.stdin.buffer.read(); "


def run(code: str, message: bytes = b"", *, terminal: bool = False, limit: int = 1000, timeout: float = 30) -> ProgramResult:
    return run_program([sys.executable, "-c", code], message, os.environ, timeout=timeout, limit=limit, terminal=terminal)


@pytest.mark.parametrize("terminal", [False, True])
def test_streams_and_exit_code(terminal: bool) -> None:
    found = run(PROGRAM + "print(data.decode(), end=''); sys.exit('why')", b"message", terminal=terminal)
    assert found == ProgramResult(exit_code=1, stdout=b"message", stderr=b"why\n")


@pytest.mark.parametrize("terminal", [False, True])
def test_long_errors_are_cut_off_and_do_not_end_a_program(terminal: bool) -> None:
    found = run(PROGRAM + "sys.stderr.write('x' * 1_000_000); print('done')", terminal=terminal)
    assert found == ProgramResult(exit_code=0, stdout=b"done\n", stderr=b"x" * 1001)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_program_that_writes_without_end_is_killed(terminal: bool) -> None:
    found = run(PROGRAM + "\nwhile True: print('x' * 999)", terminal=terminal)
    assert found.exit_code != 0
    assert len(found.stdout) == 1001


AT_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from test_external_program import run
opens = "open('/dev/tty').close(); import os; print(os.tcgetpgrp(os.open('/dev/tty', os.O_RDWR)) == os.getpgrp())"
print(*(run(opens, terminal=terminal).stdout.decode().strip() or "none" for terminal in (False, True)))
"""


def test_only_a_program_that_may_has_the_terminal() -> None:
    master, slave = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", AT_A_TERMINAL],
        env=environ,
        stdin=slave,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        check=True,
        timeout=60,
    )
    os.close(slave)
    os.close(master)
    assert done.stdout == "none True\n"
