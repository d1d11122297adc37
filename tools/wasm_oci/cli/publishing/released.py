"""Publishes a release and returns the result."""

from __future__ import annotations

import argparse

from wasm_oci.cli.common.result_file import INTERRUPTED
from wasm_oci.cli.publishing.published import carried_out, reported
from wasm_oci.outcome import Outcome
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.releases.report import planned_lines, release_document, released_lines


def released(request: ReleaseRequest, args: argparse.Namespace) -> Outcome:
    """Publishes all; raises what `release` raises. After Ctrl-C the outcome is what is known, if anything was begun."""
    done, whole = carried_out(request, args, "release", planned_lines)
    error = reported(done.errors) if whole else INTERRUPTED
    lines = ["Dry run: nothing was written"] if done.request.dry_run and not error else released_lines(done)
    return Outcome(lines=lines, document=release_document(done) | error, exit_code=int(error.get("exitCode", 0)))
