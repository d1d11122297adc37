"""What a command gives back, and how it reaches the user."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

from wasm_oci.errors import WasmOciError
from wasm_oci.jsontext import JsonObject, pretty

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
    """Puts exactly one JSON document, or the text, on stdout."""
    if form == "json":
        document = {"schemaVersion": SCHEMA_VERSION, **outcome.document}
        sys.stdout.write(pretty(document).decode())
    elif outcome.text:
        sys.stdout.write(outcome.text if outcome.text.endswith("\n") else outcome.text + "\n")
    sys.stdout.flush()


def report_error(program: str, error: WasmOciError, form: str) -> None:
    """Puts one line on stderr, and with `--output json` the same as a document on stdout."""
    sys.stderr.write(f"{program}: {error}\n")
    if form == "json":
        details = {"reason": error.reason, "message": error.what, "where": error.where, "hint": error.hint}
        document = {"schemaVersion": SCHEMA_VERSION, "error": details, "exitCode": error.exit_code}
        sys.stdout.write(pretty(document).decode())
        sys.stdout.flush()
