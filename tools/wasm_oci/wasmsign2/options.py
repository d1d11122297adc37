"""The options of one subcommand of `wasmsign2`, taken as the published program takes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from wasm_oci.wasmsign2.help import COMMANDS, Option, explain

REPEATED = "an argument cannot be used with one or more of the other specified arguments"
UNEXPECTED = "unexpected argument found"
_MISSING = "one or more required arguments were not provided"
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
    """By long option; a flag that was given has an empty value, an option of many values its first one."""
    many: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """All values of an option that takes many, by long option."""


def take_options(arguments: Arguments, rest: list[str]) -> None:
    """Takes what follows the subcommand; raises CommandLineError or HelpWanted."""
    options = COMMANDS[arguments.command][1]
    while rest:
        text = rest.pop(0)
        if text == "--":
            if rest:
                raise CommandLineError(UNEXPECTED, repr(rest[0]))
        elif text.startswith("--"):
            name, equals, value = text[2:].partition("=")
            _take_one(arguments, _find(arguments, options, name), rest, value if equals else None)
        elif text.startswith("-") and len(text) > 1:
            _take_letters(arguments, options, text[1:], rest)
        else:
            raise CommandLineError(UNEXPECTED, repr(text))
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
    raise CommandLineError(UNEXPECTED, f"{'-' if len(name) == 1 else '--'}{name}")


def _take_one(arguments: Arguments, option: Option, rest: list[str], value: str | None) -> None:
    if not option.value and value is not None:
        raise CommandLineError("unexpected value for an argument found", f"--{option.long}")
    if option.value and value is None:
        values = _following(rest, many=option.many)
        if not values:
            raise CommandLineError(_NO_VALUE, f"--{option.long} needs a value")
    else:
        values = (value or "",)
    if option.long in arguments.values:
        raise CommandLineError(REPEATED, f"--{option.long} twice")
    arguments.values[option.long] = values[0]
    if option.many:
        arguments.many[option.long] = values


def _following(rest: list[str], *, many: bool) -> tuple[str, ...]:
    """Takes the next argument, with `many` all that follow, up to one that is an option."""
    values: list[str] = []
    while rest and (rest[0] == "-" or not rest[0].startswith("-")) and (many or not values):
        values.append(rest.pop(0))
    return tuple(values)
