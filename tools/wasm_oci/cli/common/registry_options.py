"""Options of all commands that reach registries."""

from __future__ import annotations

import argparse


def add_registry_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plain-http",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="reach this registry or token service without TLS; may be given several times",
    )
    parser.add_argument(
        "--ca-file",
        action="append",
        default=[],
        metavar="HOST[:PORT]=FILE",
        help="trust only the certificate authorities of this PEM file at this host; may be given several times",
    )
