"""Promotes from one place to another, a file included: what `promote` and `archive` share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from wasm_oci.cli.common.result_file import INTERRUPTED
from wasm_oci.cli.publishing.published import carried_out_over, reported
from wasm_oci.cli.publishing.recording import record_refusal, recorder_of
from wasm_oci.errors import WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.oci.archive import check_archive_name, pack
from wasm_oci.oci.target import LocalPlace, local_place
from wasm_oci.outcome import GREEN, Outcome, Painted
from wasm_oci.publish import resolve
from wasm_oci.publish.release import Release
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.publish.report import artifact_document, result_lines
from wasm_oci.publish.signing import scratch_folder
from wasm_oci.releases.promotion import PromotedTo, Promotion, promotion_of
from wasm_oci.releases.report import release_document, released_lines
from wasm_oci.releases.sources import Source, SourceSettings

if TYPE_CHECKING:
    from wasm_oci.http.transport import Transport
    from wasm_oci.oci.target import Target
    from wasm_oci.publish.planning import AnyPlan


def run(
    source: Source,
    destination: str | LocalPlace,
    promotion: Callable[[PromotedTo], Promotion],
    settings: SourceSettings,
    args: argparse.Namespace,
    *,
    planned: Callable[[Sequence[AnyPlan]], Iterable[str]],
    ca_files: Sequence[str] = (),
) -> Outcome:
    """Promotes a source and reports; `promotion` returns how, given where to. The plan is shown in the lines that `planned` makes.

    After Ctrl-C the outcome is what is known, if anything was begun.
    """
    local = local_place(destination) if isinstance(destination, str) else destination
    file = check_archive_name(local.path) if local and local.is_archive else None
    with scratch_folder() as scratch:
        folder = scratch / "layout"
        tag, path = (local.tag, folder if file else local.path) if local else (None, None)
        place = PromotedTo(folder=path, tag=tag) if path else PromotedTo.parse(str(destination), settings.registries)
        how, settings = promotion(place), replace(settings, published_to=place.host)
        passphrase = PassphraseSource(environ=os.environ)
        recorder = recorder_of(how.audit_log, "promote", passphrase, dry_run=how.dry_run)
        with closing(resolve.make_transport(how.plain_http, settings.timeout, ca_files)) as transport:
            try:
                request = _request(source.open(settings, transport=transport, environ=os.environ), how, transport)
            except WasmOciError as err:
                record_refusal(recorder, err, [{"destination": destination, "tags": list(how.tags)}])
                raise
            done, whole = carried_out_over(transport, request, args, planned, passphrase=passphrase, recorder=recorder)
        document = _document(done, str(file) if file else None)
        if error := reported(done.errors) if whole else INTERRUPTED:
            return Outcome(lines=released_lines(done), document=document | error, exit_code=int(error["exitCode"]))
        if done.request.dry_run:
            return Outcome(lines=["Dry run: nothing was written"], document=document)
        if file:
            pack(folder, file)
            return Outcome(lines=[Painted(f"Written: {file}", GREEN), f"  digest    {document['digest']}"], document=document)
    return Outcome(lines=_lines(done), document=document)


def _request(target: Target, how: Promotion, transport: Transport) -> ReleaseRequest:
    if not how.tags:
        how = replace(how, tags=target.tags)
    return promotion_of(target, how, interrupt=transport.stop)


def _lines(done: Release) -> list[str]:
    if done.indexes:
        return released_lines(done)
    return [line for artifact in done.artifacts for result in artifact.results for line in result_lines(result)]


def _document(done: Release, file: str | None) -> JsonObject:
    document = release_document(done) if done.indexes else artifact_document(done.artifacts[0])
    digest = document["releases"][0]["digest"] if done.indexes else document["digest"]
    return document | {"digest": digest} | ({"archive": file} if file else {})
