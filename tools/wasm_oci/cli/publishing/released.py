"""Publishes a release, shows its plan and returns the result."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import closing

from wasm_oci.cli.common.key_options import passphrase_of
from wasm_oci.cli.common.progress import progress_of
from wasm_oci.cli.common.result_file import INTERRUPTED
from wasm_oci.jsontext import JsonObject
from wasm_oci.outcome import YELLOW, Outcome, Painted, error_document, report_error, say, write_lines
from wasm_oci.publish import resolve
from wasm_oci.publish.planning import AnyPlan
from wasm_oci.publish.release import Release, release
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.publish.report import warnings_of
from wasm_oci.releases.report import planned_lines, release_document, released_lines


def released(request: ReleaseRequest, args: argparse.Namespace) -> Outcome:
    """Publishes all; raises what `release` raises. After Ctrl-C the outcome is what is known, if anything was begun."""

    def show(plans: Sequence[AnyPlan]) -> None:
        for warning in dict.fromkeys(warnings_of(plans)):
            say(Painted(f"wasm_oci: warning: {warning}", YELLOW))
        if args.output == "text" and not args.quiet:
            write_lines(planned_lines(plans))

    known: list[Release] = []
    try:
        with closing(resolve.make_transport(request.plain_http, request.timeout, args.ca_file)) as transport:
            done = release(
                request,
                transport=transport,
                environ=os.environ,
                passphrase=passphrase_of(args),
                show=show,
                record=known.append,
                progress=progress_of(quiet=args.quiet),
            )
    except KeyboardInterrupt:
        if not known:
            raise
        say("wasm_oci: interrupted")
        return _outcome(known[0], INTERRUPTED)
    for error in done.errors:
        report_error("wasm_oci", error, "text")
    return _outcome(done, error_document(done.errors[0]) if done.errors else {})


def _outcome(done: Release, error: JsonObject) -> Outcome:
    lines = ["Dry run: nothing was written"] if done.request.dry_run and not error else released_lines(done)
    return Outcome(lines=lines, document=release_document(done) | error, exit_code=int(error.get("exitCode", 0)))
