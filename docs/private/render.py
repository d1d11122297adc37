"""render page TITLE OUTPUT LABEL=FILE… [--example FILE], or render index OUTPUT --module LABEL=FILE… --page TITLE=FILE…"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rule_pages import markdown
from rule_pages.module_info import Message, parse_module


def _named(text: str) -> tuple[str, Message]:
    name, _, path = text.rpartition("=")
    return name, parse_module(Path(path).read_bytes())


def _page(args: argparse.Namespace) -> str:
    return markdown.page(args.title, args.modules, args.example.read_text(encoding="utf-8") if args.example else "")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="render")
    commands = parser.add_subparsers(dest="command", required=True)
    page = commands.add_parser("page")
    page.add_argument("title")
    page.add_argument("output", type=Path)
    page.add_argument("modules", nargs="+", type=_named)
    page.add_argument("--example", type=Path)
    index = commands.add_parser("index")
    index.add_argument("output", type=Path)
    index.add_argument("--module", action="append", type=_named, required=True)
    index.add_argument("--page", action="append", type=_named, required=True)
    args = parser.parse_args(argv)
    try:
        text = _page(args) if args.command == "page" else markdown.index(args.module, args.page)
    except ValueError as err:
        sys.stderr.write(f"render: {err}\n")
        return 1
    args.output.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
