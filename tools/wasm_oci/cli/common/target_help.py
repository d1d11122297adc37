"""Whether a command line asks for help, and what a run target then shows: the options behind `bazel run TARGET --`."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

from wasm_oci.cli.common.arguments import COMMON, HELP
from wasm_oci.errors import WasmOciError, one_line
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS

WITH_REQUEST = "with --request: "
"""How the help of an option begins that only a run target has."""
WITH_PATTERNS = "with patterns: "
"""How the help of an option begins that no run target has."""


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Whether the command line itself asks for help and nothing else: no arguments file, and no option beside it.

    Otherwise a command that was to do something would end well without having done it.
    """
    others = [argument for argument in arguments if argument not in HELP]
    return len(others) < len(arguments) and not any(argument.startswith(("-", "@")) for argument in others)


def help_request(arguments: Sequence[str]) -> Path | None:
    """Returns the request file where a run target is asked for its help, and for nothing else: `--request FILE --help`."""
    first, rest = arguments[:2], arguments[2:]
    return Path(first[1]) if len(first) == 2 and first[0] == "--request" and asks_for_help(rest) and set(rest) <= set(HELP) else None


def target_help(parser: argparse.ArgumentParser, request: Path, description: str, beside: Collection[str] | None) -> str:
    """Returns the help of a run target: the options that go behind `bazel run TARGET --`, without those that its request decides.

    `beside` names those that go beside a request, as `refuse_beside_request` takes them; None for all.
    """
    parser.prog, parser.description = f"bazel run {_target(request)} --", description
    for action in parser._actions:
        decided = beside is not None and action.dest not in (*COMMON, *beside)
        if not action.option_strings or action.dest == "request" or decided or (action.help or "").startswith(WITH_PATTERNS):
            action.help = argparse.SUPPRESS
        elif action.help:
            action.help = action.help.removeprefix(WITH_REQUEST)
    return parser.format_help()


def _target(request: Path) -> str:
    """Returns the label of the target that a request is of, as far as it says so."""
    from wasm_oci.jsontext import parse_object

    try:
        found = parse_object(read_bounded(request, LIMITS.request_file, what="request file"), where=str(request)).get("target")
    except WasmOciError:
        found = None
    return one_line(found) if isinstance(found, str) and found else "TARGET"
