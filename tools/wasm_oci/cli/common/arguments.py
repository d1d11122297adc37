"""The parser of all commands: the options that every one has, and errors that name the nearest option."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from wasm_oci.command_line import CommandLineParser, not_empty
from wasm_oci.errors import UsageError
from wasm_oci.wording import did_you_mean

HELP = ("-h", "--help")
COMMON = ("help", "output", "quiet", "verbose")
"""What every command has."""

AddArguments = Callable[[argparse.ArgumentParser], None]


def any_text(text: str) -> str:
    """The type of an option whose value may be empty, because it names nothing."""
    return text


class _Once(argparse.Action):
    """Stores a value, and refuses a second one, which would take the place of the first in silence."""

    _given = False

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        if self._given and option_string:
            hint = f"keep one of them; see {parser.prog} --help"
            raise UsageError("the option is given twice, and takes one value", where=option_string, hint=hint)
        self._given = True
        setattr(namespace, self.dest, values)


class _Parser(CommandLineParser):
    """Adds arguments through groups: a parser itself would prepare to print its help for each of them (10 ms in all).

    An empty value is an error, because it is what a shell makes of a variable that is not set; only `any_text` may be empty.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, add_help=False)
        self._values = self.add_argument_group("positional arguments")
        self._flags = self.add_argument_group("options")
        self.add_argument(*HELP, action="help", help="show this help and exit")

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        is_option = names[0].startswith("-")
        if options.get("type") is not any_text and options.get("action", "append") == "append":
            where = names[-1] if is_option else options.get("metavar", names[0])
            options["type"] = not_empty(options.get("type", str), where=where)
        if is_option:
            options.setdefault("action", _Once)
        return (self._flags if is_option else self._values).add_argument(*names, **options)


def missing(needed: Mapping[str, tuple[str, object]]) -> UsageError:
    """Returns the error that names what of `needed` is not given; each is its option and the option's value."""
    absent = {what: option for what, (option, value) in needed.items() if not value}
    return UsageError(f"{' and '.join(f'no {what}' for what in absent)} is given", hint=f"give {', and '.join(absent.values())}")


def make_parser(command: str, description: str) -> argparse.ArgumentParser:
    """Returns a parser of the options that every command has."""
    parser = _Parser(prog=f"wasm_oci {command}", description=description)
    parser.add_argument("--output", choices=("text", "json"), default="text", help="form of the result on stdout (default: text)")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no text on success")
    parser.add_argument("-v", "--verbose", action="store_true", help="log the requests to registries, to stderr")
    return parser


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Returns the parsed arguments; raises UsageError, which for an unknown option names the nearest one, and SystemExit after help."""
    known = _options(parser)
    for argument in arguments:
        if argument == "--":
            break
        name = argument.partition("=")[0]
        if name.startswith("--") and " " not in name and name not in known:
            raise _unknown(name, known, parser)
    parsed, rest = parser.parse_known_args(arguments)
    if rest:
        raise _unknown(rest[0], known, parser)
    return parsed


def _options(parser: argparse.ArgumentParser) -> list[str]:
    """Returns the options of a parser, and of the parsers of its subcommands."""
    found: list[str] = []
    for action in parser._actions:
        found += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            found += [name for further in action.choices.values() for name in _options(further)]
    return found


def _unknown(given: str, known: Sequence[str], parser: argparse.ArgumentParser) -> UsageError:
    if not given.startswith("-"):
        return UsageError(f"unexpected argument {given[:100]!r}", hint=f"see {parser.prog} --help")
    return UsageError(f"unrecognised option {given[:100]}", hint=did_you_mean(given, known) or f"see {parser.prog} --help")


def refuse_beside_request(args: argparse.Namespace, add_arguments: AddArguments, allowed: Collection[str]) -> None:
    """Raises UsageError for an option beside --request that the request decides, so that none is ignored."""
    parser = make_parser("", "")
    add_arguments(parser)
    for name, value in vars(args).items():
        if name not in ("request", *COMMON, *allowed) and (value or None) != (parser.get_default(name) or None):
            flags = ", ".join(f"--{flag.replace('_', '-')}" for flag in allowed)
            raise UsageError(f"{name.replace('_', '-')} does not go with --request", where=str(args.request), hint=f"give {flags} only")
