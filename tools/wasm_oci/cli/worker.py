"""A persistent worker of Bazel (bazel.build/remote/persistent): one process that forks a child for each build action.

The parent imports what build actions need, once, and does nothing but pass on: it opens no file of an action. A child
runs one command and ends, so no key, folder, signal handler or global outlives a request, and cancelling is ending a process.
There is one thread: a selector watches stdin and the children's output.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from wasm_oci.cli.work_request import WorkRequest, WorkResponse, parse_request, take_streams, write_response
from wasm_oci.errors import EXIT_BUG, FormatError
from wasm_oci.files import reason_of
from wasm_oci.keys import ed25519
from wasm_oci.outcome import say

Run = Callable[[Sequence[str]], int]
"""Runs a command line of `wasm_oci` and returns its exit code."""

PRELOADED = (
    "cryptography.exceptions",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "wasm_oci.cli.commands.attach",
    "wasm_oci.cli.commands.detach",
    "wasm_oci.cli.commands.image",
    "wasm_oci.cli.commands.normalise",
    "wasm_oci.cli.commands.sign",
    "wasm_oci.cli.commands.split",
    "wasm_oci.cli.commands.trusted_keys",
    "wasm_oci.cli.commands.verify",
    "wasm_oci.cli.commands.wasm_tools",
    "wasm_oci.keys.sources.stored",
)
"""What build actions import, some of it only inside of functions."""
_GRACE = 5.0
"""Seconds that a cancelled command has to remove what it began."""
_PIECE = 1 << 20


def serve(run: Run) -> int:
    """Answers requests until stdin ends; returns the exit code: 0, 2 for what is no request, 128 and the signal's number."""
    for name in PRELOADED:
        importlib.import_module(name)
    _warm_up()
    if hasattr(os, "fork"):
        return _ForkServer(run).serve()
    from wasm_oci.cli.worker_in_turn import serve_in_turn

    return serve_in_turn(run)


def _warm_up() -> None:
    """Signs and verifies with a key that is no secret: what cryptography prepares at its first use, a child would prepare each time."""
    seed = bytes(ed25519.SEED_SIZE)
    ed25519.verifier(ed25519.public_of(seed))(b"", ed25519.signer(seed)(b""))


@dataclass(slots=True, kw_only=True)
class _Child:
    """A request that runs."""

    request: WorkRequest
    pid: int
    pipe: int
    output: bytearray = field(default_factory=bytearray)
    cancelled: bool = False
    deadline: float | None = None
    """When it is killed, if it has not ended; only of one that was told to end."""


class _ForkServer:
    """The loop, its children by the ids of their requests, and the two ends of Bazel."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._requests, self._responses = take_streams()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._requests, selectors.EVENT_READ)
        self._children: dict[int, _Child] = {}
        self._rest = b""
        self._open = True
        self._stopped_by = 0
        self._wakeup, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._selector.register(self._wakeup, selectors.EVENT_READ)

    def serve(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()  # children share the pages as long as nobody writes to them
        try:
            while (self._open or self._children) and not self._stopped_by:
                self._turn()
        except FormatError as err:
            say(f"wasm_oci: {err}\n")
            return err.exit_code
        except BrokenPipeError:  # nobody waits for responses any more
            return 0
        finally:
            self._end_children()
        return 128 + self._stopped_by if self._stopped_by else 0

    def _stop(self, number: int, _: object) -> None:
        self._stopped_by = number

    def _turn(self) -> None:
        """Waits for one thing or several, and deals with them."""
        deadlines = [child.deadline for child in self._children.values() if child.deadline is not None]
        timeout = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        for key, _ in self._selector.select(timeout):
            if key.fd == self._requests:
                self._read()
            elif key.data is not None:
                self._collect(key.data)
        for child in self._children.values():
            if child.deadline is not None and child.deadline <= time.monotonic():
                child.deadline = None
                _signal(child, signal.SIGKILL)

    def _read(self) -> None:
        data = os.read(self._requests, _PIECE)
        if not data:
            self._open = False
            self._selector.unregister(self._requests)
            if self._rest.strip():
                raise FormatError("stdin ends within a request", where="stdin", hint="let Bazel start this program")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._take(parse_request(line))

    def _take(self, request: WorkRequest) -> None:
        running = self._children.get(request.request_id)
        if request.cancel:
            if running and not running.cancelled:  # one that has ended got its response
                running.cancelled, running.deadline = True, time.monotonic() + _GRACE
                _signal(running, signal.SIGTERM)
            return
        if running:
            raise FormatError(f"request {request.request_id} runs already", where="stdin", hint="let Bazel start this program")
        try:
            self._start(request)
        except OSError as err:
            output = f"wasm_oci: cannot start a process for this action: {reason_of(err)}; run fewer at once (--jobs)\n"
            self._respond(WorkResponse(exit_code=2, output=output, request_id=request.request_id))

    def _start(self, request: WorkRequest) -> None:
        pipe, end = os.pipe()
        # A signal between the fork and the child's own handlers would be taken for one to this process.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        try:
            pid = os.fork()
            if not pid:
                self._be_child(request, end)
        except OSError:
            os.close(pipe)
            raise
        finally:
            os.close(end)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        with suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(pid, pid)
        child = _Child(request=request, pid=pid, pipe=pipe)
        self._children[request.request_id] = child
        self._selector.register(pipe, selectors.EVENT_READ, child)

    def _be_child(self, request: WorkRequest, end: int) -> NoReturn:
        """Runs the command in a process of its own, which ends here in any case."""
        code = EXIT_BUG
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _end_child)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
            os.dup2(end, 1)
            os.dup2(end, 2)
            for fd in (end, self._requests, self._responses):
                os.close(fd)
            code = run_in(self._run, request)
            sys.stdout.flush()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else EXIT_BUG
        finally:
            if error := sys.exception():
                sys.excepthook(type(error), error, error.__traceback__)
            os._exit(code)

    def _collect(self, child: _Child) -> None:
        """Takes what a child wrote; at the end of it the child has ended, and its request is answered."""
        if data := os.read(child.pipe, _PIECE):
            child.output += data
            return
        self._forget(child)
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        output = child.output.decode("utf-8", "replace")
        if code < 0:
            code, output = 128 - code, f"{output}wasm_oci: the command was ended by {signal.Signals(-code).name}\n"
        number = child.request.request_id
        cancelled = WorkResponse(request_id=number, was_cancelled=True)
        self._respond(cancelled if child.cancelled else WorkResponse(exit_code=code, output=output, request_id=number))

    def _respond(self, response: WorkResponse) -> None:
        write_response(self._responses, response)

    def _forget(self, child: _Child) -> None:
        del self._children[child.request.request_id]
        self._selector.unregister(child.pipe)
        os.close(child.pipe)

    def _end_children(self) -> None:
        """Lets what runs remove what it began, and then makes an end of it."""
        for child in self._children.values():
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        for child in list(self._children.values()):
            while os.waitpid(child.pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    _signal(child, signal.SIGKILL)
                time.sleep(0.01)
            self._forget(child)


def run_in(run: Run, request: WorkRequest) -> int:
    """Runs a request's command in the folder that it names; a folder that is not there is exit code 2."""
    try:
        if request.sandbox_dir:
            os.chdir(request.sandbox_dir)
    except OSError as err:
        say(f"wasm_oci: {request.sandbox_dir}: cannot enter the action's folder: {reason_of(err)}\n")
        return 2
    return run(request.arguments)


def _end_child(number: int, _: object) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)


def _signal(child: _Child, number: int) -> None:
    """Signals a child and the programs that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
