"""The protocol between Bazel and a persistent worker: WorkRequest and WorkResponse of bazel.build/remote/creating, one line each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from wasm_oci.errors import FormatError

Run = Callable[[Sequence[str]], int]
"""Runs a command line of `wasm_oci` and returns its exit code."""


class WorkRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An action to run or, with `cancel`, to abandon. Other members, such as the digests of inputs, are ignored."""

    arguments: tuple[str, ...] = ()
    request_id: int = 0
    """0 if Bazel sends one request at a time; the member may then be absent."""
    sandbox_dir: str = ""
    """Folder in which the action runs; empty for the worker's own."""
    cancel: bool = False


class WorkResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a request ended."""

    exit_code: int = 0
    output: str = ""
    """What the command wrote to stdout and stderr."""
    request_id: int = 0
    was_cancelled: bool = False


_REQUEST = msgspec.json.Decoder(WorkRequest)
_RESPONSE = msgspec.json.Encoder()


def parse_request(line: bytes) -> WorkRequest:
    """Raises FormatError for a line that is not a request, since there is no request id to respond to."""
    try:
        return _REQUEST.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise FormatError(f"invalid work request: {err}", where="stdin", hint="let Bazel start this program") from err


class RequestLines:
    """Requests from a stream that arrives in pieces."""

    def __init__(self) -> None:
        self.open = True
        self._rest = b""

    def add(self, data: bytes) -> Iterator[WorkRequest]:
        """Yields the requests that `data` completes; empty data is the end. Raises FormatError for an invalid or incomplete one."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.open = bool(data)
        for line in lines:
            if line.strip():
                yield parse_request(line)
        if not data and self._rest.strip():
            raise FormatError("stdin ends within a request", where="stdin", hint="let Bazel start this program")


def write_response(stream: int, response: WorkResponse) -> None:
    """Raises BrokenPipeError if Bazel no longer reads responses."""
    data = memoryview(_RESPONSE.encode(response) + b"\n")
    while data:
        data = data[os.write(stream, data) :]


def take_streams() -> tuple[int, int]:
    """Returns the original stdin and stdout, for requests and responses.

    From then on stdin is empty, and printed text goes to stderr, the worker's log, so that it does not mix with responses.
    """
    streams = os.dup(0), os.dup(1)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return streams
