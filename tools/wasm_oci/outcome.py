"""Results of commands, and the only path to the terminal, on which every line is escaped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from wasm_oci.errors import UsageError, WasmOciError, one_line
from wasm_oci.files import reason_of
from wasm_oci.redaction import redacted, redacted_document, redacted_result

if TYPE_CHECKING:
    from wasm_oci.jsontext import JsonObject

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A command's result: `lines` for people, `document` for `--output json`.

    A line may hold file names, annotations and other text from outside as it is: line ends and control characters within it
    are escaped when it is written.
    """

    lines: Sequence[str] = ()
    document: JsonObject = field(default_factory=dict)
    exit_code: int = 0


GREEN, YELLOW, RED = "32", "33", "31"


class Painted(str):
    """A line with a colour of its own on a terminal; no text from outside can choose one."""

    def __new__(cls, text: str, colour: str) -> Painted:
        line = super().__new__(cls, text)
        line.colour = colour
        return line

    colour: str
    """Parameter of the control sequence SGR (ECMA-48)."""


def _painted(line: str, text: str, stream: TextIO | None) -> str:
    """Returns the text of a line without anything that could forge another one, with the line's own colour on a terminal."""
    text = one_line(text)
    return f"\x1b[{line.colour}m{text}\x1b[0m" if isinstance(line, Painted) and _has_colours(stream) else text


def _has_colours(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal whose user wants colours (no-color.org)."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    with suppress(OSError, ValueError):
        return stream.isatty()
    return False


def enter_user_directory() -> None:
    """Changes to the user's directory, which `bazel run` passes on; raises UsageError where that is not possible."""
    if directory := os.environ.get("BUILD_WORKING_DIRECTORY"):
        try:
            os.chdir(directory)
        except (OSError, ValueError) as err:
            hint = "start the program in another directory, or unset BUILD_WORKING_DIRECTORY"
            raise UsageError(f"cannot enter the current directory: {reason_of(err)}", where=directory, hint=hint) from err


def write_document(outcome: Outcome, form: str) -> None:
    """Writes exactly one JSON document, or the lines, to stdout; raises UsageError where that is not possible."""
    if form == "json":
        _write_json(outcome.document)
    elif outcome.lines:
        write_lines(outcome.lines)


def write_lines(lines: Iterable[str]) -> None:
    """Writes each of `lines` to stdout as exactly one line; see `write_text`."""
    write_text("".join(f"{_painted(line, redacted_result(line), sys.stdout)}\n" for line in lines))


def say(*lines: str) -> None:
    """Writes each of `lines` to stderr as exactly one line.

    A stderr that is closed, full or has no reader is replaced by one that discards everything: it changes no exit code.
    """
    try:
        if sys.stderr is not None:
            sys.stderr.write("".join(f"{_painted(line, redacted(line), sys.stderr)}\n" for line in lines))
            sys.stderr.flush()
            return
    except (OSError, ValueError):  # its buffer would fail again when the interpreter ends
        pass
    sys.stderr = _nowhere()


def report_error(program: str, error: WasmOciError, form: str) -> None:
    """Writes one line to stderr, and with `--output json` the same as a document to stdout."""
    say(Painted(f"{program}: {error}", RED))
    if form == "json":
        with suppress(UsageError):
            _write_json(error_document(error))


def error_document(error: WasmOciError) -> JsonObject:
    """Returns an error as `--output json` shows it."""
    texts = {"message": error.what, "where": error.where, "hint": error.hint}
    details = {"reason": error.reason, **{name: redacted(text) for name, text in texts.items()}}
    return {"error": details, "exitCode": error.exit_code}


def start_logging(*, verbose: bool) -> None:
    """Sends log messages to stderr, each as one line: warnings, and with `verbose` everything."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(self.format(record))

    handler = Handler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, handlers=[handler])


def _write_json(document: JsonObject) -> None:
    from wasm_oci.jsontext import pretty

    write_text(pretty({"schemaVersion": SCHEMA_VERSION, **redacted_document(document)}).decode())


def write_text(text: str) -> None:
    """Writes all of `text` to stdout, with escapes for what its encoding cannot express; raises UsageError.

    Text from outside must already be escaped and redacted. A reader that has closed the pipe is not an error, because the command
    has done its work. After that, and after an error, stdout discards everything, so that the interpreter does not fail again at
    its end.
    """
    if sys.stdout is None:
        raise UsageError("cannot write the result: stdout is closed", hint="redirect it to a file or a pipe")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except (OSError, ValueError) as err:
        sys.stdout = _nowhere()
        if isinstance(err, BrokenPipeError):
            return
        detail = reason_of(err) if isinstance(err, OSError) else "it is closed"
        raise UsageError(f"cannot write the result: {detail}", where="stdout", hint="free some space, or redirect it elsewhere") from err


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
