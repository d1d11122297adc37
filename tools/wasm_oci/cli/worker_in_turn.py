"""A persistent worker for systems without fork: it runs requests one at a time, in this process if they read no secret."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

from wasm_oci.cli.work_request import Run, WorkRequest, WorkResponse, parse_request, take_streams, write_response
from wasm_oci.errors import FormatError, one_line
from wasm_oci.files import reason_of
from wasm_oci.outcome import say

WITHOUT_SECRETS = frozenset(
    {"attach", "detach", "image", "metadata", "normalise", "policy", "pull", "registries", "split", "trusted-keys", "verify", "wasm-tools"}
)
"""Commands that read no secret key. All others run in separate processes, as without a worker."""


def serve_in_turn(run: Run) -> int:
    """Responds to requests until stdin ends; returns the exit code: 0, or 2 for an invalid request.

    A cancel request always arrives after the response, and is ignored.
    """
    requests, responses = take_streams()
    try:
        for line in os.fdopen(requests, "rb"):
            if not line.strip():
                continue
            request = parse_request(line)
            if request.cancel:
                continue
            inside = bool(request.arguments) and request.arguments[0] in WITHOUT_SECRETS
            write_response(responses, _here(run, request) if inside else _apart(request))
    except FormatError as err:
        say(f"wasm_oci: {err}")
        return err.exit_code
    except BrokenPipeError:
        return 0
    return 0


def _here(run: Run, request: WorkRequest) -> WorkResponse:
    written = io.BytesIO()
    output = io.TextIOWrapper(written, encoding="utf-8", errors="backslashreplace", write_through=True)
    try:
        folder = Path.cwd()
        if request.sandbox_dir:
            os.chdir(request.sandbox_dir)
    except (OSError, ValueError) as err:
        return _without_folder(request, err)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = run(request.arguments)
    finally:
        os.chdir(folder)
    return WorkResponse(exit_code=code, output=written.getvalue().decode(), request_id=request.request_id)


def _apart(request: WorkRequest) -> WorkResponse:
    """Runs the command the way this program was started, without the last argument, which made it a worker."""
    line = [sys.executable, *sys.orig_argv[1:-1], *request.arguments]
    try:
        done = subprocess.run(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=request.sandbox_dir or None, check=False
        )
    except (OSError, ValueError) as err:
        return _without_folder(request, err)
    return WorkResponse(exit_code=done.returncode, output=done.stdout.decode("utf-8", "replace"), request_id=request.request_id)


def _without_folder(request: WorkRequest, error: OSError | ValueError) -> WorkResponse:
    output = one_line(f"wasm_oci: {request.sandbox_dir or '.'}: cannot run the action there: {reason_of(error)}") + "\n"
    return WorkResponse(exit_code=2, output=output, request_id=request.request_id)
