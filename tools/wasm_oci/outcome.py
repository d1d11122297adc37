"""Results of commands, and the only path to the terminal, on which every line is escaped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from wasm_oci.errors import PolicyError, UsageError, WasmOciError
from wasm_oci.files import reason_of
from wasm_oci.redaction import redacted, redacted_document, redacted_result
from wasm_oci.wording import WIDTH, ShellCommand, Whole, fitted, fitted_parts

if TYPE_CHECKING:
    from wasm_oci.jsontext import JsonObject

SCHEMA_VERSION = 1
_NARROWEST = 40


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


def _written(line: str, texts: Iterable[str], stream: TextIO | None) -> str:
    """Returns the texts of a line, which nothing in them can forge, with the line's own colour on a terminal."""
    if isinstance(line, Painted) and _has_colours(stream):
        texts = (f"\x1b[{line.colour}m{text}\x1b[0m" for text in texts)
    return "".join(f"{text}\n" for text in texts)


def keep_whole(names: Iterable[str]) -> None:
    """Says what the user named: no line is broken at a space within it."""
    _names[:] = names


_names: list[str] = []


def _width(stream: TextIO | None) -> int:
    """Returns the length of a line: that of a terminal up to `WIDTH`, or `WIDTH` where it does not say; elsewhere stderr has no limit.

    In a log an error stays one line, so that a program finds its words whatever the length of a path before them.
    """
    with suppress(OSError, ValueError):
        if stream is not None and stream.isatty():
            return max(min(os.get_terminal_size(stream.fileno()).columns or WIDTH, WIDTH), _NARROWEST)
    return sys.maxsize if stream is sys.stderr else WIDTH


def _line(line: str, text: str, stream: TextIO | None) -> str:
    """Returns a line whose text is redacted, broken to the width of its stream."""
    kind = type(line) if isinstance(line, Whole | ShellCommand) else str
    return _written(line, fitted(kind(text), width=_width(stream), names=_names), stream)


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
    """Writes `lines` to stdout, a long one as several: see `fitted` and `write_text`."""
    write_text("".join(_line(line, redacted_result(line), sys.stdout) for line in lines))


def say(*lines: str) -> None:
    """Writes `lines` to stderr, a long one as several: see `fitted`."""
    _write_error("".join(_line(line, redacted(line), sys.stderr) for line in lines))


def _write_error(text: str) -> None:
    """A stderr that is closed, full or has no reader is replaced by one that discards everything: it changes no exit code."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
            return
    except (OSError, ValueError):  # its buffer would fail again when the interpreter ends
        pass
    sys.stderr = _nowhere()


def report_error(program: str, error: WasmOciError, form: str) -> None:
    """Writes an error to stderr, and with `--output json` the same as a document to stdout.

    On a terminal a long one is broken between where, what and what to do next.
    """
    names = [*_names, *error.where.split(": ")]
    texts = fitted_parts([f"{program}:", *error.parts], width=_width(sys.stderr), names=names)
    _write_error(_written(Painted("", RED), texts, sys.stderr))
    if form == "json":
        with suppress(UsageError):
            _write_json(error_document(error))


def error_document(error: WasmOciError) -> JsonObject:
    """Returns an error as `--output json` shows it."""
    texts = {"message": error.what, "where": error.where, "hint": error.hint}
    details = {"reason": error.reason, **{name: redacted(text) for name, text in texts.items()}}
    verdicts = {"verdicts": list(error.verdicts)} if isinstance(error, PolicyError) and error.verdicts else {}
    return {"error": details, "exitCode": error.exit_code, **verdicts}


def start_logging(*, verbose: bool) -> None:
    """Sends log messages to stderr, each as one line: warnings, and with `verbose` everything."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                say(Painted(f"wasm_oci: warning: {record.getMessage()}", YELLOW))
            else:
                say(f"{record.name}: {record.getMessage()}")

    handler = Handler()
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, handlers=[handler])


def json_bytes(document: JsonObject) -> bytes:
    """Returns a result as `--output json` shows it."""
    from wasm_oci.jsontext import pretty

    return pretty({"schemaVersion": SCHEMA_VERSION, **redacted_document(document)})


def _write_json(document: JsonObject) -> None:
    write_text(json_bytes(document).decode())


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
