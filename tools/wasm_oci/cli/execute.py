"""Runs a parsed command: one outcome, or one error with its exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Protocol

from wasm_oci.cli.common.file_names import named
from wasm_oci.errors import EXIT_BUG, EXIT_INTERRUPTED, UsageError, WasmOciError
from wasm_oci.outcome import Outcome, report_error, say, write_document


class Command(Protocol):
    """What every module of a subcommand provides."""

    DESCRIPTION: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> Outcome: ...


def execute(command: Command, parsed: argparse.Namespace, names: Mapping[str, str]) -> int:
    """Runs a parsed command and turns every error into its line, with these `names` of files, and exit code."""
    try:
        outcome = command.run(parsed)
        if parsed.output != "text" or not parsed.quiet:
            write_document(outcome, parsed.output)
    except WasmOciError as err:
        report_error("wasm_oci", named(err, names), parsed.output)
        return err.exit_code
    except KeyboardInterrupt:
        say("wasm_oci: interrupted")
        return EXIT_INTERRUPTED
    except ModuleNotFoundError as err:
        package = (err.name or "").partition(".")[0]
        if package in ("", "wasm_oci"):
            return _report_bug()
        what = f"the Python package {package} was not found, or is for another Python"
        hint = "start the program by `bazel run`; a script of `--script_path` needs `bazelw exec` where Bazel was `bazelw`"
        report_error("wasm_oci", UsageError(what, where=sys.executable, hint=hint), parsed.output)
        return UsageError.exit_code
    except Exception:
        return _report_bug()
    return outcome.exit_code


def _report_bug() -> int:
    import traceback

    say(*traceback.format_exc().split("\n"), "wasm_oci: this is a bug in wasm_oci; please report it with the lines above")
    return EXIT_BUG
