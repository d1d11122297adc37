"""What a command gives back, and how it reaches the user."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.files import reason_of

if TYPE_CHECKING:
    from wasm_oci.jsontext import JsonObject

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A command's result: `text` for people, `document` for `--output json`."""

    text: str
    document: JsonObject = field(default_factory=dict)
    exit_code: int = 0


def enter_user_directory() -> None:
    """Under `bazel run`, goes to where the user stands, so that relative paths mean what they say."""
    if directory := os.environ.get("BUILD_WORKING_DIRECTORY"):
        os.chdir(directory)


def write_document(outcome: Outcome, form: str) -> None:
    """Puts exactly one JSON document, or the text, on stdout; raises UsageError where that is not possible."""
    if form == "json":
        _write_json(outcome.document)
    elif outcome.text:
        write_text(outcome.text if outcome.text.endswith("\n") else outcome.text + "\n")


def say(text: str) -> None:
    """Writes to stderr. One that is closed, full or that nobody reads takes nothing, and changes no exit code."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
            return
    except (OSError, ValueError):  # what is left in it would fail once more when the interpreter ends
        pass
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - lives as long as the program


def report_error(program: str, error: WasmOciError, form: str) -> None:
    """Puts one line on stderr, and with `--output json` the same as a document on stdout."""
    say(f"{program}: {error}\n")
    if form == "json":
        with suppress(UsageError, BrokenPipeError):
            _write_json(error_document(error))


def error_document(error: WasmOciError) -> JsonObject:
    """Returns an error as `--output json` shows it."""
    details = {"reason": error.reason, "message": error.what, "where": error.where, "hint": error.hint}
    return {"error": details, "exitCode": error.exit_code}


def _write_json(document: JsonObject) -> None:
    from wasm_oci.jsontext import pretty

    write_text(pretty({"schemaVersion": SCHEMA_VERSION, **document}).decode())


def write_text(text: str) -> None:
    """Writes all of `text` to stdout, with escapes for what its encoding does not have; raises UsageError.

    After an error stdout goes nowhere, so that the interpreter does not fail once more when it ends.
    """
    if sys.stdout is None:
        raise UsageError("cannot write the result: stdout is closed", hint="give it a file or a pipe")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except (OSError, ValueError) as err:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - lives as long as the program
        if isinstance(err, BrokenPipeError):
            raise
        detail = reason_of(err) if isinstance(err, OSError) else "it is closed"
        raise UsageError(f"cannot write the result: {detail}", where="stdout", hint="make room, or give it another file") from err
