"""Publishes what is asked for, shows the plan and returns the result."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from wasm_oci.cli.common.key_options import passphrase_of
from wasm_oci.cli.common.progress import progress_of
from wasm_oci.cli.common.result_file import INTERRUPTED
from wasm_oci.cli.publishing.recording import Recorder, record_refusal, recorder_of, requested_of
from wasm_oci.errors import WasmOciError
from wasm_oci.http.transport import Transport
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.source import without
from wasm_oci.outcome import YELLOW, Outcome, Painted, error_document, report_error, say, write_lines
from wasm_oci.publish import resolve
from wasm_oci.publish.planning import AnyPlan, Decide, allow
from wasm_oci.publish.release import Release, release
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.publish.report import artifact_document, errors_of, plan_lines, result_lines, summary_lines, warnings_of


def published(request: ReleaseRequest, args: argparse.Namespace) -> Outcome:
    """Publishes one artifact; raises what `release` raises. After Ctrl-C the outcome is what is known, if anything was begun."""
    done, whole = carried_out(request, args, "push", lambda plans: (line for plan in plans for line in plan_lines(plan)))
    (artifact,) = done.artifacts
    error = reported([*errors_of(artifact), *([done.unrecorded] if done.unrecorded else [])]) if whole else INTERRUPTED
    document = artifact_document(artifact) | error
    exit_code = int(error.get("exitCode", 0))
    if len(artifact.plans) > 1 or (exit_code and any(result.steps for result in artifact.results)):
        return Outcome(lines=summary_lines([artifact]), document=document, exit_code=exit_code)
    if exit_code:
        return Outcome(document=document, exit_code=exit_code)
    done_lines = [line for result in artifact.results for line in result_lines(result)]
    return Outcome(lines=done_lines or ["Dry run: nothing was written"], document=document)


def carried_out(
    request: ReleaseRequest, args: argparse.Namespace, command: str, planned: Callable[[Sequence[AnyPlan]], Iterable[str]]
) -> tuple[Release, bool]:
    """Publishes as `carried_out_over` says, over connections of its own, and records that as what `command` did."""
    ca_files, passphrase = resolve.ca_options(request.ca_files, args.ca_file), passphrase_of(args)
    recorder = recorder_of(request.audit_log, command, passphrase, dry_run=request.dry_run)
    with closing(resolve.make_transport(request.plain_http, request.timeout, ca_files)) as transport:
        return carried_out_over(transport, request, args, planned, passphrase=passphrase, recorder=recorder)


def _decide(request: ReleaseRequest) -> Decide:
    """Returns who decides; where no policy is asked for, what evaluates policies is not even imported."""
    asked = [*(artifact.policy for artifact in request.artifacts), *(index.policy for index in request.indexes)]
    if not any(policy.policies or policy.overrides for policy in asked):
        return allow
    from wasm_oci.decisions.publishing import by_policies

    return by_policies(request)


def carried_out_over(
    transport: Transport,
    request: ReleaseRequest,
    args: argparse.Namespace,
    planned: Callable[[Sequence[AnyPlan]], Iterable[str]],
    *,
    passphrase: PassphraseSource,
    recorder: Recorder,
) -> tuple[Release, bool]:
    """Publishes, and shows the plans in the lines that `planned` makes; returns what became of it, and False where Ctrl-C ended it.

    Raises what `release` raises, and KeyboardInterrupt where nothing was begun.
    """

    def show(plans: Sequence[AnyPlan]) -> None:
        for warning in dict.fromkeys(warnings_of(plans)):
            say(Painted(f"wasm_oci: warning: {warning}", YELLOW))
        if args.output == "text" and not args.quiet:
            write_lines(planned(plans))

    def record(done: Release) -> None:
        try:
            recorder.end(done)
        except WasmOciError as err:
            done = replace(done, unrecorded=err)
        known.append(done)

    known: list[Release] = []
    try:
        done = release(
            request,
            transport=transport,
            environ=without(os.environ, recorder.hidden),
            passphrase=passphrase,
            decide=_decide(request),
            show=show,
            intend=recorder.begin,
            record=record,
            progress=progress_of(quiet=args.quiet),
        )
    except KeyboardInterrupt:
        if not known:
            raise
        say("wasm_oci: interrupted")
        reported(filter(None, [known[0].unrecorded]))
        return known[0], False
    except WasmOciError as err:
        record_refusal(recorder, err, requested_of(request))
        raise
    return (known[0] if known else done), True


def reported(errors: Iterable[WasmOciError]) -> JsonObject:
    """Says each error once; returns the document of the first, empty where there is none."""
    different = list({str(error): error for error in errors}.values())
    for error in different:
        report_error("wasm_oci", error, "text")
    return error_document(different[0]) if different else {}
