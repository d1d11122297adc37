"""Options of commands that publish."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_publish_options(parser: argparse.ArgumentParser) -> None:
    boolean = argparse.BooleanOptionalAction
    parser.add_argument("--dry-run", action=boolean, help="stop after the plan; send nothing that writes")
    parser.add_argument("--fail-fast", action=boolean, help="after the first failure begin nothing new and write no tag, anywhere")
    parser.add_argument("--read-back", choices=("standard", "full"), default="standard", help="full: read large blobs back whole too")
    parser.add_argument("--move-tags", action="store_true", help="move a tag that exists with another digest")
    parser.add_argument(
        "--movable-tag", action="append", default=[], metavar="TAG", help="a tag that may move, beside latest; may be given several times"
    )
    parser.add_argument(
        "--result-file", type=Path, metavar="FILE", help="write the JSON document of the result there too, however this ends"
    )
