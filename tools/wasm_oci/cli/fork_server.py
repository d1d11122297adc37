"""The loop of a persistent worker that forks: one thread, which waits for requests, for output, and for children to end."""

from __future__ import annotations

import gc
import os
import selectors
import signal
import time

from wasm_oci.cli.child import PIECE, Child
from wasm_oci.cli.child_process import END_SIGNALS, start_child
from wasm_oci.cli.work_request import RequestLines, Run, WorkRequest, WorkResponse, take_streams, write_response
from wasm_oci.errors import FormatError
from wasm_oci.files import reason_of
from wasm_oci.outcome import say


class ForkServer:
    """The children by request id, and the streams to and from Bazel."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._requests, self._responses = take_streams()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._requests, selectors.EVENT_READ)
        self._children: dict[int, Child] = {}
        self._lines = RequestLines()
        self._stopped_by = 0
        self._signals, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._selector.register(self._signals, selectors.EVENT_READ)
        self._lifeline, self._life = os.pipe()

    def serve(self) -> int:
        """Responds until stdin ends; returns the exit code: 0, 2 for an invalid request, 128 and the number of a signal."""
        for number in END_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # without a handler it would not wake the loop
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()  # children share memory pages as long as nothing writes to them
        try:
            while (self._lines.open or self._children) and not self._stopped_by:
                self._turn()
        except FormatError as err:
            say(f"wasm_oci: {err}")
            return err.exit_code
        except BrokenPipeError:  # Bazel no longer reads responses
            return 0
        finally:
            self._end_children()
        return 128 + self._stopped_by if self._stopped_by else 0

    def _stop(self, number: int, _: object) -> None:
        self._stopped_by = number

    def _turn(self) -> None:
        """Waits for one event or several, and handles them; children are removed last, so that no event is of a closed pipe."""
        deadlines = [child.deadline for child in self._children.values() if child.deadline is not None]
        timeout = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        signalled = False
        for key, _ in self._selector.select(timeout):
            if key.fd == self._requests:
                self._read()
            elif key.fd == self._signals:
                signalled = bool(os.read(self._signals, PIECE))
            else:
                key.data.read()
                if key.data.at_end:
                    self._selector.unregister(key.fd)
        for child in list(self._children.values()):
            child.kill_if_late()
            if signalled and (code := child.exit_code()) is not None:
                response = child.response(code)
                self._forget(child)
                write_response(self._responses, response)

    def _read(self) -> None:
        for request in self._lines.add(os.read(self._requests, PIECE)):
            self._take(request)
        if not self._lines.open:
            self._selector.unregister(self._requests)

    def _take(self, request: WorkRequest) -> None:
        running = self._children.get(request.request_id)
        if request.cancel:
            if running and not running.cancelled:  # a finished one already has its response
                running.cancel()
            return
        if running:
            raise FormatError(f"request {request.request_id} is already running", where="stdin", hint="let Bazel start this program")
        private = (self._requests, self._responses, self._signals, self._wake, self._life)
        try:
            child = start_child(self._run, request, lifeline=self._lifeline, private=private)
        except OSError as err:
            output = f"wasm_oci: cannot start a process for this action: {reason_of(err)}; run fewer at once (--jobs)\n"
            write_response(self._responses, WorkResponse(exit_code=2, output=output, request_id=request.request_id))
            return
        self._children[request.request_id] = child
        self._selector.register(child.pipe, selectors.EVENT_READ, child)

    def _forget(self, child: Child) -> None:
        del self._children[child.request.request_id]
        if child.pipe in self._selector.get_map():
            self._selector.unregister(child.pipe)
        os.close(child.pipe)

    def _end_children(self) -> None:
        """Gives each child time to remove partial results, then kills it."""
        for child in self._children.values():
            child.cancel()
        for child in list(self._children.values()):
            while child.exit_code() is None:
                child.kill_if_late()
                time.sleep(0.01)
            self._forget(child)
