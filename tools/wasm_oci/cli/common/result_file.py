"""`--result-file`: the JSON document of a result in a file, whatever the form of the result on stdout, and however the run ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from wasm_oci.errors import EXIT_BUG, EXIT_INTERRUPTED, UsageError, WasmOciError
from wasm_oci.files import atomic_path
from wasm_oci.jsontext import JsonObject
from wasm_oci.outcome import Outcome, error_document, json_bytes, report_error

INTERRUPTED: JsonObject = {
    "error": {"reason": "interrupted", "message": "interrupted", "where": "", "hint": ""},
    "exitCode": EXIT_INTERRUPTED,
}
"""The document of a run that Ctrl-C ended before anything was known."""
_BUG = {"error": {"reason": "bug", "message": "a bug in wasm_oci", "where": "", "hint": "report it"}, "exitCode": EXIT_BUG}


def keep_result(path: Path | None, run: Callable[[], Outcome]) -> Outcome:
    """Returns what `run` returns, and writes its document to a file, atomically; the document of an error too, which is raised again.

    Raises UsageError for a file that cannot be written before anything is done; one that cannot be written afterwards is reported.
    """
    if path is None:
        return run()
    outcome: Outcome | None = None
    failure: BaseException | None = None
    try:
        with atomic_path(path, what="result file") as temporary:
            try:
                outcome = run()
                document = outcome.document
            except WasmOciError as err:
                failure, document = err, error_document(err)
            except KeyboardInterrupt as err:
                failure, document = err, INTERRUPTED
            except Exception as err:  # noqa: BLE001 - raised again
                failure, document = err, _BUG
            temporary.write_bytes(json_bytes(document))
    except UsageError as err:
        if outcome is None and failure is None:
            raise
        report_error("wasm_oci", err, "text")
        if outcome is not None:
            outcome = replace(outcome, exit_code=outcome.exit_code or err.exit_code)
    if failure is not None:
        raise failure
    if outcome is None:
        raise ValueError("a run ends with an outcome or an error")
    return outcome
