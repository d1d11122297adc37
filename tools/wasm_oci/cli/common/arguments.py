"""What all commands have: options, and arguments from a file.

A last argument `@FILE` stands for the lines of FILE, as Bazel writes them (multiline params files).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn

from wasm_oci.errors import UsageError, one_line
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS

_WHAT = "arguments file"
_HELP = ("-h", "--help")

AddArguments = Callable[[argparse.ArgumentParser], None]


def any_text(text: str) -> str:
    """The type of an option whose value may be empty, because it names nothing."""
    return text


class _Parser(argparse.ArgumentParser):
    """Adds arguments through groups: a parser itself would prepare to print its help for each of them (10 ms in all).

    Control characters in its errors are escaped: they repeat what was given. An empty value is an error, because it is what a shell makes
    of a variable that is not set; only `any_text` may be empty.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, add_help=False, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
        self._values = self.add_argument_group("positional arguments")
        self._flags = self.add_argument_group("options")
        self.add_argument(*_HELP, action="help", help="show this help and exit")

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        if options.get("type") is not any_text and options.get("action", "append") == "append":
            options["type"] = _not_empty(
                options.get("type", str), where=options.get("metavar", names[0]) if names[0][0] != "-" else names[-1]
            )
        group = self._flags if names[0].startswith("-") else self._values
        return group.add_argument(*names, **options)

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


def _not_empty(kind: Callable[[str], Any], *, where: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        if not text:
            raise UsageError("the value is empty", where=where, hint="give a value, or set the variable that it comes from")
        return kind(text)

    convert.__name__ = getattr(kind, "__name__", where)
    return convert


def make_parser(command: str, description: str) -> argparse.ArgumentParser:
    """Returns a parser of the options that every command has."""
    parser = _Parser(prog=f"wasm_oci {command}", description=description)
    parser.add_argument("--output", choices=("text", "json"), default="text", help="form of the result on stdout (default: text)")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no text on success")
    return parser


def refuse_beside_request(args: argparse.Namespace, add_arguments: AddArguments, allowed: Collection[str]) -> None:
    """Raises UsageError for an option beside --request that the request decides, so that none is ignored."""
    parser = make_parser("", "")
    add_arguments(parser)
    for name, value in vars(args).items():
        if name not in ("request", "output", "quiet", *allowed) and (value or None) != (parser.get_default(name) or None):
            flags = ", ".join(f"--{flag.replace('_', '-')}" for flag in allowed)
            raise UsageError(f"{name.replace('_', '-')} does not go with --request", where=str(args.request), hint=f"give {flags} only")


def expanded(arguments: Sequence[str]) -> list[str]:
    """Returns `arguments`, with the file's lines in place of `@FILE`, which is the last argument.

    Elsewhere, after `--`, and where a file has that very name (with the `@`), it is a name as any other: a shell that
    lists a folder must not give orders. A line that begins with `@` stays as it is. Raises UsageError or LimitError for
    a file that is absent, no regular file, too large or not UTF-8.
    """
    *others, last = arguments or [""]
    if not last.startswith("@") or "--" in others or os.path.lexists(last):
        return list(arguments)
    return [*others, *_lines(Path(last[1:]))]


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Whether the command line itself asks for help and nothing else: no arguments file, and no option beside it.

    Otherwise a command that was to do something would end well without having done it.
    """
    others = [argument for argument in arguments if argument not in _HELP]
    return len(others) < len(arguments) and not any(argument.startswith(("-", "@")) for argument in others)


def _lines(path: Path) -> list[str]:
    data = read_bounded(path, LIMITS.request_file, what=_WHAT)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise UsageError(f"the {_WHAT} is not UTF-8 (byte {err.start})", where=str(path), hint="write one argument on each line") from err
    lines = text.split("\n")
    if not lines[-1]:
        del lines[-1]
    return [line.removesuffix("\r") for line in lines]
