"""Whether and where a run of publishing is recorded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from wasm_oci.errors import WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.outcome import report_error
from wasm_oci.publish.release import Release
from wasm_oci.publish.release_request import DestinationRequest, ReleaseRequest
from wasm_oci.publish.resolve import NamedRepository


class Recorder(Protocol):
    """Records what a run does; each method raises WasmOciError where that is not possible."""

    @property
    def hidden(self) -> frozenset[str]:
        """The variables that no other program may see."""

    def begin(self, release: Release) -> None:
        """Before the first write."""

    def end(self, release: Release) -> None:
        """After the last one, however the run ends."""

    def refused(self, error: WasmOciError, requested: Sequence[JsonObject]) -> None:
        """In place of both."""


class _NoRecord:
    hidden = frozenset[str]()

    def begin(self, release: Release) -> None:
        del release

    def end(self, release: Release) -> None:
        del release

    def refused(self, error: WasmOciError, requested: Sequence[JsonObject]) -> None:
        del error, requested


def recorder_of(log: Path | None, command: str, passphrase: PassphraseSource, *, dry_run: bool) -> Recorder:
    """Returns what records in a log; nothing where there is none, and of a dry run. Raises what opening a log raises."""
    if log is None or dry_run:
        return _NoRecord()
    from wasm_oci.audit.recorder import LogRecorder

    return LogRecorder(log, command, passphrase=passphrase, environ=os.environ)


def requested_of(request: ReleaseRequest) -> list[JsonObject]:
    """Returns what a request asks for, as a refusal names it."""
    return [
        {"target": artifact.target, "destination": _name(destination), "tags": list(destination.tags)}
        for artifact in request.artifacts
        for destination in artifact.destinations
    ]


def _name(destination: DestinationRequest) -> str:
    place = destination.repository
    return "/".join(filter(None, (place.registry, place.name))) if isinstance(place, NamedRepository) else place.name


def record_refusal(recorder: Recorder, error: WasmOciError, requested: Sequence[JsonObject]) -> None:
    """Records an error that ends a run; one that keeps it from being recorded is reported, and the first remains."""
    try:
        recorder.refused(error, requested)
    except WasmOciError as err:
        report_error("wasm_oci", err, "text")
