"""Writes the records of one run to a log: what cannot be recorded is not begun."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from wasm_oci.audit.records import RunRecord, intents, outcomes, refusals, whoever_runs_this
from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.log.records import entry_of
from wasm_oci.log.settings import open_log
from wasm_oci.log.writer import append
from wasm_oci.publish.release import Release
from wasm_oci.trust.timestamps import now, timestamp_text


class LogRecorder:
    """Records what a release does; `clock` says when."""

    def __init__(
        self,
        path: Path,
        command: str,
        *,
        passphrase: PassphraseSource,
        environ: Mapping[str, str],
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Raises what opening the log and its key raises."""
        self._log = open_log(path)
        self._signer = self._log.signer(passphrase, environ)
        self._command, self._clock, self._run, self._who = command, clock, os.urandom(8).hex(), whoever_runs_this()
        self._writable = True
        source = self._log.source
        self.hidden = frozenset([source.ref]) if source.kind == "env" else frozenset()
        """The variables that no other program may see."""

    def begin(self, release: Release) -> None:
        """Records what is about to be done; raises what `append` raises: then nothing may be done."""
        try:
            self._append(intents(release, self._now()))
        except WasmOciError as err:
            self._writable = False
            err.what = f"nothing was published, because it cannot be recorded: {err.what}"
            raise

    def end(self, release: Release) -> None:
        """Records what became of it; raises as `begin` does."""
        try:
            self._append(outcomes(release, self._now()))
        except WasmOciError as err:
            err.what = f"the outcome could not be recorded: {err.what}"
            err.hint = f"{err.hint}; the log has what was intended, as run {self._run}"
            raise

    def refused(self, error: WasmOciError, requested: Sequence[JsonObject]) -> None:
        """Records what is not done, and why, unless that is because it cannot be recorded; raises as `begin` does."""
        if not self._writable:
            return
        try:
            self._append(refusals(error, requested, self._now()))
        except WasmOciError as err:
            raise UsageError(f"the refusal could not be recorded: {err.what}", where=err.where, hint=err.hint) from err

    def _now(self) -> RunRecord:
        return RunRecord(command=self._command, run=self._run, time=timestamp_text(self._clock()), who=self._who)

    def _append(self, records: Iterable[JsonObject]) -> None:
        where = str(self._log.folder.path)
        append(self._log.folder, (entry_of(record, where=where) for record in records), self._log.verifier.name, self._signer)
