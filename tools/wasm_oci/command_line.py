"""A parser of command lines whose errors and help reach the terminal as all other output does."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from wasm_oci.errors import UsageError
from wasm_oci.outcome import write_text
from wasm_oci.wording import did_you_mean


class CommandLineParser(argparse.ArgumentParser):
    """Errors of the command line, and help that cannot be written, are UsageErrors like any others."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def print_help(self, _file: object = None) -> None:
        write_text(self.format_help())

    def error(self, message: str) -> NoReturn:
        where, _, what = message.removeprefix("argument ").partition(": ") if message.startswith("argument ") else ("", "", message)
        if found := re.fullmatch(r"(invalid choice: '(.*)') \(choose from (.*)\)", what):  # argparse says it by this text only
            values = re.findall(r"[^', ]+", found[3])
            raise UsageError(found[1], where=where, hint=did_you_mean(found[2], values) or f"use {_one_of(values)}; see {self.prog} --help")
        raise UsageError(what, where=where, hint=f"see {self.prog} --help")


def _one_of(values: list[str]) -> str:
    return f"one of {', '.join(values)}" if len(values) > 1 else values[0]


def not_empty(kind: Callable[[str], Any], *, where: str) -> Callable[[str], Any]:
    """Returns a type of arguments that refuses an empty value, which is what a shell makes of a variable that is not set."""

    def convert(text: str) -> Any:
        if not text:
            raise UsageError("the value is empty", where=where, hint="give a value, or set the variable that it comes from")
        return kind(text)

    convert.__name__ = getattr(kind, "__name__", where)
    return convert
