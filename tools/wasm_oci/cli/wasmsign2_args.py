"""The command line of `wasmsign2`, taken as the published program takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wasm_oci.cli.wasmsign2_help import COMMANDS, VERSION, Option, explain, overview

_MISSING = "one or more required arguments were not provided"
_REPEATED = "an argument cannot be used with one or more of the other specified arguments"
_UNEXPECTED = "unexpected argument found"
_NO_VALUE = "one of the values isn't valid for an argument"


class CommandLineError(Exception):
    """The command line is wrong: exit code 2. `detail` says which argument."""

    def __init__(self, text: str, detail: str) -> None:
        super().__init__(text)
        self.detail = detail


class HelpWanted(Exception):
    """Help or the version was asked for: its text is the argument."""


@dataclass(slots=True, kw_only=True)
class Arguments:
    """What was asked for; `command` is empty where no subcommand was given."""

    verbose: bool = False
    debug: bool = False
    command: str = ""
    values: dict[str, str] = field(default_factory=dict)
    """By long option; a flag that was given has an empty value."""


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
    _take_options(arguments, rest)
    return arguments


def _take_globals(arguments: Arguments, text: str) -> None:
    if text == "--help":
        raise HelpWanted(overview())
    if text == "--version":
        raise HelpWanted(VERSION)
    if text.startswith("--") or text == "-":
        raise CommandLineError(_UNEXPECTED, repr(text))
    for letter in text[1:]:
        name = {"v": "verbose", "d": "debug"}.get(letter)
        if letter in "hV":
            raise HelpWanted(overview() if letter == "h" else VERSION)
        if name is None:
            raise CommandLineError(_UNEXPECTED, f"-{letter} before the subcommand")
        if getattr(arguments, name):
            raise CommandLineError(_REPEATED, f"-{letter} twice")
        setattr(arguments, name, True)


def _take_options(arguments: Arguments, rest: list[str]) -> None:
    options = COMMANDS[arguments.command][1]
    while rest:
        text = rest.pop(0)
        if text.startswith("--"):
            name, equals, value = text[2:].partition("=")
            _take_one(arguments, _find(arguments, options, name), rest, value if equals else None)
        elif text.startswith("-") and len(text) > 1:
            _take_letters(arguments, options, text[1:], rest)
        else:
            raise CommandLineError(_UNEXPECTED, repr(text))
    missing = [f"--{option.long}" for option in options if option.required and option.long not in arguments.values]
    if missing:
        raise CommandLineError(_MISSING, ", ".join(missing))


def _take_letters(arguments: Arguments, options: tuple[Option, ...], letters: str, rest: list[str]) -> None:
    while letters:
        option, letters = _find(arguments, options, letters[0]), letters[1:]
        if option.value:
            _take_one(arguments, option, rest, letters.removeprefix("=") if letters else None)
            return
        _take_one(arguments, option, rest, None)


def _find(arguments: Arguments, options: tuple[Option, ...], name: str) -> Option:
    if name in ("h", "help"):
        raise HelpWanted(explain(arguments.command))
    for option in options:
        if name in (option.short, option.long):
            return option
    raise CommandLineError(_UNEXPECTED, f"{'-' if len(name) == 1 else '--'}{name}")


def _take_one(arguments: Arguments, option: Option, rest: list[str], value: str | None) -> None:
    if not option.value and value is not None:
        raise CommandLineError("unexpected value for an argument found", f"--{option.long}")
    if option.value and value is None:
        if not rest or (rest[0].startswith("-") and rest[0] != "-"):
            raise CommandLineError(_NO_VALUE, f"--{option.long} needs a value")
        value = rest.pop(0)
    if option.long in arguments.values:
        raise CommandLineError(_REPEATED, f"--{option.long} twice")
    arguments.values[option.long] = value or ""
