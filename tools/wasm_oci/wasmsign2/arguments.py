"""The command line of `wasmsign2`, taken as the published program takes it."""

from __future__ import annotations

from collections.abc import Sequence

from wasm_oci.wasmsign2.help import COMMANDS, VERSION, explain, overview
from wasm_oci.wasmsign2.options import REPEATED, UNEXPECTED, Arguments, CommandLineError, HelpWanted, take_options


def parse(argv: Sequence[str]) -> Arguments:
    """Raises CommandLineError or HelpWanted."""
    arguments, rest = Arguments(), list(argv)
    while rest and rest[0].startswith("-"):
        _take_globals(arguments, rest.pop(0))
    if not rest:
        return arguments
    command = rest.pop(0)
    if command == "help":
        if rest and rest[0] not in COMMANDS:
            raise CommandLineError("unrecognized subcommand", repr(rest[0]))
        raise HelpWanted(explain(rest[0]) if rest else overview())
    if command not in COMMANDS:
        raise CommandLineError("unrecognized subcommand", repr(command))
    arguments.command = command
    take_options(arguments, rest)
    return arguments


def _take_globals(arguments: Arguments, text: str) -> None:
    if text == "--help":
        raise HelpWanted(overview())
    if text == "--version":
        raise HelpWanted(VERSION)
    if text.startswith("--") or text == "-":
        raise CommandLineError(UNEXPECTED, repr(text))
    for letter in text[1:]:
        name = {"v": "verbose", "d": "debug"}.get(letter)
        if letter in "hV":
            raise HelpWanted(overview() if letter == "h" else VERSION)
        if name is None:
            raise CommandLineError(UNEXPECTED, f"-{letter} before the subcommand")
        if getattr(arguments, name):
            raise CommandLineError(REPEATED, f"-{letter} twice")
        setattr(arguments, name, True)
