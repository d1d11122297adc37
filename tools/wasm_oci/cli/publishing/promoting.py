"""Promotes from one place to another, a file included: what `promote` and `archive` share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.result_file import INTERRUPTED
from wasm_oci.cli.publishing.published import carried_out_over, reported
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.oci.archive import ARCHIVE_PREFIX, pack
from wasm_oci.oci.reference import check_tag
from wasm_oci.oci.target import layout_folder
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
    from wasm_oci.publish.registries import RegistryEntry


def run(
    source: Source,
    destination: str,
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
    file = Path(destination.removeprefix(ARCHIVE_PREFIX)) if destination.startswith(ARCHIVE_PREFIX) else None
    with scratch_folder() as scratch:
        folder = scratch / "layout"
        place = PromotedTo(folder=folder) if file else _place(destination, settings.registries)
        how, settings = promotion(place), replace(settings, published_to=place.host)
        with closing(resolve.make_transport(how.plain_http, settings.timeout, ca_files)) as transport:
            request = _request(source.open(settings, transport=transport, environ=os.environ), how, transport)
            done, whole = carried_out_over(transport, request, args, planned, PassphraseSource(environ=os.environ))
        document = _document(done, str(file) if file else None)
        if error := reported(done.errors) if whole else INTERRUPTED:
            return Outcome(lines=released_lines(done), document=document | error, exit_code=int(error["exitCode"]))
        if done.request.dry_run:
            return Outcome(lines=["Dry run: nothing was written"], document=document)
        if file:
            pack(folder, file)
            return Outcome(lines=[Painted(f"Written: {file}", GREEN), f"  digest    {document['digest']}"], document=document)
    return Outcome(lines=_lines(done), document=document)


def _place(destination: str, registries: tuple[RegistryEntry, ...]) -> PromotedTo:
    folder = layout_folder(destination)
    if folder is None:
        return PromotedTo.parse(destination, registries)
    path, colon, tag = str(folder).rpartition(":")
    if colon and len(path) > 1:
        return PromotedTo(folder=Path(path), tag=check_tag(tag, where=destination))
    return PromotedTo(folder=folder)


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
