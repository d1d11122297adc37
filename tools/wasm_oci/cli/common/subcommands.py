"""Commands of a command, such as `key show`."""

from __future__ import annotations

import argparse


def add_subcommand(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str) -> argparse.ArgumentParser:
    """Returns the parser of one; it takes the options that every command has too."""
    parser = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.add_argument("--output", choices=("text", "json"), default=argparse.SUPPRESS, help="form of the result on stdout")
    parser.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="print no text on success")
    parser.add_argument("-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser
