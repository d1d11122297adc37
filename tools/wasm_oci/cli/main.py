"""`wasm_oci`: runs one command line. A subcommand's module is imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from wasm_oci.cli.common.arguments import make_parser, parse
from wasm_oci.cli.common.arguments_file import expanded
from wasm_oci.cli.common.file_names import split_names
from wasm_oci.cli.common.target_help import asks_for_help, help_request, target_help
from wasm_oci.cli.execute import Command, execute
from wasm_oci.cli.usage import COMMANDS, LOGGING, RUN_TARGETS, usage
from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.outcome import keep_whole, report_error, say, start_logging, write_text
from wasm_oci.wording import did_you_mean


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code. The result is on stdout, all else on stderr."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        args = expanded(given)
    except WasmOciError as err:
        report_error("wasm_oci", err, "text")
        return err.exit_code
    return run_line(args, typed=args == given)


def run_line(args: Sequence[str], *, typed: bool = False) -> int:
    """`main` without arguments files. Only a line that a user `typed` may do nothing but show help."""
    args, names = list(args), dict[str, str]()
    if not typed:
        try:
            args, names = split_names(args)
        except WasmOciError as err:
            report_error("wasm_oci", err, "text")
            return err.exit_code
    keep_whole(args)
    verbose = bool(args) and args[0] in ("-v", "--verbose")
    args = args[verbose:]
    if not args:
        say(*usage().splitlines())
        return 2
    if args[0] in ("-h", "--help") and typed:
        try:
            write_text(usage())
        except UsageError as err:
            report_error("wasm_oci", err, "text")
            return err.exit_code
        return 0
    if args[0] not in COMMANDS:
        remedy = did_you_mean(args[0], COMMANDS) or f"the commands are {', '.join(COMMANDS)}"
        say(f"wasm_oci: unknown command {args[0][:100]!r}; {remedy}")
        return 2
    command = cast(Command, importlib.import_module(f"wasm_oci.cli.commands.{args[0].replace('-', '_')}"))
    parser = make_parser(args[0], command.DESCRIPTION)
    command.add_arguments(parser)
    try:
        if typed and args[0] in RUN_TARGETS and (request := help_request(args[1:])):
            description = getattr(command, "TARGET_DESCRIPTION", command.DESCRIPTION)
            write_text(target_help(parser, request, description, getattr(command, "BESIDE_REQUEST", None)))
            return 0
        parsed = parse(parser, args[1:])
    except WasmOciError as err:
        report_error("wasm_oci", err, _form(args))
        return err.exit_code
    except SystemExit as stop:
        if stop.code or (typed and asks_for_help(args[1:])):
            return int(stop.code or 0)
        error = UsageError("help was shown; the command was not run", where="--help", hint="leave out --help to run it")
        report_error("wasm_oci", error, "text")
        return 2
    if verbose or parsed.verbose or args[0] in LOGGING:
        start_logging(verbose=verbose or parsed.verbose)
    return execute(command, parsed, names)


def _form(args: Sequence[str]) -> str:
    """The form that a command line asks for, where it cannot be parsed."""
    return "json" if "--output=json" in args or ("--output", "json") in pairwise(args) else "text"
