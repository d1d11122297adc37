"""A parser of command lines whose errors and help reach the terminal as all other output does."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import Any, NoReturn

from wasm_oci.errors import UsageError
from wasm_oci.outcome import write_text


class CommandLineParser(argparse.ArgumentParser):
    """Errors of the command line, and help that cannot be written, are UsageErrors like any others."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def print_help(self, _file: object = None) -> None:
        write_text(self.format_help())

    def error(self, message: str) -> NoReturn:
        where, _, what = message.removeprefix("argument ").partition(": ") if message.startswith("argument ") else ("", "", message)
        raise UsageError(what, where=where, hint=_nearest(what) or f"see {self.prog} --help")


def _nearest(what: str) -> str:
    """The remedy for a value that is like one of those that an option takes."""
    found = re.fullmatch(r"invalid choice: '(.*)' \(choose from (.*)\)", what)
    near = difflib.get_close_matches(found[1], re.findall(r"[^', ]+", found[2]), n=1) if found else []
    return f"did you mean {near[0]}?" if near else ""
