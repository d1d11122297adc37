"""Starts the process of a request, which runs one command and ends with it or with the worker."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import NoReturn

from wasm_oci.cli.child import GRACE, Child
from wasm_oci.cli.work_request import Run, WorkRequest
from wasm_oci.errors import EXIT_BUG
from wasm_oci.files import reason_of
from wasm_oci.outcome import say

END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def start_child(run: Run, request: WorkRequest, *, lifeline: int, private: tuple[int, ...]) -> Child:
    """Forks; raises OSError where that fails.

    The child closes `private`, the worker's own file descriptors; the pipe `lifeline` ends when the worker is gone.
    """
    pipe, end = os.pipe()
    os.set_blocking(pipe, False)
    # A signal between the fork and the setup of the child's handlers would be handled as one to this process.
    signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
    try:
        pid = os.fork()
        if not pid:
            _be_child(run, request, end, lifeline, (*private, pipe))
    except OSError:
        os.close(pipe)
        raise
    finally:
        os.close(end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, END_SIGNALS)
    with suppress(OSError):  # the child does the same, whichever is first
        os.setpgid(pid, pid)
    return Child(request=request, pid=pid, pipe=pipe)


def _be_child(run: Run, request: WorkRequest, end: int, lifeline: int, private: tuple[int, ...]) -> NoReturn:
    """Runs the command in the child process, which never returns from here."""
    code = EXIT_BUG
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in END_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _end)
        os.dup2(end, 1)
        os.dup2(end, 2)
        for fd in (end, *private):
            os.close(fd)
        threading.Thread(target=_end_with_worker, args=(lifeline,), daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, END_SIGNALS)
        code = _run(run, request)
        sys.stdout.flush()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else EXIT_BUG
    finally:
        if error := sys.exception():
            sys.excepthook(type(error), error, error.__traceback__)
        os._exit(code)


def _end(number: int, _: object) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)


def _end_with_worker(lifeline: int) -> None:
    """Ends this process and its programs if the worker was killed; signals go to the main thread, which has unblocked them."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


def _run(run: Run, request: WorkRequest) -> int:
    """Runs a request's command in its folder; a folder that cannot be entered is exit code 2."""
    try:
        if request.sandbox_dir:
            os.chdir(request.sandbox_dir)
    except (OSError, ValueError) as err:
        say(f"wasm_oci: {request.sandbox_dir}: cannot enter the action's folder: {reason_of(err)}")
        return 2
    return run(request.arguments)
